"""A sweep in one figure: outcomes over one varied value as lines, over two as maps; all runs of a point in its median."""

from collections.abc import Mapping, Sequence
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
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX, GAP_Y_PX, PANEL_PX, WORDS_PX, LEGEND_PX = 150, 20, 136, 110, 170, 300, 56, 58
GAP_MAPS_PX, BAR_PX, LABEL_PX = 26, 24, 80
MOST_ARMS = 6
LEAST_SPAN = {"days_observed_d": 10.0, "nadir_change": 0.1, "burden_cells_last": 1.0}
"""The shortest axis of each outcome: what is alike looks alike."""
MAP, LETTER_PX, MOST_LEVELS = "cividis", 9, 16
"""More values than `MOST_LEVELS` along an axis are a sample of a space, which no grid holds."""


def drawn_paths(rows: Sequence[Row], varied: Sequence[str]) -> list[str]:
    """Return the one or two values over which a sweep is drawn: the first that do vary."""
    return [path for path in varied if len({str(row.point[path]) for row in rows if path in row.point}) > 1][:2]


def _is_at(row: Row, path: str, level: Any) -> bool:
    """Return whether a run belongs to a value of a path; one that does not depend on the path belongs to each."""
    return path not in row.point or str(row.point[path]) == str(level)


@style.enlarged
def sweep_figure(rows: Sequence[Row], varied: Sequence[str], note: str = "") -> Figure:
    """Draw a panel for each outcome and, of maps, each arm; `drawn_paths` must not be empty.

    Of more than two varied values the first two are drawn, and the median is over the others too.
    """
    axes_of = drawn_paths(rows, varied)
    arms = list(dict.fromkeys(row.arm for row in rows))[:MOST_ARMS]
    pixels = (style.SLIDE_PIXELS[0], TOP_PX + BOTTOM_PX + len(SHOWN) * PANEL_PX + (len(SHOWN) - 1) * GAP_Y_PX)
    pooled = [path for path in varied if path not in axes_of]
    over = f" and over {', '.join(pooled)}" if pooled else ""
    said = f"{note}  Median over the runs of a point{over}.".lstrip()
    figure = style.slide(f"Outcomes over {' and '.join(axes_of)}", pixels, said)
    for number, outcome in enumerate(SHOWN):
        top, is_last = TOP_PX + number * (PANEL_PX + GAP_Y_PX), number == len(SHOWN) - 1
        if len(axes_of) == 2:
            _row_of_maps(figure, rows, arms, axes_of, outcome, top)
        else:
            axes = place(figure, LEFT_PX, top, pixels[0] - LEFT_PX - RIGHT_PX, PANEL_PX)
            draw_lines(axes, rows, arms, axes_of[0], outcome)
            axes.set_title(SHOWN[outcome], loc="left", weight="bold", size=style.FONT_SIZE_PT)
            axes.set_xlabel(axes_of[0] if is_last else "", size=style.FONT_SIZE_PT)
            if number == 0 and len(arms) > 1:
                figure.legend(*axes.get_legend_handles_labels(), loc="upper left", ncols=len(arms), fontsize=style.FONT_SIZE_PT,
                              borderaxespad=0, bbox_to_anchor=(LEFT_PX / pixels[0], 1 - LEGEND_PX / pixels[1]))
    return figure


def _row_of_maps(figure: Figure, rows: Sequence[Row], arms: Sequence[str], paths: Sequence[str], outcome: str, top: float) -> None:
    """Draw an outcome as a map an arm, all with one range of colours and one bar."""
    looks, wide = style.arm_styles(arms), style.SLIDE_PIXELS[0]
    levels = {path: levels_of(rows, path) for path in paths}
    width = (wide - LEFT_PX - RIGHT_PX - BAR_PX - LABEL_PX - GAP_MAPS_PX * len(arms)) / len(arms)
    letters = max(int(width / LETTER_PX), 20)
    for column, arm in enumerate(arms):
        axes = place(figure, LEFT_PX + column * (width + GAP_MAPS_PX), top, width, PANEL_PX)
        shown = draw_map(axes, [row for row in rows if row.arm == arm], levels, outcome, range_of(rows, outcome))
        axes.set_title("\n".join(wrap(looks[arm].label, letters)), loc="left", size=style.FONT_SIZE_PT)
        axes.set_xlabel("\n".join(wrap(paths[1].replace(".", ". "), letters)).replace(". ", "."), size=style.FONT_SIZE_PT)
        axes.set_ylabel(paths[0] if column == 0 else "", size=style.FONT_SIZE_PT)
        axes.tick_params(labelleft=column == 0)
    bar = place(figure, wide - RIGHT_PX - BAR_PX - LABEL_PX, top, BAR_PX, PANEL_PX)
    figure.colorbar(shown, cax=bar)
    figure.text(LEFT_PX / wide, 1 - (top - WORDS_PX) / figure.bbox.height, SHOWN[outcome], weight="bold", size=style.FONT_SIZE_PT)


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


def levels_of(rows: Sequence[Row], path: str) -> list[Any]:
    """Return the values of a path in order: numbers by size, anything else as it comes."""
    found = {str(row.point[path]): row.point[path] for row in rows if path in row.point}
    is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in found.values())
    return sorted(found.values()) if is_number else list(found.values())


def draw_lines(axes: Axes, rows: Sequence[Row], arms: Sequence[str], path: str, outcome: str) -> None:
    """Draw each run as a dot and, through the medians of few values, a line an arm; values that are no numbers stand side by side."""
    levels = levels_of(rows, path)
    is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in levels)
    places = dict(zip(map(str, levels), levels if is_number else range(len(levels)), strict=True))
    looks, is_sampled = style.arm_styles(arms), is_number and len(levels) > MOST_LEVELS
    for arm in arms:
        own = [row for row in rows if row.arm == arm]
        varied = [row for row in own if path in row.point]
        axes.plot([places[str(row.point[path])] for row in varied], [_value(row, outcome) for row in varied], "o",
                  color=looks[arm].colour, alpha=0.5, ms=7, mew=0, label=looks[arm].label if is_sampled else None)
        if not is_sampled:
            middle = [_median([row for row in own if _is_at(row, path, level)], outcome) for level in levels]
            axes.plot(list(places.values()), middle, color=looks[arm].colour, ls=looks[arm].line, lw=2.8, label=looks[arm].label)
    if not is_sampled:
        axes.set_xticks(list(places.values()), list(places))
    axes.margins(y=0.12)
    low, high = axes.get_ylim()
    spare = max(0.0, LEAST_SPAN.get(outcome, 0.0) - (high - low)) / 2
    axes.set_ylim(low - spare, high + spare)
    if outcome == "days_observed_d":
        axes.set_ylim(bottom=0.0)


def draw_map(axes: Axes, rows: Sequence[Row], levels: Mapping[str, Sequence[Any]], outcome: str,
             limits: tuple[float, float]) -> ScalarMappable:
    """Draw the medians as a map, the first path upwards, with the number in each field; a sample of a space as coloured dots."""
    (below, upwards), (left, across) = levels.items()
    low, high = limits[0], limits[1] if limits[1] > limits[0] else limits[0] + 1.0
    if max(len(upwards), len(across)) > MOST_LEVELS:
        sample = [row for row in rows if below in row.point and left in row.point]
        return axes.scatter([row.point[left] for row in sample], [row.point[below] for row in sample],
                            c=[_value(row, outcome) for row in sample], s=70, cmap=MAP, vmin=low, vmax=high)
    table: NDArray[np.float64] = np.array([[_median([row for row in rows if _is_at(row, below, one) and _is_at(row, left, other)], outcome)
                                            for other in across] for one in upwards])
    shown = axes.imshow(table, origin="lower", aspect="auto", cmap=MAP, vmin=low, vmax=high)
    for (row, column), value in np.ndenumerate(table):
        if np.isfinite(value):
            axes.text(column, row, f"{value:.3g}", ha="center", va="center",
                      color="white" if value < (low + high) / 2 else style.INK, size=style.FONT_SIZE_PT)
    axes.set_xticks(range(len(across)), [str(value) for value in across])
    axes.set_yticks(range(len(upwards)), [str(value) for value in upwards])
    axes.grid(visible=False)
    return shown
