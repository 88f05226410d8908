"""What killed the tumour cells of each lesion: a bar for each arm, shares by cause, the total beside it."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lesionlab.analysis.comparison.deaths import deaths_by_cause
from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.panels import place
from lesionlab.analysis.records.record import Record, by_arm

TOP_PX, BOTTOM_PX, LEFT_PX, RIGHT_PX, GAP_X_PX, GAP_Y_PX, BAR_PX = 130, 90, 230, 120, 130, 70, 46
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def ledger_figure(records: Sequence[Record]) -> Figure:
    """Draw a bar for each lesion and arm: shares by cause of all deaths up to the last common day, the total at its right."""
    arms, lesions = by_arm(records), records[0].lesions
    n_columns = 1 if len(lesions) == 1 else 2
    n_rows = -(-len(lesions) // n_columns)
    wide = style.SLIDE_PIXELS[0]
    width = (wide - LEFT_PX - RIGHT_PX - GAP_X_PX * (n_columns - 1)) / n_columns
    height = BAR_PX * len(arms)
    pixels = (wide, int(TOP_PX + n_rows * (height + GAP_Y_PX) + BOTTOM_PX - GAP_Y_PX))
    until_d = last_common_day(records)
    note = (f"Seed {records[0].seed}; mean over replicates.  Right of each bar: cells that died in all.  Later, the turnover of what grows "
            "back would hide what the treatment killed.")
    figure = style.slide(f"What killed the tumour cells up to day {until_d:.0f}, the last that every run saw", pixels, note)
    handles = [Patch(color=colour, label=label) for label, colour in style.DEATH_CAUSES.values()]
    figure.legend(handles=handles, loc="upper left", ncols=len(handles), borderaxespad=0,
                  bbox_to_anchor=(12 / wide, 1 - 42 / pixels[1]))
    for index, lesion in enumerate(lesions):
        row, column = divmod(index, n_columns)
        axes = place(figure, LEFT_PX + column * (width + GAP_X_PX), TOP_PX + row * (height + GAP_Y_PX), width, height)
        axes.set_title(style.words(lesion), loc="left", weight="bold")
        draw_bars(axes, arms, lesion, until_d, with_names=column == 0)
        if row == n_rows - 1 or index + n_columns >= len(lesions):
            axes.set_xlabel("share of the lesion's deaths (%)")
    return figure


def last_common_day(records: Sequence[Record]) -> float:
    """Return the last day that every run saw."""
    return min(float(record.time_d[-1]) for record in records)


def _power_of_ten(count: float) -> str:
    """Return a count in words of powers of ten: 26000000000 becomes 2.6 × 10¹⁰."""
    if count < 1:
        return "none"
    mantissa, exponent = f"{count:.1e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(SUPERSCRIPTS)}"


def draw_bars(axes: Axes, arms: dict[str, list[Record]], lesion: str, until_d: float, with_names: bool) -> None:
    """Draw one stacked bar an arm; an arm without deaths gets none."""
    looks = style.looks_of(arms)
    for row, replicates in enumerate(arms.values()):
        deaths = deaths_by_cause(replicates, lesion, until_d)
        total, left = float(deaths.sum()), 0.0
        for count, (_, colour) in zip(deaths, style.DEATH_CAUSES.values(), strict=True):
            share = 100 * float(count) / total if total > 0 else 0.0
            axes.barh(row, share, left=left, color=colour, height=0.68)
            left += share
        axes.annotate(_power_of_ten(total), (100, row), xytext=(6, 0), textcoords="offset points", va="center",
                      annotation_clip=False)
    axes.set_yticks(range(len(arms)), [looks[arm].label for arm in arms] if with_names else [""] * len(arms))
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.set_xlim(0, 100)
    axes.grid(axis="y", visible=False)
