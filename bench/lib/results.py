# SPDX-License-Identifier: BSD-3-Clause
"""All figures in one CSV file, a line each; and what is read from it."""

import csv
import dataclasses
import statistics

from rows import Case

KEYS = ("section", "round", "row", "way", "payload", "clients", "channels", "threads", "queues", "cpus")
COLUMNS = (*KEYS, "metric", "value")


class Results:
    """Lines are appended as they come, so that a run that was ended can be resumed."""

    def __init__(self, path, resume=False):
        self.path, self.lines = path, []
        path.parent.mkdir(parents=True, exist_ok=True)
        if resume and path.exists():
            with open(path, newline="", encoding="utf-8") as file:
                self.lines = [line for line in csv.DictReader(file) if line["value"]]
        # A line that was cut off goes, and so does the step that it belongs to.
        self._write("w", [COLUMNS, *([line[name] for name in COLUMNS] for line in self.lines)])
        self.done = {self._step(line) for line in self.lines if line["metric"] == "done"}

    def _write(self, mode, lines):
        with open(self.path, mode, newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(lines)

    @staticmethod
    def _step(line):
        return tuple(str(line[name]) for name in KEYS if name != "way")

    @staticmethod
    def line(section, number, row, case, metric, value):
        return {"section": section, "round": number, "row": row, **dataclasses.asdict(case), "metric": metric,
                "value": f"{value:.10g}"}

    def has(self, section, number, row, case):
        return self._step(self.line(section, number, row, case, "done", 1)) in self.done

    def add(self, section, number, row, found):
        """`found`: pairs of a case and its figures, all of one step."""
        lines = [self.line(section, number, row, case, metric, value)
                 for case, values in found for metric, value in values.items()]
        lines.append(self.line(section, number, row, found[0][0], "done", 1))
        self._write("a", [[line[name] for name in COLUMNS] for line in lines])
        self.lines += [{name: str(value) for name, value in line.items()} for line in lines]
        self.done.add(self._step(lines[-1]))

    def values(self, section, row, metric, **case):
        """Of the measured rounds; the first one is dropped where there are more."""
        wanted = {name: str(value) for name, value in case.items()}
        found = [(int(line["round"]), float(line["value"])) for line in self.lines
                 if line["section"] == section and line["row"] == row and line["metric"] == metric
                 and all(line[name] == value for name, value in wanted.items())]
        return [value for number, value in found if number] or [value for _, value in found]

    def median(self, section, row, metric, **case):
        """None if there is no figure."""
        found = self.values(section, row, metric, **case)
        return statistics.median(found) if found else None

    def known(self, section, name):
        """What values a column has in a section, in the order of their first occurrence."""
        return list(dict.fromkeys(line[name] for line in self.lines
                                  if line["section"] == section and line["metric"] != "done"))


DEFAULT = Case()
