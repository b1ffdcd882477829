# SPDX-License-Identifier: BSD-3-Clause
"""A drawing of lines, rectangles and text, as SVG."""

import math
from xml.sax.saxutils import escape

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
GRID, INK = "#d8d8d8", "#222222"


class Drawing:
    def __init__(self, width, height, title):
        self.width, self.height = width, height
        self.parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
                      f'height="{height}" font-family="DejaVu Sans, Arial, sans-serif" font-size="13" fill="{INK}">',
                      f"<title>{escape(title)}</title>", f'<rect width="{width}" height="{height}" fill="white"/>']
        self.text(width / 2, 24, title, anchor="middle", size=16, weight="bold")

    def text(self, x, y, text, anchor="start", size=13, weight="normal",
             turned=False):
        turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
                          f'font-weight="{weight}"{turn}>{escape(text)}</text>')

    def line(self, points, colour=INK, width=1.0, dash=""):
        there = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{there}" fill="none" stroke="{colour}" stroke-width="{width}"'
                          + (f' stroke-dasharray="{dash}"' if dash else "") + "/>")

    def rectangle(self, x, y, width, height, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>')

    def dot(self, x, y, colour, radius=4.0):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>')

    def write(self, path):
        path.write_text("\n".join([*self.parts, "</svg>"]) + "\n", encoding="utf-8")


class Scale:
    """From values to places on the paper, linear from zero or logarithmic."""

    def __init__(self, values, start, end, log=False):
        self.log, self.start, self.end = log, start, end
        top = max(values)
        if log:
            self.low = 10.0 ** math.floor(math.log10(min(values)))
            self.high = 10.0 ** math.ceil(math.log10(top) - 1e-9)
            if self.high == self.low:
                self.high *= 10
        else:
            step = 10.0 ** math.floor(math.log10(top))
            self.step = next(step * part for part in (0.2, 0.5, 1, 2) if top / (step * part) <= 6)
            self.low, self.high = 0.0, self.step * math.ceil(top / self.step * 1.02)

    def at(self, value):
        if self.log:
            share = math.log10(value / self.low) / math.log10(self.high / self.low)
        else:
            share = value / self.high
        return self.start + share * (self.end - self.start)

    def ticks(self):
        if self.log:
            count = round(math.log10(self.high / self.low))
            return [self.low * 10 ** i for i in range(count + 1)]
        return [self.step * i for i in range(round(self.high / self.step) + 1)]


def figure(value):
    """A number as people write it: 12000 as 12 000."""
    if value >= 10000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
