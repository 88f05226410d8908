"""What became of the tumour over two varied values of a sweep: eliminated, held or escaped, as a map for each arm.

A run's growth is that of a diameter, (cells on the last day / cells on the first)^(1/3), cells not yet cleared included.
"""

from collections.abc import Sequence
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lesionlab.analysis.comparison.sweep_table import Row
from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.panels import place

FIGURE = "fates.png"
FATES = (("eliminated: diameter below a fifth", 0.2, "#1B7837"), ("shrinks", 0.8, "#A6DBA0"), ("held: within 20 %", 1.2, "#F2E394"),
         ("grows", 2.0, "#E7A977"), ("escapes: diameter doubles, or death", np.inf, "#A63603"))
"""Each fate, the diameter relative to the first day below which it holds, and its colour; from dark to light and back."""
NO_RUN = "no run came to rest or was complete"
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX, GAP_PX, PANEL_PX = 170, 60, 136, 190, 190, 560
MOST_ARMS, LETTER_PX = 4, 9


def growth_of(row: Row) -> float:
    """Return the diameter on the last day relative to the first, by cells; infinite after death, 0 where nothing is left."""
    if int(row.outcomes["is_dead"]):
        return float("inf")
    return float((row.outcomes["burden_cells_last"] / row.outcomes["burden_cells_first"]) ** (1.0 / 3.0))


def fate_of(growth: float) -> int:
    """Return the place of a fate in `FATES`."""
    return next(number for number, (_, below, _) in enumerate(FATES) if growth < below or below == np.inf)


@style.enlarged
def fates_figure(rows: Sequence[Row], paths: Sequence[str], note: str = "") -> Figure:
    """Draw a map for each arm, the first of two paths upwards; a field is coloured by the median growth of its runs, which it states."""
    arms = list(dict.fromkeys(row.arm for row in rows))[:MOST_ARMS]
    wide = style.SLIDE_PIXELS[0]
    figure = style.slide(f"Fate of the tumour over {' and '.join(paths)}", (wide, TOP_PX + PANEL_PX + BOTTOM_PX),
                         f"{note}  Numbers: diameter on the last day relative to the first.".lstrip())
    width = (wide - LEFT_PX - RIGHT_PX - GAP_PX * (len(arms) - 1)) / len(arms)
    for column, arm in enumerate(arms):
        axes = place(figure, LEFT_PX + column * (width + GAP_PX), TOP_PX, width, PANEL_PX)
        _map(axes, [row for row in rows if row.arm == arm], paths)
        axes.set_title(style.words(arm) if len(arms) > 1 else "", loc="left", weight="bold", size=style.FONT_SIZE_PT)
        axes.set_xlabel("\n".join(wrap(paths[1].replace(".", ". "), max(int(width / LETTER_PX), 20))).replace(". ", "."))
        axes.set_ylabel(paths[0] if column == 0 else "")
    marks = [Patch(facecolor=colour, label=words) for words, _, colour in FATES]
    figure.legend(handles=[*marks, Patch(facecolor="white", edgecolor=style.FAINT, label=NO_RUN)], loc="lower center", ncols=3,
                  bbox_to_anchor=(0.5, 0.045), fontsize=style.FONT_SIZE_PT)
    return figure


def _map(axes: Axes, rows: Sequence[Row], paths: Sequence[str]) -> None:
    """Draw one arm's map; a point without runs stays white."""
    upwards, across = (sorted({float(row.point[path]) for row in rows}) for path in paths)
    table = np.full((len(upwards), len(across)), np.nan)
    for (row, column), _ in np.ndenumerate(table):
        here = (upwards[row], across[column])
        found = [growth_of(run) for run in rows if tuple(float(run.point[path]) for path in paths) == here]
        if found:
            growth = float(np.median(found))
            table[row, column] = fate_of(growth)
            is_dark = fate_of(growth) in (0, len(FATES) - 1)
            axes.text(column, row, "death" if growth == np.inf else f"{growth:.2f}", ha="center", va="center",
                      color="white" if is_dark else style.INK, size=style.FONT_SIZE_PT)
    colours = ListedColormap([colour for *_, colour in FATES])
    axes.imshow(table, origin="lower", aspect="auto", cmap=colours, vmin=-0.5, vmax=len(FATES) - 0.5)
    axes.set_xticks(range(len(across)), [f"{value:g}" for value in across])
    axes.set_yticks(range(len(upwards)), [f"{value:.2g}" for value in upwards])
    axes.grid(visible=False)
