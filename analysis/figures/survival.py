"""Kaplan-Meier curves of every arm, and the paired difference of each arm from a reference, with common random numbers."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lesionlab.analysis.comparison.findings import Findings
from lesionlab.analysis.comparison.findings_data import meaning
from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.panels import place
from lesionlab.analysis.statistics.survival import Survival

DEATH_COLOUR = "#222222"
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX, GAP_X_PX, GAP_Y_PX = 96, 30, 164, 84, 56, 132
SHOWN = ("progression_report", "death", "log10_clonogens")


def survival_figure(findings: Findings, note: str) -> Figure:
    """Draw a panel an arm: the share of replicates without progression (the arm's colour) and alive (dark, dashed), with 95 % bands."""
    names = list(dict.fromkeys(arm for _, arm in findings.survival))
    n_columns = min(len(names), 4)
    n_rows = -(-len(names) // n_columns)
    wide, high = style.SLIDE_PIXELS
    width = (wide - LEFT_PX - RIGHT_PX - GAP_X_PX * (n_columns - 1)) / n_columns
    height = (high - TOP_PX - BOTTOM_PX - GAP_Y_PX * (n_rows - 1)) / n_rows
    figure = style.slide("Time to progression and survival of the simulated replicates", note=note)
    looks = style.arm_styles(names, findings.parts)
    for index, name in enumerate(names):
        row, column = divmod(index, n_columns)
        axes = place(figure, LEFT_PX + column * (width + GAP_X_PX), TOP_PX + row * (height + GAP_Y_PX), width, height)
        _steps(axes, findings.survival["death", name], DEATH_COLOUR, "--")
        _steps(axes, findings.survival["progression_report", name], looks[name].colour, "-")
        axes.set_title(looks[name].label, loc="left", weight="bold", color=looks[name].colour, pad=34)
        axes.set_xlim(0, 1.03 * max(found.curve.time_d[-1] for found in findings.survival.values()))
        axes.set_ylim(0, 1.04)
        axes.set_ylabel("share of replicates" if column == 0 else "")
        axes.set_xlabel("days since the start" if index + n_columns >= len(names) else "")
        axes.text(0, 1.015, _summary(findings, name), transform=axes.transAxes, va="bottom", size=style.SMALL_PT)
    handles = [Line2D([], [], color=style.FAINT, lw=2.4, label="without progression (first scan with PD, or death)"),
               Line2D([], [], color=DEATH_COLOUR, lw=2.0, ls="--", label="alive (below the lethal burden)"),
               Line2D([], [], color=style.INK, marker="|", ls="", ms=10, label="censored: the run ended"),
               Patch(color="#BBBBBB", alpha=0.5, label="95 % interval, where it exists")]
    figure.legend(handles=handles, loc="upper left", ncols=4, borderaxespad=0, bbox_to_anchor=(12 / wide, 1 - 44 / high))
    return figure


def _steps(axes: Axes, found: Survival, colour: str, line: str) -> None:
    """Draw one curve as steps with its band and its censored runs."""
    curve = found.curve
    axes.step(curve.time_d, curve.share, where="post", color=colour, ls=line, lw=2.2)
    axes.fill_between(curve.time_d, curve.low, curve.high, step="post", color=colour, alpha=0.16, lw=0)
    shares = curve.share[np.searchsorted(curve.time_d, curve.censored_d, side="right") - 1]
    axes.plot(curve.censored_d, shares, "|", color=colour, ms=11, mew=1.6, clip_on=False)


def _summary(findings: Findings, name: str) -> str:
    """Return events and median of an arm in words."""
    lines = []
    for event, word in (("progression_report", "progression"), ("death", "death")):
        found = findings.survival[event, name]
        median = f"median day {found.median_d:.0f}" if np.isfinite(found.median_d) else "median not reached"
        lines.append(f"{word}: {found.n_events} of {found.n}, {median}")
    return "\n".join(lines)


def difference_figure(findings: Findings, note: str) -> Figure:
    """Draw the paired difference of every arm from the first: mean, 95 % interval and each replicate's own."""
    first = next(iter(dict.fromkeys(arm for _, arm in findings.survival)))
    rows = [arm for arm in dict.fromkeys(found.arm for found in findings.differences) if arm != first]
    looks = style.arm_styles([first, *rows], findings.parts)
    wide = style.SLIDE_PIXELS[0]
    figure = style.slide(f"Difference from “{looks[first].label}”, common random numbers", (wide, 280 + 62 * len(rows)), note)
    left, gap = 250, 60
    width = (wide - left - RIGHT_PX - gap * (len(SHOWN) - 1)) / len(SHOWN)
    for column, quantity in enumerate(SHOWN):
        axes = place(figure, left + column * (width + gap), 120, width, 62 * len(rows) + 20)
        found = {one.arm: one.value for one in findings.differences if one.quantity == quantity and one.reference == first}
        for row, arm in enumerate(rows):
            value = found[arm]
            if value.n:
                interval_bar(axes, row, (value.mean, value.low, value.high), looks[arm].colour)
            else:
                axes.text(0, row, "  an arm had ended by then", va="center", size=style.SMALL_PT, color=style.FAINT)
            axes.annotate(f"n = {value.n}", (1, row), xycoords=("axes fraction", "data"), xytext=(-2, 13), textcoords="offset points",
                          ha="right", va="center", size=style.SMALL_PT, color=style.FAINT)
        axes.axvline(0, color=style.INK, lw=1.2)
        axes.set_yticks(range(len(rows)), [looks[arm].label for arm in rows] if column == 0 else [""] * len(rows))
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.set_title(wrapped(meaning(quantity, findings)), loc="left", size=style.FONT_SIZE_PT)
        axes.set_xlabel("difference (decades; right: more cells)" if quantity == "log10_clonogens" else "difference (d; left: fewer days)")
        axes.margins(x=0.12)
    return figure


def interval_bar(axes: Axes, row: float, value: Sequence[float], colour: str) -> None:
    """Draw a mean as a dot and its interval, where there is one, as a whisker."""
    mean, low, high = value
    axes.plot(mean, row, "o", color=colour, ms=9, mec="white", mew=1.2, zorder=4)
    if np.isfinite(low):
        axes.errorbar(mean, row, xerr=[[max(mean - low, 0.0)], [max(high - mean, 0.0)]], fmt="none", ecolor=style.INK, elinewidth=1.5,
                      capsize=6, capthick=1.5, zorder=5)


def wrapped(text: str, width: int = 62) -> str:
    """Return a sentence on lines of at most `width` letters."""
    return "\n".join(textwrap.wrap(text[:1].upper() + text[1:], width))
