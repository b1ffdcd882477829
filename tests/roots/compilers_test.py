#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Every clang and gcc that Debian's releases offer, each with its release's
libbpf: without a warning they build the XDP program and the library, and this
machine's kernel loads the program. A table says so, and what the verifier
walked through.
"""

import re

from debian import HOME, TARBALL, debian_root, host_tarball
from tap import check, note, run, test

COLUMNS = "{:9} {:10} {:8} {:8} {:7} {:7} {}"


def compilers(debian, kind):
    """Names of all packages of this kind, as gcc-14, and so of the programs."""
    found = debian.root.run("apt-cache", "search", "--names-only", rf"^{kind}-[0-9]+$").stdout
    return sorted(re.findall(rf"^{kind}-\d+", found, re.M), key=lambda name: int(name.split("-")[1]))


def prepare(debian):
    """Packages, the verifier's figures, and a Makefile; returns libbpf's version."""
    needed = debian.run("./configure", "--packages", check=False).stdout.split()
    debian.root.install(*needed, *compilers(debian, "clang"), *compilers(debian, "gcc"))
    debian.root.inside(TARBALL).write_bytes(host_tarball().read_bytes())
    debian.run("./configure", f"--with-coturn={TARBALL}")
    debian.run("sh", "-c", "cc -O2 tests/vm/verifier.c -o build/verifier "
                           "$(pkg-config --cflags --libs libbpf)")
    return debian.run("pkg-config", "--modversion", "libbpf").stdout.strip()


def make(debian, *words):
    """Whether it builds without a warning; if not, why is noted."""
    done = debian.run("make", "WERROR=-Werror", *words, check=False)
    if done.returncode:
        note("\n".join(re.findall(r".*(?:error|warning):.*", done.stdout)) or done.stdout[-2000:])
    return not done.returncode


def program(debian, clang):
    """Whether it builds and loads, and the instructions that the verifier walked through:
    frames of one buffer, of several, and as kernels without the coarse clock have it."""
    debian.root.inside(f"{HOME}/build/turn.bpf.o").unlink(missing_ok=True)
    if not make(debian, f"CLANG={clang}", "build/turn.bpf.o"):
        return False, False, ""
    done = debian.run("build/verifier", "build/turn.bpf.o", check=False)
    if done.returncode:
        note(done.stdout[-3000:])
    return True, not done.returncode, " ".join(re.findall(r"processed (\d+)", done.stdout))


def library(debian, compiler):
    debian.run("sh", "-c", "rm -f build/*.a; find build/obj -name '*.o' -delete")
    return make(debian, f"CC={compiler}", "build/liboffload.a", "build/libxdp_utils.a")


def said(good):
    return "yes" if good else "NO"


def matrix(codename):
    """Builds with each, and fails by the worst."""
    with debian_root(codename, f"compilers-{codename}") as debian:
        libbpf = prepare(debian)
        note(COLUMNS.format("release", "compiler", "libbpf", "program", "loaded", "library",
                            "instructions walked"))
        good = True
        for name in compilers(debian, "clang") + compilers(debian, "gcc"):
            built = loaded = walked = None
            if name.startswith("clang"):
                built, loaded, walked = program(debian, name)
            libraries = library(debian, name)
            good = good and libraries and built is not False and loaded is not False
            note(COLUMNS.format(codename, name, libbpf, "-" if built is None else said(built),
                                "-" if loaded is None else said(loaded), said(libraries), walked or "-"))
        check(good, "not all build it, or the kernel does not load what they built")


@test("bookworm", seconds=800)
def bookworm():
    matrix("bookworm")


@test("trixie", seconds=800)
def trixie():
    matrix("trixie")


@test("sid", seconds=800)
def sid():
    matrix("sid")


if __name__ == "__main__":
    run()
