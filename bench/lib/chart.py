# SPDX-License-Identifier: BSD-3-Clause
"""Charts: bars that lie, lines over a quantity, ranges on a logarithmic axis."""

from svg import COLOURS, GRID, Drawing, Scale, figure

LEFT, RIGHT, TOP = 250, 70, 70
PITCH = 17


def legend(drawing, names, x, y):
    for name, colour in zip(names, COLOURS):
        drawing.rectangle(x, y - 10, 12, 12, colour)
        drawing.text(x + 17, y, name)
        x += 17 + 7.6 * len(name) + 22


def across(drawing, scale, top, bottom, label):
    """A horizontal axis with its grid."""
    for tick in scale.ticks():
        drawing.line([(scale.at(tick), top), (scale.at(tick), bottom)], GRID)
        drawing.text(scale.at(tick), bottom + 18, figure(tick), anchor="middle")
    drawing.line([(scale.start, bottom), (scale.end, bottom)])
    drawing.text((scale.start + scale.end) / 2, bottom + 40, label, anchor="middle")


def bars(title, names, rows, label, width=900):
    """`rows`: pairs of a title and a value for each of the names, None where there is none."""
    heights = [PITCH * len(names) + 12] * len(rows)
    drawing = Drawing(width, TOP + sum(heights) + 60, title)
    bottom = TOP + sum(heights)
    scale = Scale([value for _, values in rows for value in values if value], LEFT, width - RIGHT)
    legend(drawing, names, LEFT, 50)
    across(drawing, scale, TOP - 6, bottom, label)
    y = TOP
    for (row, values), height in zip(rows, heights):
        drawing.text(LEFT - 10, y + (height - 12) / 2 + 5, row, anchor="end")
        for i, value in enumerate(values):
            if value is not None:
                drawing.rectangle(LEFT, y + PITCH * i, max(1, scale.at(value) - LEFT), PITCH - 3, COLOURS[i])
                drawing.text(scale.at(value) + 5, y + PITCH * i + 11, figure(round(value)), size=12)
        y += height
    return drawing


def stacks(title, names, rows, label, width=900):
    """Bars of which each is the sum of its parts; the sum stands behind."""
    height = 34
    bottom = TOP + height * len(rows)
    drawing = Drawing(width, bottom + 60, title)
    scale = Scale([sum(values) for _, values in rows], LEFT, width - RIGHT)
    legend(drawing, names, 40, 50)
    across(drawing, scale, TOP - 6, bottom, label)
    for i, (row, values) in enumerate(rows):
        x, y = LEFT, TOP + height * i
        drawing.text(LEFT - 10, y + 17, row, anchor="end")
        for value, colour in zip(values, COLOURS):
            drawing.rectangle(x, y, scale.at(value) - LEFT, height - 10, colour)
            x += scale.at(value) - LEFT
        drawing.text(x + 6, y + 17, f"{sum(values):.3g}")
    return drawing


def ranges(title, names, rows, label, width=900):
    """A dot for each name on one line for each row, on a logarithmic axis."""
    height = 32
    bottom = TOP + height * len(rows)
    drawing = Drawing(width, bottom + 60, title)
    scale = Scale([value for _, values in rows for value in values], LEFT, width - RIGHT, log=True)
    legend(drawing, names, LEFT, 50)
    across(drawing, scale, TOP - 6, bottom, label)
    for i, (row, values) in enumerate(rows):
        y = TOP + height * i + 15
        drawing.text(LEFT - 10, y + 5, row, anchor="end")
        drawing.line([(scale.at(min(values)), y), (scale.at(max(values)), y)], "#888888", 2)
        for value, colour in zip(values, COLOURS):
            drawing.dot(scale.at(value), y, colour, 5)
    return drawing


def lines(title, series, across_label, up_label, log_x=False, log_y=False,
          colours=COLOURS):
    """`series`: pairs of a name and its points."""
    width, height, left, right, bottom = 900, 440, 90, 240, 380
    drawing = Drawing(width, height, title)
    places = sorted({x for _, points in series for x, _ in points})
    x_scale = Scale(places, left, width - right, log_x)
    y_scale = Scale([y for _, points in series for _, y in points], bottom, 50, log_y)
    for tick in y_scale.ticks():
        drawing.line([(left, y_scale.at(tick)), (width - right, y_scale.at(tick))], GRID)
        drawing.text(left - 8, y_scale.at(tick) + 4, figure(tick), anchor="end")
    for tick in x_scale.ticks() if log_x else places:
        drawing.line([(x_scale.at(tick), bottom), (x_scale.at(tick), bottom + 5)])
        drawing.text(x_scale.at(tick), bottom + 20, figure(tick), anchor="middle")
    drawing.line([(left, 50), (left, bottom), (width - right, bottom)])
    drawing.text((left + width - right) / 2, bottom + 45, across_label, anchor="middle")
    drawing.text(24, (50 + bottom) / 2, up_label, anchor="middle", turned=True)
    ends = []
    for (name, points), colour in zip(series, colours):
        drawing.line([(x_scale.at(x), y_scale.at(y)) for x, y in points], colour, 2)
        for x, y in points:
            drawing.dot(x_scale.at(x), y_scale.at(y), colour)
        ends.append([y_scale.at(points[-1][1]), name, colour])
    # Names stand where their lines end, one above the other where those meet.
    ends.sort()
    for i in range(1, len(ends)):
        ends[i][0] = max(ends[i][0], ends[i - 1][0] + 16)
    for y, name, colour in ends:
        drawing.rectangle(width - right + 14, y - 6, 12, 12, colour)
        drawing.text(width - right + 31, y + 5, name)
    return drawing
