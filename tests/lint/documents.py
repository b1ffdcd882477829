#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Checks what the Markdown documents of the repository refer to.

- Links lead to files that exist, and to headings that these have.
- Paths in backticks exist, whether they are written from the top of the repository or from the
  document's own folder; a name without a folder is that of a file somewhere in the repository.
  Patterns with * have to match something, and NAME stands for anything.
- Each source of src/ and bpf/ is in the map of docs/architecture.md.
- README.md has the vulnerabilities of coturn that upstream.ini has, which ./configure prints.

What only a build makes (build/) is not looked for.
"""

import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
MAP = "docs/architecture.md"

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.-]*(?:/[\w.*-]+)+/?|[\w-]+\.(?:md|ini|in|sh)")


def documents():
    return [path for path in sorted(TOP.rglob("*.md"))
            if path.relative_to(TOP).parts[0] not in ("build", ".git")]


def without_blocks(text):
    """Without code blocks, whose lines stay as empty ones, so that line numbers hold."""
    text = re.sub(r"^```.*?^```", lambda block: re.sub(r"[^\n]", "", block[0]), text, flags=re.M | re.S)
    return re.sub(r"^    [^\n]*", "", text, flags=re.M)


def anchors(path):
    """The fragments of a document's headings, as GitHub and GitLab make them."""
    found = set()
    for heading in re.findall(r"^#+ +(.*)$", without_blocks(path.read_text(encoding="utf-8")), re.M):
        name = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        while name in found:
            name += "-1"
        found.add(name)
    return found


def check_link(document, target):
    if re.match(r"[a-z]+:", target):
        return None
    name, _, fragment = target.partition("#")
    path = (document.parent / name).resolve() if name else document
    if not path.exists():
        return f"link to {target}: there is no such file"
    if fragment and path.suffix == ".md" and fragment not in anchors(path):
        return f"link to {target}: there is no such heading"
    return None


def exists(folder, name):
    pattern = name.strip("/").replace("NAME", "*")
    if "/" not in pattern:
        return any(path.relative_to(TOP).parts[0] != "build" for path in TOP.rglob(pattern))
    return any(folder.glob(pattern)) if "*" in pattern else (folder / pattern).exists()


def check_path(document, word):
    if not PATH.fullmatch(word) or word.startswith(("/", "build/")):
        return None
    folders = [TOP, document.parent]
    first = word.split("/")[0]
    is_ours = any((folder / first).exists() for folder in folders)
    if not is_ours and not re.search(r"\.(md|py|sh|c|h|ini)$", word):
        return None  # text/plain, gw_a/gw_b
    if any(exists(folder, word) for folder in folders):
        return None
    return f"{word}: there is no such file"


def check_map():
    text = (TOP / MAP).read_text(encoding="utf-8")
    mapped = {}
    folder = ""
    for line in text.splitlines():
        heading = re.match(r"#+ ((?:src|bpf)/[\w/]*):?", line)
        if heading or line.startswith("#"):
            folder = heading[1].rstrip("/") if heading else ""
        elif folder and line.startswith("| "):
            mapped.setdefault(folder, set()).update(CODE.findall(line.split("|")[1]))
    for path in sorted([*TOP.glob("src/**/*"), *TOP.glob("bpf/*")]):
        if path.suffix not in (".c", ".h", ".sh"):
            continue
        # A header is mapped by its source.
        names = {path.name, path.with_suffix(".c").name if path.with_suffix(".c").exists() else path.name}
        folder = str(path.parent.relative_to(TOP))
        if not names & mapped.get(folder, set()):
            yield f"{MAP}: {path.relative_to(TOP)} is not in the map"
    for folder, names in mapped.items():
        for name in sorted(names):
            if not (TOP / folder / name).exists():
                yield f"{MAP}: {folder}/{name} is in the map, but there is no such file"


def check_vulnerabilities():
    table = subprocess.run([TOP / "packaging" / "vulnerabilities.sh", "--markdown"], check=True,
                           stdout=subprocess.PIPE, encoding="utf-8").stdout
    block = f"<!-- vulnerabilities: begin -->\n{table}<!-- vulnerabilities: end -->\n"
    if block not in (TOP / "README.md").read_text(encoding="utf-8"):
        yield "README.md: the table of vulnerabilities is not what packaging/vulnerabilities.sh --markdown prints"


def main():
    faults = []
    for document in documents():
        text = without_blocks(document.read_text(encoding="utf-8"))
        for number, line in enumerate(text.splitlines(), 1):
            found = [check_link(document, target) for target in LINK.findall(line)]
            for code in CODE.findall(line):
                found += [check_path(document, word.rstrip(":,")) for word in code.split()]
            faults += [f"{document.relative_to(TOP)}:{number}: {fault}" for fault in found if fault]
    faults += [*check_map(), *check_vulnerabilities()]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
