"""Synergy over time: kill of each combination beyond its parts, and the interaction contrasts on the stated day."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lesionlab.analysis.comparison.findings import Findings, Synergy, at
from lesionlab.analysis.comparison.findings_data import KINDS
from lesionlab.analysis.comparison.synergy import TARGETS
from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.panels import place
from lesionlab.analysis.figures.survival import interval_bar
from lesionlab.analysis.records.treatments import Part
from lesionlab.analysis.statistics.paired import Course

LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX, GAP_X_PX, GAP_Y_PX = 110, 30, 126, 92, 62, 84
MOST_LESIONS, MOST_LINES, ROW_PX = 4, 6, 52
ORDER_COLOURS = {1: "#555555", 2: "#0072B2", 3: "#D55E00"}
"""A colour for main effects, two-way and three-way interactions."""


def synergy_figure(findings: Findings, note: str) -> Figure:
    """Draw the excess over time: Bliss above, highest single agent below, a column for the targets together and each lesion."""
    synergy = _of(findings)
    lesions = _lesions(synergy)[:MOST_LESIONS]
    wide, high = style.SLIDE_PIXELS
    width = (wide - LEFT_PX - RIGHT_PX - GAP_X_PX * (len(lesions) - 1)) / len(lesions)
    height = (high - TOP_PX - BOTTOM_PX - GAP_Y_PX) / 2
    figure = style.slide("Does a combination kill more than its parts?  (1 decade: ten times fewer clonogens)", note=note)
    looks = style.arm_styles(list(synergy.design.arms.values()), findings.parts)
    for row, kind in enumerate(KINDS):
        last_d = _last_day(synergy, kind)
        for column, lesion in enumerate(lesions):
            axes = place(figure, LEFT_PX + column * (width + GAP_X_PX), TOP_PX + row * (height + GAP_Y_PX), width, height)
            for combination in _drawn(synergy):
                look = looks[synergy.design.arms[combination]]
                draw_excess(axes, synergy.excesses[kind, "clonogens", lesion, combination], look)
            axes.axhline(0, color=style.INK, lw=1.2)
            axes.axvline(findings.day_d, color=style.FAINT, lw=1.2, ls=":")
            axes.set_xlim(0, last_d)
            axes.set_title(_title(lesion), loc="left", weight="bold")
            _count_line(axes, synergy, kind, lesion)
            axes.set_ylabel(f"{KINDS[kind]}\n(decades; above 0: more kill)" if column == 0 else "", size=style.FONT_SIZE_PT)
            axes.set_xlabel("days since the start")
    handles = [Line2D([], [], color=look.colour, ls=look.line, lw=2.6, label=look.label)
               for look in (looks[synergy.design.arms[combination]] for combination in _drawn(synergy))]
    handles.append(Line2D([], [], color=style.FAINT, ls=":", lw=1.4, label=f"stated day ({findings.day_d:.0f})"))
    figure.legend(handles=handles, loc="upper left", ncols=5, borderaxespad=0, bbox_to_anchor=(12 / wide, 1 - 44 / high))
    return figure


def _of(findings: Findings) -> Synergy:
    if findings.synergy is None:
        raise ValueError("these arms hold no factorial")
    return findings.synergy


def _lesions(synergy: Synergy) -> list[str]:
    """Return the target lesions together and each lesion; a single lesion stands once."""
    names = list(dict.fromkeys(lesion for _, _, lesion, _ in synergy.excesses))
    return names if len(names) != 2 else [TARGETS]


def _drawn(synergy: Synergy) -> list[frozenset[str]]:
    """Return the combinations that a panel can hold: the smallest, and the whole regimen."""
    *parts, whole = synergy.design.combinations
    return [*parts[:MOST_LINES - 1], whole]


def _title(lesion: str) -> str:
    return style.words(lesion) if lesion else "Targets together"


def _last_day(synergy: Synergy, kind: str) -> float:
    """Return the last day on which half the replicates of any combination are left."""
    days = [course.time_d[course.n * 2 >= max(course.n[0], 1)][-1] for (of, *_), course in synergy.excesses.items() if of == kind]
    return float(max(days))


def draw_excess(axes: Axes, course: Course, look: style.ArmStyle) -> None:
    """Draw one excess with its band: thick while every replicate is there, thin while at least half are."""
    is_half = course.n * 2 >= max(course.n[0], 1)
    is_all = course.n == course.n[0]
    axes.plot(course.time_d[is_half], course.value[is_half], color=look.colour, ls=look.line, lw=1.0, label=look.label)
    axes.plot(course.time_d[is_all], course.value[is_all], color=look.colour, ls=look.line, lw=2.4)
    axes.fill_between(course.time_d[is_half], course.low[is_half], course.high[is_half], color=look.colour, alpha=0.16, lw=0)


def _count_line(axes: Axes, synergy: Synergy, kind: str, lesion: str) -> None:
    """Write at the upper edge how many replicates there are, and to which day every combination still has them all."""
    courses = [course for (of, _, where, _), course in synergy.excesses.items() if (of, where) == (kind, lesion)]
    whole_d = min(course.time_d[course.n == course.n[0]][-1] for course in courses)
    axes.text(1, 1.015, f"n = {courses[0].n[0]} to day {whole_d:.0f}", transform=axes.transAxes, ha="right", va="bottom",
              size=style.SMALL_PT, color=style.FAINT)


def interaction_figure(findings: Findings, note: str) -> Figure:
    """Draw the contrasts of the factorial on the stated day, a column for the targets together and for each lesion.

    Main effects stand above, interactions below on a scale of their own: they are much smaller.
    """
    synergy = _of(findings)
    lesions = _lesions(synergy)[:MOST_LESIONS]
    sets = list(dict.fromkeys(chosen for _, chosen in synergy.contrasts))
    groups = [[chosen for chosen in sets if len(chosen) == 1], [chosen for chosen in sets if len(chosen) > 1]]
    wide, high = style.SLIDE_PIXELS[0], 330 + ROW_PX * len(sets)
    figure = style.slide(f"Main effects and interactions on log10 clonogens, day {findings.day_d:.0f}", (wide, high), note)
    left, gap = 330, 50
    width = (wide - left - RIGHT_PX - gap * (len(lesions) - 1)) / len(lesions)
    for column, lesion in enumerate(lesions):
        top = 96.0
        for group, words in zip(groups, ("main effects", "interactions"), strict=True):
            axes = place(figure, left + column * (width + gap), top, width, ROW_PX * len(group))
            counts = _contrast_rows(axes, findings, lesion, group)
            names = [name_of(chosen, synergy.design.factors, findings.parts) for chosen in group] if column == 0 else [""] * len(group)
            axes.set_yticks(range(len(group)), names)
            axes.set_title(f"{_title(lesion)}: {words}", loc="left", weight="bold")
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.text(1, 1.02, f"n = {counts}", transform=axes.transAxes, ha="right", va="bottom", size=style.SMALL_PT, color=style.FAINT)
            axes.set_xlabel("decades (left: fewer cells)" if words == "interactions" else "")
            top += ROW_PX * len(group) + 78
    return figure


def _contrast_rows(axes: Axes, findings: Findings, lesion: str, group: Sequence[frozenset[str]]) -> str:
    """Draw one contrast a row; return the replicates behind them as text."""
    counts = set()
    for row, chosen in enumerate(group):
        *value, n = at(_of(findings).contrasts[lesion, chosen], findings.day_d)
        counts.add(n)
        if n:
            interval_bar(axes, row, value, ORDER_COLOURS[min(len(chosen), 3)])
    axes.axvline(0, color=style.INK, lw=1.2)
    axes.set_ylim(len(group) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.12)
    return ", ".join(map(str, sorted(counts)))


def name_of(chosen: frozenset[str], factors: Sequence[str], parts: Sequence[Part]) -> str:
    """Return a contrast in words: a main effect, or what interacts with what."""
    names = [style.factor_label(factor, parts) for factor in factors if factor in chosen]
    return names[0] if len(names) == 1 else " × ".join(names)
