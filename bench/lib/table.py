# SPDX-License-Identifier: BSD-3-Clause
"""A table as text, and as Markdown."""

import dataclasses


@dataclasses.dataclass
class Table:
    title: str
    note: str
    head: list
    lines: list

    def text(self):
        widths = [max(len(line[i]) for line in (self.head, *self.lines)) for i in range(len(self.head))]

        def row(line):
            return "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in
                                                          zip(line[1:], widths[1:]))]).rstrip()
        return "\n".join([f"== {self.title}", *map(row, (self.head, *self.lines)), self.note, ""])

    def markdown(self):
        rule = ["---", *["---:"] * (len(self.head) - 1)]
        lines = "\n".join("| " + " | ".join(line) + " |" for line in (self.head, rule, *self.lines))
        return f"### {self.title}\n\n{lines}\n\n{self.note}\n"


def number(value, digits=3):
    """As many digits as count; "–" where there is no figure."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:.0f}"
    text = f"{value:.{digits}g}"
    return text if "e" not in text else f"{value:.2e}"


def ratio(value, base):
    return None if value is None or not base else value / base
