"""The window of the anti-angiogenic drug on one slide: perfusion, maturity, hypoxia and T cells since its start, with and without it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.panels import place
from lesionlab.analysis.records.treatments import Part

LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX, GAP_X_PX, GAP_Y_PX = 118, 40, 150, 104, 128, 92
QUARTILES = (0.25, 0.5, 0.75)


class Drawn(NamedTuple):
    """One panel: a series, its title, the name of its axis and the upper limit of a share (None: as high as the curves)."""

    series: str
    title: str
    label: str
    top: float | None = None


PANELS = (
    Drawn("perfused_vessels_per_mm2", "Perfusion", "perfused vessels per mm²"),
    Drawn("vessel_maturity", "Maturity of the vessels", "mean maturity (0 to 1)", 1.0),
    Drawn("hypoxic_fraction_below_5_mmHg", "Hypoxia", "share of cells below 5 mmHg"),
    Drawn("t_cells_per_mm2", "T cells in the tumour", "T cells per mm²"),
)
Courses = Mapping[str, Mapping[str, NDArray[np.float64]]]
"""Arm to series to a table (patient or replicate, day), nan after death."""


@style.enlarged
def window_figure(days: Sequence[float], courses: Courses, drug: str, parts: Sequence[Part] = (), of: str = "virtual patients",
                  note: str = "") -> Figure:
    """Draw four panels over the days since the drug's start: the median of each arm and the middle half of its patients.

    A day is drawn while at least half of an arm's patients live.
    """
    wide, high = style.SLIDE_PIXELS
    width = (wide - LEFT_PX - RIGHT_PX - GAP_X_PX) / 2
    height = (high - TOP_PX - BOTTOM_PX - GAP_Y_PX) / 2
    n = max(len(table) for by_series in courses.values() for table in by_series.values())
    said = f"n = {n} {of}.  Lines: median of those alive; bands: their middle half; a line ends when half have died.  {note}".rstrip()
    figure = style.slide(f"What {drug} does to vessels, oxygen and T cells", note=said)
    looks = style.arm_styles(list(courses), parts)
    for index, panel in enumerate(PANELS):
        row, column = divmod(index, 2)
        axes = place(figure, LEFT_PX + column * (width + GAP_X_PX), TOP_PX + row * (height + GAP_Y_PX), width, height)
        for arm, by_series in courses.items():
            _draw(axes, np.asarray(days), by_series[panel.series], looks[arm])
        axes.set_title(panel.title, loc="left", weight="bold")
        axes.set_ylabel(panel.label)
        axes.set_xlim(0, max(days))
        axes.set_ylim(0, panel.top or 1.08 * axes.dataLim.y1)
        axes.set_xlabel(f"days since the start of {drug}" if row else "")
    handles = [Line2D([], [], color=looks[arm].colour, ls=looks[arm].line, lw=2.8, label=looks[arm].label) for arm in courses]
    figure.legend(handles=handles, loc="upper left", ncols=len(handles), borderaxespad=0, bbox_to_anchor=(12 / wide, 1 - 46 / high))
    return figure


def _draw(axes: Axes, days: NDArray[np.float64], table: NDArray[np.float64], look: style.ArmStyle) -> None:
    enough = np.isfinite(table).sum(axis=0) * 2 >= len(table)
    low, middle, high = np.nanquantile(table[:, enough], QUARTILES, axis=0)
    axes.fill_between(days[enough], low, high, color=look.colour, alpha=0.18, lw=0)
    axes.plot(days[enough], middle, color=look.colour, ls=look.line, lw=2.8)
