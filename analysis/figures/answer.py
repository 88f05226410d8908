"""The answer in one figure: how long each arm lives, and which lesion holds the tumour cells at its end."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lesionlab.analysis.comparison.endings import Ending
from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.panels import place

LETTER_PX = 12


class Layout(NamedTuple):
    """Pixels: the figure's width, a row's height, above and below the panels; left edge and width of either panel; side by side or not."""

    wide: int
    row: int
    top: int
    bottom: int
    lives: tuple[int, int]
    shares: tuple[int, int]
    gap: int | None = None


ON_A_PAGE = Layout(1200, 64, 112, 112, (300, 470), (800, 366))
ON_A_PHONE = Layout(620, 92, 160, 112, (20, 560), (20, 560), 110)
"""A phone shows its half: the panels stand one below the other, and each arm's name above its bar."""
LESION_GREYS = ("#3D3D3D", "#8C8C8C", "#B9B9B9", "#DADADA")
CAPTION = ("In colour: the life of the simulated patient in each arm, to the day of the lethal burden (bar: median; ✕: a run that died; "
           "arrow: alive when the run ended; dark line: progression as the case report reads it). In grey: where the tumour cells "
           "are on the last day, mean over runs; the darkest lesion holds most.")


@style.enlarged
def answer_figure(endings: Sequence[Ending], looks: Mapping[str, style.ArmStyle], progression_d: Mapping[str, float], note: str,
                  layout: Layout = ON_A_PAGE) -> Figure:
    """Draw a row an arm; `progression_d` is the median day of progression, inf where it was not reached."""
    high = layout.row * len(endings)
    below = 0 if layout.gap is None else high + layout.gap
    pixels = (layout.wide, layout.top + layout.bottom + high + below)
    figure = style.slide("How long each arm lives, and what decides", pixels, note)
    lives = place(figure, layout.lives[0], layout.top, layout.lives[1], high)
    shares = place(figure, layout.shares[0], layout.top + below, layout.shares[1], high)
    for row, one in enumerate(endings):
        _life(lives, row, one, looks[one.arm].colour, progression_d[one.arm])
        _held(shares, row, one, layout.shares[1])
    lives.set_xlim(0, 1.25 * max(1.0, *(one.last_d for one in endings)))
    lives.locator_params(axis="x", nbins=5)
    lives.set_xlabel("days since the start")
    shares.set_xlim(0, 100)
    shares.set_xlabel("% of tumour cells on the last day")
    for axes in (lives, shares):
        axes.set_yticks([])
        axes.set_ylim(len(endings) - 0.5, -0.5 if layout.gap is None else -0.75)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
    _name(lives, shares, [looks[one.arm] for one in endings], layout)
    marks = [Line2D([], [], color=style.INK, marker=marker, ls="", ms=10, mew=width, label=label)
             for marker, width, label in (("X", 0, "died"), (">", 0, "alive when the run ended"), ("|", 3, "progression on a scan"))]
    is_wide = layout.gap is None
    figure.legend(handles=marks, loc="upper left", ncols=3 if is_wide else 1, borderaxespad=0, handletextpad=0.3, labelspacing=0.3,
                  bbox_to_anchor=((layout.lives[0] - 8) / layout.wide, 1 - (56 if is_wide else 48) / pixels[1]))
    return figure


def _name(lives: Axes, shares: Axes, looks: Sequence[style.ArmStyle], layout: Layout) -> None:
    """Write the arms beside their rows, or above each bar where the panels stand one below the other."""
    if layout.gap is None:
        lives.set_yticks(range(len(looks)), [_two_lines(look.label) for look in looks])
        for label, look in zip(lives.get_yticklabels(), looks, strict=True):
            label.set(color=look.colour, fontweight="bold")
        return
    for axes in (lives, shares):
        for row, look in enumerate(looks):
            axes.text(0.0, row - 0.29, look.label, color=look.colour, weight="bold", va="bottom")


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


def _held(axes: Axes, row: int, one: Ending, wide_px: int) -> None:
    """Draw the share of each lesion, the largest first and darkest, its name where it fits."""
    left = 0.0
    for rank, (lesion, share) in enumerate(sorted(one.shares.items(), key=lambda item: -item[1])):
        colour = LESION_GREYS[min(rank, len(LESION_GREYS) - 1)]
        axes.barh(row, 100 * share, left=left, height=0.5, color=colour, lw=0)
        fitting = [text for text in (f"{lesion} {100 * share:.0f} %", lesion) if len(text) * LETTER_PX < share * wide_px]
        if fitting:
            axes.text(left + 50 * share, row, fitting[0], ha="center", va="center", color="white" if rank == 0 else style.INK,
                      size=style.FONT_SIZE_PT + 1)
        left += 100 * share
