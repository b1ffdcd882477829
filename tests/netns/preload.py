# SPDX-License-Identifier: BSD-3-Clause
"""Libraries that are preloaded into the server, so that the kernel seems to be another one."""

from pathlib import Path

from netns import command


def preload(lab, name):
    """A prefix that starts a program with the library of NAME.c, which is built once for a lab."""
    made = lab.folder / f"{name}.so"
    if not made.exists():
        command(["cc", "-shared", "-fPIC", "-O1", "-o", made,
                 Path(__file__).with_name(f"{name}.c"), "-ldl"])
    return ("env", f"LD_PRELOAD={made}")
