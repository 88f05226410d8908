"""Kaplan-Meier curves of all arms over one another, with numbers at risk; paired differences from a reference arm."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import blended_transform_factory

from lesionlab.analysis.comparison.findings import Findings
from lesionlab.analysis.comparison.findings_data import meaning
from lesionlab.analysis.figures import calendar, style
from lesionlab.analysis.figures.panels import place
from lesionlab.analysis.statistics.survival import Survival

LEFT_PX, RIGHT_PX, TOP_PX, ROW_PX, GAP_Y_PX, BOTTOM_PX, LIVES_PX = 390, 30, 132, 30, 112, 58, 300
SHOWN = ("progression_report", "death", "log10_clonogens")
LEAST_SPAN = {"d": 1.0, "decades": 0.1}
"""Half of the shortest axis of a difference: equal arms lie on a line, not apart by rounding."""
PANELS = {"progression_report": "without progression (first scan that reads PD, or death)", "death": "alive (below the lethal burden)"}
LATE, ROUND_D = 1.2, 30.0


@style.enlarged
def survival_figure(findings: Findings, note: str) -> Figure:
    """Draw two panels, without progression and alive: a Kaplan-Meier curve an arm with its 95 % band, and the numbers at risk below."""
    names = list(dict.fromkeys(arm for _, arm in findings.survival))
    looks, timing = style.arm_styles(names, findings.parts), _clock(findings)
    wide = style.SLIDE_PIXELS[0]
    table = ROW_PX * (len(names) + 1)
    pixels = (wide, TOP_PX + 2 * (LIVES_PX + table) + GAP_Y_PX + 48 + BOTTOM_PX)
    figure = style.slide("Time to progression and survival of the simulated replicates", pixels, note)
    for number, (event, words) in enumerate(PANELS.items()):
        top = TOP_PX + number * (LIVES_PX + table + GAP_Y_PX)
        axes = place(figure, LEFT_PX, top, wide - LEFT_PX - RIGHT_PX, LIVES_PX)
        for name in names:
            draw_curve(axes, findings.survival[event, name], looks[name])
        axes.set_title(f"Share of replicates {words}", loc="left", weight="bold")
        axes.set_ylim(0, 1.04)
        calendar.set_time_axis(axes, timing, with_labels=True)
        _numbers_at_risk(axes, [(looks[name], findings.survival[event, name]) for name in names], timing)
    figure.text(0.5, 1 - (pixels[1] - BOTTOM_PX + 4) / pixels[1], calendar.time_label(timing), ha="center", va="center")
    handles: list[Artist] = [Line2D([], [], color=look.colour, ls=look.line, lw=2.8, label=look.label) for look in looks.values()]
    handles += [Line2D([], [], color=style.INK, marker="|", ls="", ms=12, label="censored: the run ended"),
                Patch(color="#BBBBBB", alpha=0.5, label="95 %, where it exists")]
    figure.legend(handles=handles, loc="upper left", ncols=-(-len(handles) // 2), borderaxespad=0,
                  bbox_to_anchor=(20 / wide, 1 - 44 / pixels[1]), columnspacing=1.4, handlelength=1.6, fontsize=style.FONT_SIZE_PT + 1)
    return figure


def _clock(findings: Findings) -> calendar.Clock:
    """Return the axis: where the last event comes early, the first half ends soon after it, so that curves fill the panel."""
    end_d = max(found.curve.time_d[-1] for found in findings.survival.values())
    events = [day for found in findings.survival.values() for day in found.curve.time_d[1:-1]]
    break_d = ROUND_D * np.ceil(LATE * max(events, default=end_d) / ROUND_D)
    return calendar.Clock(break_d if break_d < end_d / 2 else end_d, end_d, share=0.75)


def draw_curve(axes: Axes, found: Survival, look: style.ArmStyle) -> None:
    """Draw one curve as steps with its band and its censored runs."""
    curve = found.curve
    axes.step(curve.time_d, curve.share, where="post", color=look.colour, ls=look.line, lw=2.8, zorder=2.2 if look.line == "-" else 2.4,
              label=look.label)
    axes.fill_between(curve.time_d, curve.low, curve.high, step="post", color=look.colour, alpha=0.12, lw=0)
    shares = curve.share[np.searchsorted(curve.time_d, curve.censored_d, side="right") - 1]
    axes.plot(curve.censored_d, shares, "|", color=look.colour, ms=14, mew=1.8, clip_on=False)


def _numbers_at_risk(axes: Axes, rows: Sequence[tuple[style.ArmStyle, Survival]], timing: calendar.Clock) -> None:
    """Write under a panel how many replicates of each arm are at risk at each tick, beside the arm's name, events and median."""
    to_row = blended_transform_factory(axes.transData, axes.transAxes)
    step = ROW_PX / LIVES_PX
    axes.text(-0.006, -2.0 * step, "at risk; events, median", transform=axes.transAxes, ha="right", va="center", size=style.SMALL_PT + 1,
              color=style.FAINT)
    for number, (look, found) in enumerate(rows):
        height = -(number + 2.9) * step
        median = f"day {found.median_d:.0f}" if np.isfinite(found.median_d) else "not reached"
        words = f"{look.label}: {found.n_events} of {found.n}, {median}"
        axes.text(-0.006, height, textwrap.shorten(words, 46, placeholder="…"), transform=axes.transAxes, ha="right", va="center",
                  size=style.SMALL_PT, color=look.colour, weight="bold")
        for day in axes.get_xticks():
            if 0 <= day <= timing.end_d:
                axes.text(day, height, str(found.at_risk(day)), transform=to_row, ha="center", va="center", size=style.SMALL_PT + 1)


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
        low, high = axes.get_xlim()
        span = LEAST_SPAN["decades" if quantity == "log10_clonogens" else "d"]
        if high - low < 2 * span:
            axes.set_xlim((low + high) / 2 - span, (low + high) / 2 + span)
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
