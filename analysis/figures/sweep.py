"""A sweep in one figure: outcomes over one varied value as lines, over two as maps; all runs of a point in its median."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lesionlab.analysis.comparison.sweep_table import Row
from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.panels import place

FIGURE = "outcomes.png"
SHOWN = {"days_observed_d": "days observed alive (to death, or to the end of the run)",
         "nadir_change": "smallest sum of target diameters, change from the first day",
         "burden_cells_last": "tumour cells on the last day (log10)"}
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX, GAP_X_PX, GAP_Y_PX, PANEL_PX = 150, 60, 136, 110, 190, 130, 330
MOST_ARMS = 6
LEAST_SPAN = {"days_observed_d": 10.0, "nadir_change": 0.1, "burden_cells_last": 1.0}
"""The shortest axis of each outcome: what is alike looks alike."""
MAP, LETTER_PX, MOST_LEVELS = "cividis", 9, 16
"""More values than `MOST_LEVELS` along an axis are a sample of a space, which no grid holds."""


def drawn_paths(rows: Sequence[Row], varied: Sequence[str]) -> list[str]:
    """Return the one or two values over which a sweep is drawn: the first that do vary."""
    return [path for path in varied if len({str(row.point.get(path)) for row in rows}) > 1][:2]


@style.enlarged
def sweep_figure(rows: Sequence[Row], varied: Sequence[str], note: str = "") -> Figure:
    """Draw a panel for each outcome and, of maps, each arm; `drawn_paths` must not be empty.

    Of more than two varied values the first two are drawn, and the median is over the others too.
    """
    axes_of = drawn_paths(rows, varied)
    arms = list(dict.fromkeys(row.arm for row in rows))[:MOST_ARMS]
    n_columns = len(arms) if len(axes_of) == 2 else 1
    wide = style.SLIDE_PIXELS[0]
    pixels = (wide, TOP_PX + BOTTOM_PX + len(SHOWN) * PANEL_PX + (len(SHOWN) - 1) * GAP_Y_PX)
    pooled = [path for path in varied if path not in axes_of]
    over = f" and over {', '.join(pooled)}" if pooled else ""
    said = f"{note}  Median over the runs of a point{over}.".lstrip()
    figure = style.slide(f"Outcomes over {' and '.join(axes_of)}", pixels, said)
    width = (wide - LEFT_PX - RIGHT_PX - GAP_X_PX * (n_columns - 1)) / n_columns
    for number, (outcome, words) in enumerate(SHOWN.items()):
        for column in range(n_columns):
            axes = place(figure, LEFT_PX + column * (width + GAP_X_PX), TOP_PX + number * (PANEL_PX + GAP_Y_PX), width, PANEL_PX)
            if len(axes_of) == 2:
                draw_map(axes, [row for row in rows if row.arm == arms[column]], axes_of, outcome, range_of(rows, outcome))
                axes.set_ylabel(axes_of[0] if column == 0 else "", size=style.FONT_SIZE_PT)
            else:
                draw_lines(axes, rows, arms, axes_of[0], outcome)
            head = [*([style.words(arms[column])] if len(axes_of) == 2 else []), *wrap(words, max(int(width / LETTER_PX), 20))]
            axes.set_title("\n".join(head), loc="left", weight="bold", size=style.FONT_SIZE_PT)
            axes.set_xlabel("\n".join(wrap(axes_of[-1].replace(".", ". "), max(int(width / LETTER_PX), 20))).replace(". ", ".")
                            if number == len(SHOWN) - 1 else "", size=style.FONT_SIZE_PT)
    return figure


def _value(row: Row, outcome: str) -> float:
    value = float(row.outcomes[outcome])
    return float(np.log10(max(value, 1.0))) if outcome.startswith("burden") else value


def _median(rows: Sequence[Row], outcome: str) -> float:
    """Return the median of an outcome over some runs, nan over none."""
    return float(np.median([_value(row, outcome) for row in rows])) if rows else float("nan")


def range_of(rows: Sequence[Row], outcome: str) -> tuple[float, float]:
    """Return the lowest and highest value of an outcome, which all maps of it share."""
    values = [_value(row, outcome) for row in rows]
    return float(np.nanmin(values)), float(np.nanmax(values))


def _levels(rows: Sequence[Row], path: str) -> list[Any]:
    """Return the values of a path in order: numbers by size, anything else as it comes."""
    found = {str(row.point.get(path)): row.point.get(path) for row in rows}
    is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in found.values())
    return sorted(found.values()) if is_number else list(found.values())


def draw_lines(axes: Axes, rows: Sequence[Row], arms: Sequence[str], path: str, outcome: str) -> None:
    """Draw each run as a dot and, through the medians of few values, a line an arm; values that are no numbers stand side by side."""
    levels = _levels(rows, path)
    is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in levels)
    places = dict(zip(map(str, levels), levels if is_number else range(len(levels)), strict=True))
    looks, is_sampled = style.arm_styles(arms), is_number and len(levels) > MOST_LEVELS
    for arm in arms:
        own = [row for row in rows if row.arm == arm]
        axes.plot([places[str(row.point.get(path))] for row in own], [_value(row, outcome) for row in own], "o", color=looks[arm].colour,
                  alpha=0.5, ms=7, mew=0, label=looks[arm].label if is_sampled else None)
        if not is_sampled:
            middle = [_median([row for row in own if str(row.point.get(path)) == str(level)], outcome) for level in levels]
            axes.plot(list(places.values()), middle, color=looks[arm].colour, ls=looks[arm].line, lw=2.8, label=looks[arm].label)
    if not is_sampled:
        axes.set_xticks(list(places.values()), list(places))
    axes.margins(y=0.12)
    low, high = axes.get_ylim()
    spare = max(0.0, LEAST_SPAN.get(outcome, 0.0) - (high - low)) / 2
    axes.set_ylim(low - spare, high + spare)
    if outcome == "days_observed_d":
        axes.set_ylim(bottom=0.0)
    if len(arms) > 1:
        axes.legend(loc="best", fontsize=style.FONT_SIZE_PT)


def draw_map(axes: Axes, rows: Sequence[Row], paths: Sequence[str], outcome: str, limits: tuple[float, float]) -> None:
    """Draw the medians as a map, the first path upwards, with the number in each field; a sample of a space as coloured dots."""
    low, high = limits
    if max(len(_levels(rows, path)) for path in paths) > MOST_LEVELS:
        y, x = (np.array([row.point.get(path) for row in rows]) for path in paths)
        dots = axes.scatter(x, y, c=[_value(row, outcome) for row in rows], s=70, cmap=MAP)
        dots.set_clim(low, high if high > low else low + 1.0)
        _explain(axes, dots)
        return
    upwards, across = (_levels(rows, path) for path in paths)
    table: NDArray[np.float64] = np.array([[_median([row for row in rows if (
        str(row.point.get(paths[0])), str(row.point.get(paths[1]))) == (str(one), str(other))], outcome) for other in across]
        for one in upwards])
    shown = axes.imshow(table, origin="lower", aspect="auto", cmap=MAP, vmin=low, vmax=high if high > low else low + 1.0)
    for (row, column), value in np.ndenumerate(table):
        if np.isfinite(value):
            axes.text(column, row, f"{value:.3g}", ha="center", va="center",
                      color="white" if value < (low + high) / 2 else style.INK, size=style.FONT_SIZE_PT)
    axes.set_xticks(range(len(across)), [str(value) for value in across])
    axes.set_yticks(range(len(upwards)), [str(value) for value in upwards])
    axes.grid(visible=False)
    _explain(axes, shown)


def _explain(axes: Axes, shown: ScalarMappable) -> None:
    """Put the scale of the colours beside a map."""
    if axes.figure is not None:
        axes.figure.colorbar(shown, ax=axes, pad=0.015)
