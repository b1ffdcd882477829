#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Other XDP programs on the same interface, by libxdp's dispatcher. For a guest whose kernel runs that:
tests/vm/run.sh --kernel 6.12 -- tests/vm/dispatcher_test.py
"""

import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "netns"))

from card_lab import PatientServer as Server
from carriers import RELEASE
from lab import Lab
from netns import command
from outcome import check_said, said
from talk import Talk
from tap import check, check_equal, run, skip, test

OTHER = """
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int other(struct xdp_md *context) { return XDP_PASS; }
char _license[] SEC("license") = "GPL";
"""

# By the verifier: the functions of the dispatcher, which programs replace, change no packets before libxdp 1.5.5.
REFUSAL = "Extension program changes packet data, while original does not"

TELLS = RELEASE >= (6, 3)
AUTO = () if TELLS else (("xdp-mode", "native"),)
VERBOSE = ("Verbose", None)
PATIENCE = 90  # of a server that is not the only one: the first one answers in its place


class Dispatcher:
    """libxdp's dispatcher on to-peer, with one program that passes everything."""

    def __init__(self, lab):
        self._lab = lab
        # `ip netns exec` mounts /sys anew, without what is pinned there.
        self._folder = lab.folder / "bpffs"
        self.environment = ("env", f"LIBXDP_BPFFS={self._folder}")

    def __enter__(self):
        for tool in ("xdp-loader", "clang"):
            if not shutil.which(tool):
                skip(f"{tool} is not installed")
        self._folder.mkdir(exist_ok=True)
        command(["mount", "-t", "bpf", "bpf", self._folder])
        source, made = self._lab.folder / "other.c", self._lab.folder / "other.o"
        source.write_text(OTHER, encoding="ascii")
        try:
            command(["clang", "-O2", "-g", "-target", "bpf", "-I/usr/include/x86_64-linux-gnu",
                     "-c", source, "-o", made])
            self._loader("load", "-m", "native", "to-peer", made, "-s", "xdp")
            if "xdp_dispatcher" not in self.status():
                skip("this kernel does not run libxdp's dispatcher: it loads no BPF_PROG_TYPE_EXT")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._loader("unload", "--all", "to-peer", check=False)
        command(["umount", self._folder], check=False)

    def _loader(self, *words, check=True):
        return self._lab.server.run(*self.environment, "xdp-loader", *words, check=check).stdout

    def status(self):
        return self._loader("status", "to-peer")

    def members(self):
        return sorted(re.findall(r"=>\s+\d+\s+(\w+)", self.status()))


def is_refused(server):
    """Whether the kernel takes no program that changes packets into the dispatcher of the libxdp that the server has: the
    words of its verifier are in the log, which VERBOSE asks for."""
    return bool(said(server, REFUSAL))


def need_taken(server):
    if is_refused(server):
        skip(f"this kernel takes no program that changes packets into this libxdp's dispatcher; its verifier: \"{REFUSAL}\"")


@test("another program on the interface, by libxdp's dispatcher; what a server leaves there is cleaned up",
      seconds=300)
def other_program(lab):
    with Dispatcher(lab) as dispatcher:
        for _ in range(2):
            with Server(lab, VERBOSE, *AUTO, prefix=dispatcher.environment) as server, Talk(lab) as talk:
                need_taken(server)
                check_said(server, "to-peer: native mode through libxdp's dispatcher")
                check_said(server, "to-client: native mode, mtu")
                check_equal(dispatcher.members(), ["other", "turn"], "programs")
                talk.wait_kernel(server).check_kernel(server)
            # coturn ends without a word, and the program stays until the next start.
            check_equal(dispatcher.members(), ["other", "turn"], "programs")


@test("a second server leaves the program of one that runs in the dispatcher, and takes out that of one that has ended",
      seconds=600)
def second_server(lab):
    ports = (("listening-port", 3479), ("min-port", 40000), ("max-port", 40999))
    with Dispatcher(lab) as dispatcher:
        with Server(lab, VERBOSE, *AUTO, prefix=dispatcher.environment) as first, Talk(lab) as talk:
            need_taken(first)
            check_said(first, "to-peer: native mode through libxdp's dispatcher")
            with Server(lab, *ports, *AUTO, prefix=dispatcher.environment) as second:
                second.wait_log("to-peer: native mode through libxdp's dispatcher", PATIENCE)
                check_equal(dispatcher.members(), ["other", "turn", "turn"], "programs")
                talk.wait_kernel(first).check_kernel(first)
            # The second has ended, and the first still runs.
            with Server(lab, *ports, *AUTO, prefix=dispatcher.environment) as third:
                third.wait_log("to-peer: native mode through libxdp's dispatcher", PATIENCE)
                check_equal(dispatcher.members(), ["other", "turn", "turn"], "programs")
                talk.wait_kernel(first).check_kernel(first)
        with Server(lab, *AUTO, prefix=dispatcher.environment):
            check_equal(dispatcher.members(), ["other", "turn"], "programs")


@test("a kernel that refuses the program in the dispatcher of an older libxdp: the log says why, and the dispatcher stays",
      seconds=180)
def refused(lab):
    with Dispatcher(lab) as dispatcher:
        with Server(lab, VERBOSE, *AUTO, prefix=dispatcher.environment) as server, Talk(lab) as talk:
            if not is_refused(server):
                skip("this kernel takes programs that change packets into this libxdp's dispatcher")
            check_said(server, "to-peer: left out", "relayed in userspace: this kernel lets no program that changes packets",
                       "libxdp before 1.5.5", "update libxdp")
            talk.warm()
            check(talk.works(), "data did not arrive")
        check_equal(dispatcher.members(), ["other"], "programs")


if __name__ == "__main__":
    run(Lab("direct"))
