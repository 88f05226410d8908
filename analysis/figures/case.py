"""The case in one figure: for every finding the reported range in grey, and the result of the runs of its arm as a mark."""

from collections.abc import Sequence
from textwrap import fill
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lesionlab.analysis.comparison.case_table import CaseTable, Row, short_text, statement, status_text
from lesionlab.analysis.figures import style

REPORTED, TICK = "#C9C9C9", "#555555"
BAND, MARK = 0.36, 9
CAPTION = ("What was reported of the patient (grey: the range that agrees, dark: the reported number) against what the runs show (mark: "
           "median, bar: 5 % to 95 % of runs; colour: the arm). Circle: inside, cross: outside. Filled: a row that calibration may use, "
           "open: a prediction, never fitted.")


class Group(NamedTuple):
    """One panel: its title, the unit of its axis, and the quantities in it."""

    title: str
    axis: str
    quantities: tuple[str, ...]


GROUPS = (
    (Group("Change of a lesion's size", "change (%)", ("longest_diameter_change_percent", "short_axis_change_percent")),
     Group("Size of a lesion", "size (cm)", ("longest_diameter_cm", "short_axis_cm"))),
    (Group("Response and control", "share of runs", ("response", "control", "local_control")),
     Group("Time to progression or lethal burden", "months since the start", ("progression_months", "lethal_burden_months"))),
)


def case_figure(table: CaseTable, note: str = "") -> Figure:
    """Draw a case table that has rows; `note` stands at the foot."""
    figure = style.slide("The case: report against model", note=note)
    looks = style.arm_styles(list(dict.fromkeys(row.finding.arm for row in table.rows)), table.parts)
    for column, groups in enumerate(GROUPS):
        filled = [(group, rows) for group in groups if (rows := [row for row in table.rows if row.finding.quantity in group.quantities])]
        _column(figure, column, filled, table)
    figure.text(20 / style.SLIDE_PIXELS[0], 0.045, fill(statement(table), 230), size=style.SMALL_PT, color=style.INK, va="bottom")
    _legend(figure, table, looks)
    return figure


def _column(figure: Figure, column: int, filled: Sequence[tuple[Group, list[Row]]], table: CaseTable) -> None:
    """Place a column's panels one below the other, each as high as it has rows."""
    if not filled:
        return
    heights = [len(rows) + 0.8 for _, rows in filled]
    left = 0.13 + 0.5 * column
    grid = figure.add_gridspec(len(filled), 1, left=left, right=left + 0.235, top=0.87, bottom=0.15, hspace=0.42, height_ratios=heights)
    for place, (group, rows) in enumerate(filled):
        axes = figure.add_subplot(grid[place, 0])
        _panel(axes, group, rows, table)


def _panel(axes: Axes, group: Group, rows: Sequence[Row], table: CaseTable) -> None:
    """Draw one panel, its rows from top to bottom."""
    low, high = _span(group, rows)
    for height, row in enumerate(rows):
        colour = style.arm_styles([row.finding.arm], table.parts)[row.finding.arm].colour
        _draw(axes, -height, row, colour, (low, high))
        axes.annotate(f"{status_text(row, table)}, {row.verdict}: {short_text(row)}", (1.02, -height), va="center", annotation_clip=False,
                      xycoords=("axes fraction", "data"), size=style.SMALL_PT, color=style.FAINT if row.is_inside is None else style.INK)
    axes.set_xlim(low, high)
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.set_yticks([-height for height in range(len(rows))], [_label(row, table) for row in rows], size=style.SMALL_PT)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_title(group.title, loc="left", weight="bold")
    axes.set_xlabel(group.axis)


def _span(group: Group, rows: Sequence[Row]) -> tuple[float, float]:
    """Return the axis's limits: everything finite with some room; shares always from 0 to 1."""
    if group.axis == "share of runs":
        return -0.04, 1.04
    numbers = np.array([number for row in rows for number in (*row.limits, row.median, row.low, row.high)], dtype=float)
    finite = numbers[np.isfinite(numbers)]
    room = 0.12 * (finite.max() - finite.min() or 1.0)
    return float(finite.min() - room), float(finite.max() + room)


def _draw(axes: Axes, height: float, row: Row, colour: str, span: tuple[float, float]) -> None:
    """Draw one finding: its range, and the median and interval of the runs."""
    lowest, highest = np.clip(row.limits, *span)
    axes.barh(height, highest - lowest, left=lowest, height=BAND * 2, color=REPORTED, lw=0, zorder=1)
    if not isinstance(row.finding.value, str):
        value = float(row.finding.value)
        axes.plot([value, value], [height - BAND, height + BAND], color=TICK, lw=2.5, zorder=2)
    if np.isfinite(row.low):
        axes.plot(np.clip([row.low, row.high], *span), [height, height], color=colour, lw=2.5, zorder=3)
    if not np.isnan(row.median):
        marker = ">" if np.isinf(row.median) else "o" if row.is_inside else "X"
        axes.plot(np.clip(row.median, *span), height, marker, mec=colour, mfc=colour if row.finding.status == "fitted" else "white",
                  mew=1.8, ms=MARK + (marker == "X"), clip_on=False, zorder=4)


def _label(row: Row, table: CaseTable) -> str:
    """Return the name of a row: lesion or arm, what, date."""
    finding = row.finding
    who = style.words(finding.lesion) if finding.arm == "combined" else style.arm_styles([finding.arm], table.parts)[finding.arm].label
    what = {"longest_diameter_change_percent": "longest", "short_axis_change_percent": "short axis", "longest_diameter_cm": "longest",
            "short_axis_cm": "short axis", "response": f"{finding.value}", "control": "no progression", "local_control": "local control",
            "progression_months": "progression", "lethal_burden_months": "lethal burden"}[finding.quantity]
    strictly = ", strict" if finding.reading == "strict" else ""
    return f"{who}, {what}{strictly}\n{finding.date.strftime('%-d %b %Y')}"


def _legend(figure: Figure, table: CaseTable, looks: dict[str, style.ArmStyle]) -> None:
    """Explain range, marks and colours above the panels."""
    drawn = [arm for arm in looks if any(row.finding.arm == arm and row.n for row in table.rows)]
    marks = [Patch(color=REPORTED, label="reported: what agrees"), Line2D([], [], color=TICK, lw=2.5, label="reported number"),
             Line2D([], [], color=style.INK, marker="o", lw=2.5, ms=MARK, label="runs: median, 5 % to 95 %; inside"),
             Line2D([], [], color=style.INK, marker="X", lw=0, ms=MARK + 2, label="outside"),
             Line2D([], [], color=style.INK, marker="o", mfc="white", mew=2, lw=0, ms=MARK, label="open: a prediction"),
             *(Patch(color=looks[arm].colour, label=looks[arm].label) for arm in drawn)]
    figure.legend(handles=marks, loc="upper left", bbox_to_anchor=(0.01, 0.955), ncols=len(marks) if len(marks) < 8 else 5,
                  fontsize=style.SMALL_PT, handlelength=1.6, columnspacing=1.4)
