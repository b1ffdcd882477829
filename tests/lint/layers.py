#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Checks how the files of src/ depend on each other, and how they name things.

- Includes run downward only: FLOORS says which folder may include which.
- Only src/coturn/ includes coturn's headers.
- Include guards are unique, and follow the file's path.
- Functions that a header declares begin with the name of the header's file.
- Parameters have the same names in the header and in the source.

Prints one line for each finding, and ends with status 1 if there are any.
"""

import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SRC = TOP / "src"

# Folder: the folders of src/ whose headers it may include, besides its own. "." is
# src/ itself, where offload.h is the one door between coturn/ and the rest.
FLOORS = {
    "coturn": {".", "base"},
    ".": {"channel", "route", "iface", "host", "table", "netlink", "base"},
    "channel": {"route", "table", "base"},
    "route": {"table", "netlink", "base"},
    "iface": {"table", "netlink", "base"},
    "host": {"table", "netlink", "base"},
    "table": {"base"},
    "netlink": {"base"},
    "base": set(),
    "xdp_utils": {".", "channel", "route", "iface", "host", "table", "netlink", "base"},
}

# Headers of bpf/ that userspace shares with the XDP program, and what is generated.
SHARED = {"abi.h", "verdict.h", "turn.skel.h", "drop_count.h", "drops.skel.h", "capture.h", "capture.skel.h"}

# coturn calls these by the names that its macros and the linker have.
FOREIGN_NAMES = re.compile(r"^(__wrap_|__real_)")


def sources():
    return sorted(path for path in SRC.rglob("*.[ch]"))


def folder(path):
    return str(path.relative_to(SRC).parent)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", lambda found: re.sub(r"[^\n]", " ", found.group(0)), text, flags=re.S)


def check_includes(path, text, own_headers):
    here = folder(path)
    for line, name in ((text.count("\n", 0, found.start()) + 1, found.group(1))
                       for found in re.finditer(r'^#include "([^"]+)"', text, re.M)):
        where = f"{path.relative_to(TOP)}:{line}"
        if name in SHARED:
            continue
        if here == "xdp_utils" and (SRC / here / name).exists():
            continue
        if name not in own_headers:
            if here != "coturn":
                yield f"{where}: \"{name}\" is none of our headers; only src/coturn/ may include coturn's"
            continue
        target = str(Path(name).parent)
        if target != here and target not in FLOORS[here]:
            allowed = ", ".join(sorted(FLOORS[here])) or "nothing"
            yield f"{where}: src/{here} may not include {name}; it may include {allowed}"


def check_guard(path, text, seen):
    found = re.search(r"^#ifndef (\w+)\n#define (\w+)\n", text, re.M)
    if not found or found.group(1) != found.group(2):
        yield f"{path.relative_to(TOP)}: there is no include guard"
        return
    if path.is_relative_to(SRC):
        wanted = "OFFLOAD_" + re.sub(r"[/.]", "_", str(path.relative_to(SRC))).upper()
    else:
        wanted = "BPF_" + path.name.replace(".", "_").upper()
    if found.group(1) != wanted:
        yield f"{path.relative_to(TOP)}: the include guard is {found.group(1)}, not {wanted}"
    if found.group(1) in seen:
        yield f"{path.relative_to(TOP)}: the include guard {wanted} is that of {seen[found.group(1)]}"
    seen[found.group(1)] = path.relative_to(TOP)


# A declaration or the head of a definition: type, name, parameters, what follows.
FUNCTION = re.compile(r"^(?!static|typedef|return|else|extern|#)([A-Za-z_][\w \t*]*?[ *])(\w+)\(((?:[^(){};]|\([^()]*\)(?:\([^()]*\))?)*)\)"
                      r"(?:\s*__attribute__\(\(.*?\)\))?\s*(;|\{)", re.M | re.S)


def parameter_names(parameters):
    """The names; an empty one for a parameter without a name."""
    names, depth, part = [], 0, ""
    for character in parameters + ",":
        if character == "," and not depth:
            pointer = re.search(r"\(\*(\w+)\)", part)
            words = re.findall(r"\w+", re.sub(r"\[[^\]]*\]", "", part))
            names.append(pointer.group(1) if pointer else words[-1] if len(words) > 1 else "")
            part = ""
            continue
        depth += (character == "(") - (character == ")")
        part += character
    return names


def functions(text, end):
    for found in FUNCTION.finditer(text):
        if found.group(4) == end:
            yield found.group(2), parameter_names(found.group(3)), text.count("\n", 0, found.start()) + 1


def check_prefix(path, text):
    stem = path.stem
    for name, _, line in functions(text, ";"):
        if not name.startswith(stem + "_") and not name == stem and not FOREIGN_NAMES.match(name):
            yield f"{path.relative_to(TOP)}:{line}: {name}() does not begin with {stem}_"


def check_parameters(headers, texts):
    declared = {}
    for path in headers:
        for name, names, line in functions(texts[path], ";"):
            declared[name] = (names, f"{path.relative_to(TOP)}:{line}")
    for path, text in texts.items():
        if path.suffix != ".c":
            continue
        for name, names, line in functions(text, "{"):
            if name in declared and names != declared[name][0]:
                yield (f"{path.relative_to(TOP)}:{line}: parameters of {name}() are called {', '.join(names)}; "
                       f"{declared[name][1]} calls them {', '.join(declared[name][0])}")


def findings():
    raw = {path: path.read_text(encoding="utf-8") for path in sources()}
    texts = {path: without_comments(text) for path, text in raw.items()}
    headers = [path for path in texts if path.suffix == ".h"]
    own_headers = {str(path.relative_to(SRC)) for path in headers}
    guards = {}
    for path, text in texts.items():
        yield from check_includes(path, text, own_headers)
    for path in headers + sorted((TOP / "bpf").glob("*.h")):
        yield from check_guard(path, path.read_text(encoding="utf-8"), guards)
    for path in headers:
        if path.name != "macros.h":
            yield from check_prefix(path, texts[path])
    yield from check_parameters(headers, texts)


def main():
    found = list(findings())
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
