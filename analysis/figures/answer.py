"""The answer in one figure: how long each arm lives, and which lesion holds the tumour cells at its end."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lesionlab.analysis.comparison.endings import Ending
from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.panels import place

WIDE_PX, ROW_PX, TOP_PX, BOTTOM_PX = 1200, 64, 112, 112
LESION_GREYS = ("#3D3D3D", "#8C8C8C", "#B9B9B9", "#DADADA")
SHARES_PX, LETTER_PX = 380, 12
CAPTION = ("Left: the life of the simulated patient in each arm, to the day of the lethal burden (bar: median; ✕: a run that died; "
           "arrow: alive when the run ended; dark line: progression as the case report reads it). Right: where the tumour cells "
           "are on the last day, mean over runs; the darkest lesion holds most.")


@style.enlarged
def answer_figure(endings: Sequence[Ending], looks: Mapping[str, style.ArmStyle], progression_d: Mapping[str, float], note: str) -> Figure:
    """Draw a row an arm; `progression_d` is the median day of progression, inf where it was not reached."""
    figure = style.slide("How long each arm lives, and what decides", (WIDE_PX, TOP_PX + BOTTOM_PX + ROW_PX * len(endings)), note)
    high = ROW_PX * len(endings)
    lives, shares = place(figure, 300, TOP_PX, 470, high), place(figure, 800, TOP_PX, SHARES_PX - 14, high)
    for row, one in enumerate(endings):
        _life(lives, row, one, looks[one.arm].colour, progression_d[one.arm])
        _held(shares, row, one)
    lives.set_yticks(range(len(endings)), [_two_lines(looks[one.arm].label) for one in endings])
    for label, one in zip(lives.get_yticklabels(), endings, strict=True):
        label.set_color(looks[one.arm].colour)
        label.set_fontweight("bold")
    lives.set_xlim(0, 1.25 * max(1.0, *(one.last_d for one in endings)))
    lives.locator_params(axis="x", nbins=5)
    lives.set_xlabel("days since the start")
    shares.set_xlim(0, 100)
    shares.set_yticks([])
    shares.set_xlabel("% of tumour cells on the last day")
    for axes in (lives, shares):
        axes.set_ylim(len(endings) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
    marks = [Line2D([], [], color=style.INK, marker=marker, ls="", ms=10, mew=width, label=label)
             for marker, width, label in (("X", 0, "died"), (">", 0, "alive when the run ended"), ("|", 3, "progression on a scan"))]
    figure.legend(handles=marks, loc="upper left", ncols=3, bbox_to_anchor=(292 / WIDE_PX, 1 - 56 / figure.bbox.height),
                  borderaxespad=0, handletextpad=0.3)
    return figure


def _two_lines(label: str) -> str:
    """Break a long name at a plus sign near its middle."""
    if len(label) < 24 or " + " not in label:
        return label
    places = [index for index in range(len(label)) if label.startswith(" + ", index)]
    middle = min(places, key=lambda index: abs(index - len(label) / 2))
    return f"{label[:middle]} +\n{label[middle + 3:]}"


def _life(axes: Axes, row: int, one: Ending, colour: str, progression_d: float) -> None:
    """Draw the life of one arm: bar to the median, each run's end as a mark, the day in words."""
    is_dead = np.isfinite(one.median_d)
    end_d = one.median_d if is_dead else one.last_d
    axes.barh(row, end_d, height=0.5, color=colour, alpha=0.55, lw=0)
    if np.isfinite(progression_d) and progression_d < end_d:
        axes.plot([progression_d] * 2, [row - 0.25, row + 0.25], color=style.INK, lw=3, solid_capstyle="butt")
    for shift, (day, died) in zip(np.linspace(-0.16, 0.16, one.n) if one.n > 1 else (0.0,), one.days, strict=True):
        axes.plot(day, row + shift, "X" if died else ">", color=colour, mec="white", mew=0.8, ms=9, clip_on=False, zorder=4)
    last = one.last_d
    axes.annotate(f"{end_d:.0f}" if is_dead else f"{one.n - one.n_dead} of {one.n} alive" if one.n_dead else "alive", (last, row),
                  xytext=(9, 0), textcoords="offset points", va="center", color=style.INK)


def _held(axes: Axes, row: int, one: Ending) -> None:
    """Draw the share of each lesion, the largest first and darkest, its name where it fits."""
    left = 0.0
    for rank, (lesion, share) in enumerate(sorted(one.shares.items(), key=lambda item: -item[1])):
        colour = LESION_GREYS[min(rank, len(LESION_GREYS) - 1)]
        axes.barh(row, 100 * share, left=left, height=0.5, color=colour, lw=0)
        fitting = [text for text in (f"{lesion} {100 * share:.0f} %", lesion) if len(text) * LETTER_PX < share * SHARES_PX]
        if fitting:
            axes.text(left + 50 * share, row, fitting[0], ha="center", va="center", color="white" if rank == 0 else style.INK,
                      size=style.FONT_SIZE_PT + 1)
        left += 100 * share
