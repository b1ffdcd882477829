#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Holds the log lines of the sources against DIAGNOSTICS of man/turnserver-xdp.1, both ways.

A documented line has to be one that a source file writes, and each line that a source file
writes has to be documented, or be in NOT_DOCUMENTED with the reason.

In the man page a placeholder of a line is replaced by an example without blanks (eth0, 1500),
or by "..."; a line may end in "..." instead of its rest. What stands in a line about an
interface as the reason may be documented as a line of its own, if it begins with "...".

usage: tests/lint/diagnostics.py [--list]
  --list  shows all lines and reasons of the sources, to copy from
"""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "man" / "turnserver-xdp.1"

# Beginnings of lines that need no explanation in the man page, and why.
NOT_DOCUMENTED = {
    "cannot read the eventfd that wakes the offload's monitor thread: %s": "cannot happen: the read of an eventfd fails",
    "this turnserver was built without XDP": "says all there is to say",
}

# A call that writes a line, and what stands before its text in the log. A line that is kept
# to be written later counts like one that is written.
LINE_CALLS = {
    r"log_line": "",
    # Notes of src/host/ become lines of the log as they are.
    r"\bnotes_add\b": "",
    r"mode_line_write\(\s*interface->line": "%s: ",
    r"snprintf\(\s*line, sizeof\(line\)": "%s: ",
    r"snprintf\(\s*interface->line": "%s: ",
    r"snprintf\(\s*options->error": "",
    # Functions of src/iface/ that write a line about an interface.
    r"\b(?:lose|detach|warn)\(\s*\w+": "%s: ",
}
# Calls whose text becomes the reason in a line.
REASON_CALLS = [r"\bfail(?:_occupied)?\b", r"mode_line_write\(\s*(?:interface->)?why\w*", r"snprintf\(\s*why"]
# Functions that return reasons.
REASON_FILES = ["src/channel/eligibility.c"]

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|/\*.*?\*/|//[^\n]*|\w+|\s+|.', re.DOTALL)
PLACEHOLDER = re.compile(r"%[-+ #0]*[\d*]*(?:\.[\d*]+)?(?:hh?|ll?|z|j|t)?[a-zA-Z]")
ESCAPES = {"\\n": "\n", "\\t": "\t", '\\"': '"', "\\\\": "\\"}


def filled(texts, arguments, constants):
    """The texts with the constants of the file in place of the placeholders that get them."""
    for name, placeholder in zip(arguments, PLACEHOLDER.findall(texts[0]) if texts else []):
        if name in constants:
            texts = [text.replace(placeholder, constants[name], 1) for text in texts]
    return texts


def texts_of(source, start, constants):
    """The string literals of the call whose arguments begin at `start`; adjacent ones are one."""
    texts, joined, depth, arguments = [], False, 0, None
    for token in TOKEN.findall(source[start:]):
        if token.isspace() or token.startswith(("/*", "//")):
            continue
        if arguments is not None:
            depth += (token in "([{") - (token in ")]}")
            if depth <= 0:
                break
            if token == "," and depth == 1:
                arguments.append("")
            else:
                arguments[-1] += token
            continue
        if token.startswith('"'):
            text = re.sub(r"\\.", lambda escape: ESCAPES.get(escape[0], escape[0]), token[1:-1])
            if joined:
                texts[-1] += text
            else:
                texts.append(text)
            joined = True
            continue
        if token == "," and depth == 1 and texts:
            arguments = [""]  # what follows are the arguments of the text
            continue
        depth += (token in "([{") - (token in ")]}")
        if depth <= 0:
            break
        # A macro such as PRIu64 continues the text; a ternary has two of them.
        if joined and token.isupper():
            texts[-1] += "%s"
        else:
            joined = False
    return filled(texts, arguments or [], constants)


def call_texts(source, pattern):
    constants = dict(re.findall(r'const char (\w+)\[\] = "([^"]*)";', source))
    for call in re.finditer(pattern, source):
        bracket = source.find("(", call.start())
        yield from texts_of(source, bracket, constants)


def is_text(text):
    """Not only placeholders: their texts come from elsewhere."""
    return re.search(r"[a-z]{3}", PLACEHOLDER.sub("", text))


def sources():
    for path in sorted((TOP / "src").rglob("*.c")):
        if "xdp_utils" not in path.parts:
            yield path


def collect():
    """What the sources write: {line: file} and {reason: file}."""
    lines, reasons = {}, {}
    for path in sources():
        source = path.read_text(encoding="utf-8")
        name = str(path.relative_to(TOP))
        for pattern, prefix in LINE_CALLS.items():
            for text in call_texts(source, pattern):
                if is_text(text):
                    lines[prefix + text] = name
        for pattern in REASON_CALLS:
            for text in call_texts(source, pattern):
                if is_text(text):
                    reasons[text] = name
        if name in REASON_FILES:
            texts = [token[1:-1] for token in TOKEN.findall(source) if token.startswith('"')]
            reasons.update((text, name) for text in texts if " " in text)
    return lines, reasons


def expression(text):
    """Matches what `text` may become: a placeholder has no blanks, or is nothing."""
    return r"\S*".join(re.escape(part) for part in PLACEHOLDER.split(text))


def written_as(text, documented):
    """Whether the documented line is this text of a source, or the beginning of it and '...'."""
    text = text.strip()
    if re.fullmatch(expression(text), documented):
        return True
    if not documented.endswith("..."):
        return False
    beginning = documented[:-3].rstrip()
    # Cut within a word or a placeholder, the beginning would not be that of a line.
    cuts = [match.start() for match in re.finditer(r"\s|$|(?<=\w)[:;,%]", text)]
    return any(re.fullmatch(expression(text[:cut]), beginning) for cut in cuts if cut)


def unescape(text):
    return text.replace('""', '"').replace("\\&", "").replace("\\-", "-").replace("\\e", "\\")


def documented_lines():
    page = PAGE.read_text(encoding="utf-8")
    section = re.search(r"^\.Sh DIAGNOSTICS\n(.*?)^\.Sh ", page, re.DOTALL | re.MULTILINE)
    return [unescape(line) for line in re.findall(r'^\.It "(.*)"$', section[1], re.MULTILINE)]


def main():
    lines, reasons = collect()
    if "--list" in sys.argv[1:]:
        for text, name in sorted(lines.items(), key=lambda item: item[1]):
            print(f"{name}: {text}")
        for text, name in sorted(reasons.items(), key=lambda item: item[1]):
            print(f"{name}: ... {text}")
        return 0
    faults = []
    documented = documented_lines()
    for line in documented:
        found = [text for text in lines if written_as(text, line)]
        if line.startswith("..."):
            found = [text for text in reasons if written_as(text, line[3:].strip())]
        if not found:
            faults.append(f"documented, but no source writes it: {line}")
    for text, name in lines.items():
        excepted = any(text.startswith(beginning) for beginning in NOT_DOCUMENTED)
        is_there = any(written_as(text, line) for line in documented)
        if not excepted and not is_there:
            faults.append(f"{name} writes it, but it is not documented: {text}")
        if excepted and is_there:
            faults.append(f"documented, and in NOT_DOCUMENTED as well: {text}")
    for beginning in NOT_DOCUMENTED:
        if not any(text.startswith(beginning) for text in lines):
            faults.append(f"in NOT_DOCUMENTED, but no source writes it: {beginning}")
    if len(lines) < 10 or len(documented) < 10:
        faults.append(f"only {len(lines)} lines in the sources and {len(documented)} in the man page were found")
    for fault in faults:
        print(f"man/turnserver-xdp.1, DIAGNOSTICS: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
