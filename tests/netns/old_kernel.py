#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Runs a command as on a kernel that lacks a part of bpf(2), or where a family of
sockets is forbidden: a seccomp filter answers for it.
usage: old_kernel.py (none | COMMAND-NUMBER | socket=FAMILY) ERRNO-NAME PROGRAM ...
"""

import ctypes
import errno
import os
import platform
import struct
import sys

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}[platform.machine()]
_SOCKET_SYSCALL = {"x86_64": 41, "aarch64": 198}[platform.machine()]
# struct seccomp_data: nr, arch, instruction_pointer, args[6]; the low half of args[0].
_OFFSET_NR, _OFFSET_FIRST = 0, 16


def main():
    which, name, program = sys.argv[1], sys.argv[2], sys.argv[3:]
    refuse = _ERRNO | getattr(errno, name)
    code = [(_LOAD, 0, 0, _OFFSET_NR)]
    if which == "none":
        code += [(_JUMP_EQUAL, 0, 1, _BPF_SYSCALL), (_RETURN, 0, 0, refuse)]
    else:
        call = _SOCKET_SYSCALL if which.startswith("socket=") else _BPF_SYSCALL
        which = which.removeprefix("socket=")
        code += [(_JUMP_EQUAL, 0, 3, call), (_LOAD, 0, 0, _OFFSET_FIRST),
                 (_JUMP_EQUAL, 0, 1, int(which)), (_RETURN, 0, 0, refuse)]
    code.append((_RETURN, 0, 0, _ALLOW))

    packed = b"".join(struct.pack("=HBBI", *one) for one in code)
    buffer = ctypes.create_string_buffer(packed, len(packed))
    # struct sock_fprog, with the padding that its pointer needs.
    filter_ = ctypes.create_string_buffer(struct.pack("@HP", len(code), ctypes.addressof(buffer)))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in ((_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                 (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filter_), 0, 0)):
        if libc.prctl(*call):
            sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    os.execvp(program[0], program)


if __name__ == "__main__":
    main()
