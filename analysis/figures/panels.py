"""Sheets of panels: one quantity of one lesion in each, arms as lines, treatment marked, the calendar under every column."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from lesionlab.analysis.figures import calendar, style
from lesionlab.analysis.records.record import Record, by_arm, values
from lesionlab.analysis.statistics.survival import Times, deaths, kaplan_meier, median_day

TOP_PX, LEFT_PX, RIGHT_PX, BOTTOM_PX = 84, 150, 24, 84
TRACK_PX, COLUMN_GAP_PX, NAMED_GAP_PX, ROW_GAP_PX, TITLE_PX = 21, 58, 116, 26, 24
LABEL_ROW_PX = calendar.LABEL_ROW_PT * style.DOTS_PER_INCH / 72
QUANTILES = (0.1, 0.9)
N_STRETCHES, MOST_ROWS = 100, 3
"""Stretches of a panel, each a few pixels wide; one that holds more rows than this is drawn by their median and quantiles."""


class Quantity(NamedTuple):
    """A series of the record with the words and unit for its axis; `top` fixes the upper limit, `is_log` the scale."""

    name: str
    label: str
    top: float | None = None
    is_log: bool = False


@dataclass(frozen=True)
class Panel:
    """One panel: a quantity of a lesion ("" for the patient); with a title it also carries the names of the milestones."""

    quantity: Quantity
    lesion: str = ""
    title: str = ""


class Curve(NamedTuple):
    """A quantity of one arm over its replicates: days, median, 10 % and 90 % quantile, all of shape (n_times,)."""

    time_d: NDArray[np.float64]
    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def curve(replicates: Sequence[Record], name: str, lesion: str) -> Curve:
    """Return median and quantiles over replicates while at least half of them still run."""
    time_d = max((np.asarray(record.time_d) for record in replicates), key=len)
    table = np.full((len(replicates), len(time_d)), np.nan)
    for row, record in enumerate(replicates):
        table[row] = np.interp(time_d, record.time_d, values(record, name, lesion), right=np.nan)
    enough = np.isfinite(table).sum(axis=0) * 2 >= len(replicates)
    result = np.full((3, len(time_d)), np.nan)
    if enough.any():
        result[:, enough] = np.nanquantile(table[:, enough], (0.5, *QUANTILES), axis=0)
    return Curve(time_d, *result)


def gathered(line: Curve, timing: calendar.Clock) -> Curve:
    """Return a curve with the rows of a stretch of the axis drawn together: their median, their lowest and highest quantile.

    Where a year stands on a few hundred pixels, daily rows of a handful of cells would fill the panel from top to bottom.
    """
    stretch = np.minimum((timing.position(line.time_d) * N_STRETCHES).astype(np.int64), N_STRETCHES - 1)
    known = np.isfinite(line.median)
    parts = []
    for rows in (np.flatnonzero((stretch == number) & known) for number in np.unique(stretch[known])):
        if len(rows) <= MOST_ROWS:
            parts.append(np.stack(line)[:, rows])
        else:
            low, middle, high = np.quantile(line.median[rows], (QUANTILES[0], 0.5, QUANTILES[1]))
            spread = min(low, float(line.low[rows].mean())), max(high, float(line.high[rows].mean()))
            parts.append(np.array([[line.time_d[rows].mean()], [middle], [spread[0]], [spread[1]]]))
    return Curve(*np.concatenate(parts, axis=1)) if parts else line


def draw_lines(axes: Axes, arms: dict[str, list[Record]], quantity: Quantity, lesion: str, timing: calendar.Clock) -> None:
    """Draw one line an arm, its band (replicates, or days drawn together), and a cross where the lethal burden ended it."""
    looks = style.looks_of(arms)
    for arm, replicates in arms.items():
        rows, look = curve(replicates, quantity.name, lesion), looks[arm]
        line = gathered(rows, timing)
        # Dashed lines lie on top: where two arms coincide both stay visible.
        axes.plot(line.time_d, line.median, color=look.colour, ls=look.line, lw=2.2, zorder=2.2 if look.line == "-" else 2.4,
                  label=look.label)
        axes.fill_between(line.time_d, line.low, line.high, color=look.colour, alpha=0.18, lw=0)
        _draw_end(axes, rows, _line_end(deaths(replicates)), look.colour)


def _draw_end(axes: Axes, rows: Curve, end_d: float, colour: str) -> None:
    """Mark how a line ends: by a cross where death ended it, by a bar where the lesion has too few cells left to measure."""
    known = np.flatnonzero(np.isfinite(rows.median))
    end = np.searchsorted(rows.time_d, end_d, side="right") - 1
    if not known.size:
        return
    place_d, value = rows.time_d[known[-1]], rows.median[known[-1]]
    if known[-1] == end and np.isfinite(end_d):
        axes.plot(place_d, value, "X", color=colour, ms=9, mec="white", clip_on=False, zorder=5)
    elif known[-1] < min(end, len(rows.time_d) - 1):
        axes.plot(place_d, value, "|", color=colour, ms=13, mew=2.4, clip_on=False, zorder=5)


def legend_entries(arms: dict[str, list[Record]]) -> list[Line2D]:
    """Return a line for each arm's legend; one with deaths says how many and when: the Kaplan-Meier median, as in the tables."""
    looks, entries = style.looks_of(arms), []
    for arm, replicates in arms.items():
        ends = deaths(replicates)
        entries.append(Line2D([], [], color=looks[arm].colour, ls=looks[arm].line, lw=2.6, label=looks[arm].label + _ended(ends)))
    return entries


def _ended(ends: Times) -> str:
    """Return what a legend says of an arm's deaths, nothing where there are none."""
    if not ends.is_event.any():
        return ""
    median_d = median_day(kaplan_meier(ends))
    day = f"day {median_d:.0f}" if np.isfinite(median_d) else "not reached"
    n = len(ends.is_event)
    return f" (✕ lethal burden {f'in {ends.is_event.sum()} of {n}, median ' if n > 1 else ''}{day})"


def _line_end(ends: Times) -> float:
    """Return the day on which an arm's line ends by death, inf where it does not: half of its runs must still be observed."""
    last = np.sort(ends.time_d)[::-1][-(-len(ends.time_d) // 2) - 1]
    return float(last) if ends.is_event[np.flatnonzero(ends.time_d == last)].any() else np.inf


def _draw_legend(figure: Figure, arms: dict[str, list[Record]]) -> float:
    """Draw the arms' legend in as few rows as fit and return how far down the panels begin, in pixels."""
    wide, high = style.SLIDE_PIXELS
    for n_columns in range(len(arms), 0, -1):
        legend = figure.legend(handles=legend_entries(arms), loc="upper left", ncols=n_columns, bbox_to_anchor=(12 / wide, 1 - 42 / high),
                               borderaxespad=0, handlelength=2, columnspacing=1.6)
        box = legend.get_window_extent()
        if n_columns == 1 or box.x1 <= figure.bbox.width:
            break
        legend.remove()
    n_rows = -(-len(arms) // n_columns)
    return float(TOP_PX + (n_rows - 1) * box.height / n_rows * high / figure.bbox.height)


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Return axes at a place given in pixels from the upper left corner of the figure."""
    wide, high = figure.get_size_inches() * style.DOTS_PER_INCH
    return figure.add_axes((left / wide, 1 - (top + height) / high, width / wide, height / high))


def sheet(title: str, records: Sequence[Record], rows: Sequence[Sequence[Panel]],
          note: str = "") -> tuple[Figure, list[tuple[Panel, Axes]]]:
    """Return a slide of panels, all on one clock, with the treatment calendar under each column, and its axes.

    Panels of one row share their vertical scale if they show the same quantity, diameters apart.
    """
    figure = style.slide(title, note=note)
    arms, timing, lines = by_arm(records), calendar.clock(records), calendar.tracks(records)
    marks = calendar.milestones(records)
    wide, high = style.SLIDE_PIXELS
    n_columns = max(len(row) for row in rows)
    # A quantity of its own has its name beside its axis.
    gap = COLUMN_GAP_PX if all(len({panel.quantity for panel in row}) == 1 for row in rows) else NAMED_GAP_PX
    head = TITLE_PX + LABEL_ROW_PX * max((sum(m.lesion in ("", p.lesion) for m in marks) for row in rows for p in row), default=0)
    heads = [head if row[0].title else 0 for row in rows]
    strip = TRACK_PX * len(lines)
    width = (wide - LEFT_PX - RIGHT_PX - gap * (n_columns - 1)) / n_columns
    top = _draw_legend(figure, arms)
    height = (high - top - BOTTOM_PX - strip - sum(heads) - ROW_GAP_PX * len(rows)) / len(rows)
    placed: list[tuple[Panel, Axes]] = []
    for row, row_head in zip(rows, heads, strict=True):
        top += row_head
        for column, panel in enumerate(row):
            axes = place(figure, LEFT_PX + column * (width + gap), top, width, height)
            placed.append((panel, axes))
            _fill(axes, arms, panel, timing, marks, row_head / high)
        _share_scale(row, [axes for _, axes in placed[-len(row):]])
        top += height + ROW_GAP_PX
    for column in range(n_columns):
        axes = place(figure, LEFT_PX + column * (width + gap), top - ROW_GAP_PX / 2, width, strip)
        calendar.draw_calendar(axes, lines, timing, with_names=column == 0)
    figure.text(0.5, 44 / high, calendar.time_label(timing), ha="center", va="center")
    return figure, placed


def _fill(axes: Axes, arms: dict[str, list[Record]], panel: Panel, timing: calendar.Clock,
          marks: Sequence[calendar.Milestone], head: float) -> None:
    """Draw one panel: lines, axis, marks and, if it has one, its title above the names of the marks."""
    draw_lines(axes, arms, panel.quantity, panel.lesion, timing)
    calendar.set_time_axis(axes, timing, with_labels=False)
    calendar.mark(axes, marks, panel.lesion, timing, with_labels=bool(panel.title))
    if panel.title:
        box = axes.get_position()
        axes.figure.text(box.x0, box.y1 + head, panel.title, size=style.FONT_SIZE_PT + 2, weight="bold", va="top")
    if panel.quantity.is_log:
        axes.set_yscale("log", nonpositive="mask")
    else:
        axes.set_ylim(0, panel.quantity.top or 1.08 * max(axes.dataLim.y1, 1e-9) if np.isfinite(axes.dataLim.y1) else 1.0)


def _share_scale(row: Sequence[Panel], axes: Sequence[Axes]) -> None:
    """Label the first panel of a row, or all if they differ; panels of one quantity share limits, except diameters."""
    is_same = len({panel.quantity for panel in row}) == 1
    for index, (panel, one) in enumerate(zip(row, axes, strict=True)):
        if index == 0 or not is_same:
            one.set_ylabel(panel.quantity.label)
    if is_same and row[0].quantity.name != "longest_diameter_cm":
        top = max(one.get_ylim()[1] for one in axes)
        for one in axes:
            one.set_ylim(one.get_ylim()[0], top)
