"""The standard figures on axes of one's own, as whole slides, and as an animation. Lines carry labels: `axes.legend()` shows them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import fill
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch

from lesionlab.analysis.animation import animate as moving
from lesionlab.analysis.comparison.findings import DIFFERENCES
from lesionlab.analysis.comparison.findings_data import KINDS
from lesionlab.analysis.comparison.sweep_table import Row
from lesionlab.analysis.figures import calendar, deaths, findings, panels, standard, style, survival, sweep, synergy
from lesionlab.analysis.figures.sections import index_at, section, view
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record, by_arm, in_one_order, load_snapshots
from lesionlab.api._words import public
from lesionlab.api.arms import Comparison, Event
from lesionlab.api.reading import Records, several
from lesionlab.sim.parameters.errors import UserError, did_you_mean

LABEL_WIDTH = 40


@public
def draw_series(axes: Axes, records: Records, quantity: str = "longest_diameter_cm", lesion: str | None = None, *,
                marks: bool = True) -> Axes:
    """Draw a series over time: a line an arm (median of its replicates), a band from the 10 % to the 90 % quantile.

    A cross is death by lethal burden; | ends a line where too few cells are left to measure.

    Args:
        quantity: a series of the records; `to_xarray(record)` lists them.
        lesion: one lesion; the first unless named. A series of the patient needs none.
        marks: mark courses of radiotherapy and the first dose of each drug.

    Raises:
        RecordError: a record has no such series or lesion.
    """
    given = in_one_order(several(records))
    where = lesion or given[0].lesions[0]
    for record in given:
        if quantity not in record.series:
            raise RecordError(f"{record.path}: no series {quantity}{did_you_mean(quantity, record.series)}")
        record.of_lesion("longest_diameter_cm", where)
    end_d = max(float(record.time_d[-1]) for record in given)
    timing = calendar.Clock(end_d, end_d)
    panels.draw_lines(axes, by_arm(given), panels.Quantity(quantity, ""), where, timing)
    if marks:
        calendar.mark(axes, calendar.milestones(given), where, timing, with_labels=False)
    axes.set_xlim(0, end_d)
    axes.set_xlabel("days since the start")
    unit = given[0].units[quantity]
    axes.set_ylabel(fill(given[0].long_names[quantity] + (f" ({unit})" if unit != "1" else ""), LABEL_WIDTH))
    if given[0].series[quantity].ndim > 1:
        axes.set_title(style.words(where))
    return axes


@public
def draw_calendar(axes: Axes, records: Records) -> Axes:
    """Draw the treatment calendar of all arms together: fractions and infusions as ticks, daily doses as bars, scans as triangles."""
    given = several(records)
    end_d = max(float(record.time_d[-1]) for record in given)
    calendar.draw_calendar(axes, calendar.tracks(given), calendar.Clock(end_d, end_d))
    axes.set_xlabel("days since the start")
    return axes


@public
def draw_section(axes: Axes, record: Record, lesion: str | None = None, *, day: float = 0.0,
                 layer: Literal["tissue", "oxygen"] = "tissue", legend: bool = True) -> AxesImage:
    """Draw a lesion's section as the last picture by a day shows it, in mm of the section, and return the image.

    Args:
        layer: `tissue`: cells by class, vessels and T cells over them; `oxygen`: mmHg, 0 to 40, `figure.colorbar(image)` explains it.
        legend: beside the tissue, the classes that it shows.

    Raises:
        RecordError: the record has no such lesion, or no picture of it.
    """
    where = lesion or record.lesions[0]
    taken = load_snapshots(record.path, where)
    if not len(taken.time_d):
        raise RecordError(f"{record.path}: there is no picture of {where}")
    window, index = view([taken]), index_at(taken, day)
    classes, oxygen = section(taken, index, window)
    edge_mm = float(taken.x_um[1] - taken.x_um[0]) / 1000.0
    extent = (0.0, edge_mm * window.width, edge_mm * window.height, 0.0)
    axes.grid(visible=False)
    axes.set_title(f"{style.words(where)}, day {taken.time_d[index]:.0f}")
    axes.set_xlabel("mm of the section")
    if layer == "oxygen":
        low, high = style.OXYGEN_LIMITS_MMHG
        return axes.imshow(oxygen, cmap=style.oxygen_map(), vmin=low, vmax=high, extent=extent)
    image = axes.imshow(classes, cmap=style.TISSUE_MAP, vmin=-0.5, vmax=len(style.TISSUE) - 0.5, interpolation="nearest", extent=extent)
    if legend:
        seen = [Patch(facecolor=entry.colour, edgecolor="#999999", label=entry.label)
                for code, entry in enumerate(style.TISSUE) if (classes == code).any()]
        axes.legend(handles=seen, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize="small")
    return image


@public
def draw_survival(axes: Axes, comparison: Comparison, event: Event = "progression_report") -> Axes:
    """Draw the Kaplan-Meier curve of each arm with its pointwise 95 % band; | marks runs that ended without the event."""
    found = comparison.findings
    looks = style.arm_styles(comparison.arms, found.parts)
    for arm in comparison.arms:
        survival.draw_curve(axes, found.survival[_known(event, ("progression_report", "progression_strict", "death")), arm], looks[arm])
    axes.set_ylim(0, 1.04)
    axes.set_xlim(left=0)
    axes.set_xlabel("days since the start")
    axes.set_ylabel("share of replicates " + ("alive" if event == "death" else "without progression"))
    return axes


@public
def draw_differences(axes: Axes, comparison: Comparison, quantity: str = "log10_clonogens", reference: str | None = None) -> Axes:
    """Draw how each arm differs from a reference (the first unless named): mean and 95 % interval over paired replicates.

    `quantity` is one of those of `Comparison.differences`.
    """
    against = reference or comparison.arms[0]
    table = comparison.differences(reference=against)
    rows = table[table["quantity"] == _known(quantity, tuple(DIFFERENCES))]
    looks = style.arm_styles(comparison.arms, comparison.findings.parts)
    for place, (_, row) in enumerate(rows.iterrows()):
        if row["n"]:
            survival.interval_bar(axes, place, (row["mean"], row["low"], row["high"]), looks[row["arm"]].colour)
    axes.axvline(0, color=style.INK, lw=1.0)
    axes.set_yticks(range(len(rows)), [f"{looks[row['arm']].label} (n = {row['n']})" for _, row in rows.iterrows()])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"difference from {looks[against].label.lower()} ({rows['unit'].iloc[0]})")
    axes.set_title(fill(str(rows["meaning"].iloc[0]), LABEL_WIDTH))
    return axes


@public
def draw_synergy(axes: Axes, comparison: Comparison, kind: Literal["bliss", "hsa"] = "bliss", lesion: str = "") -> Axes:
    """Draw the kill of each combination beyond its parts over time, in decades of clonogens, of the targets together or of a lesion.

    Raises:
        UserError: the arms hold no factorial.
    """
    found = comparison.findings
    if found.synergy is None:
        raise UserError("these arms hold no factorial: synergy needs the untreated arm, each treatment alone, and all together")
    lesions = tuple(dict.fromkeys(where for _, _, where, _ in found.synergy.excesses))
    looks = style.arm_styles(list(found.synergy.design.arms.values()), found.parts)
    for combination in found.synergy.design.combinations:
        course = found.synergy.excesses[_known(kind, tuple(KINDS)), "clonogens", _known(lesion, lesions), combination]
        synergy.draw_excess(axes, course, looks[found.synergy.design.arms[combination]])
    axes.axhline(0, color=style.INK, lw=1.0)
    axes.set_xlim(left=0)
    axes.set_xlabel("days since the start")
    axes.set_ylabel(fill(f"{KINDS[kind]} (decades)", LABEL_WIDTH))
    return axes


@public
def draw_deaths(axes: Axes, records: Records, lesion: str | None = None, *, legend: bool = True) -> Axes:
    """Draw what killed the tumour cells of a lesion up to the last day that every run saw: a bar an arm, the total beside it."""
    given = in_one_order(several(records))
    where = lesion or given[0].lesions[0]
    given[0].of_lesion("longest_diameter_cm", where)
    deaths.draw_bars(axes, by_arm(given), where, deaths.last_common_day(given), with_names=True)
    axes.set_xlabel("share of the lesion's deaths (%)")
    if legend:
        handles = [Patch(color=colour, label=label) for label, colour in style.DEATH_CAUSES.values()]
        axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(handles), frameon=False, fontsize="small")
    return axes


@public
def draw_sweep(axes: Axes, table: pd.DataFrame, outcome: str, x: str, y: str | None = None, *, arm: str | None = None) -> Axes:
    """Draw an outcome of a sweep over one varied value as a line an arm with a dot a run, or over two as a map; medians of the runs.

    Args:
        table: what `run_sweep` returns.
        outcome: a column of numbers, as `nadir_change`; burdens are drawn as log10.
        x, y: columns of varied values.
        arm: the arm that a map shows; the first unless named.
    """
    columns = tuple(map(str, table.columns))
    for name in (outcome, x, *([] if y is None else [y])):
        _known(name, columns)
    rows = [Row(row["run"], row["arm"], row["replicate"], {name: row[name] for name in (x, y) if name}, {outcome: row[outcome]})
            for row in table.to_dict("records")]
    arms = list(dict.fromkeys(row.arm for row in rows))
    if y is None:
        sweep.draw_lines(axes, rows, arms, x, outcome)
        if len(arms) > 1:
            axes.legend(loc="best", fontsize="small")
    else:
        shown = [row for row in rows if row.arm == (arm or arms[0])]
        levels = {path: sweep.levels_of(shown, path) for path in (y, x)}
        colours = sweep.draw_map(axes, shown, levels, outcome, sweep.range_of(shown, outcome))
        if axes.figure is not None:
            axes.figure.colorbar(colours, ax=axes, pad=0.015)
        axes.set_ylabel(y)
    axes.set_xlabel(x)
    axes.set_title(fill(sweep.SHOWN.get(outcome, outcome), LABEL_WIDTH))
    return axes


@public
def figures(records: Records | Comparison) -> dict[str, Figure]:
    """Return the standard figures of records as slides by name; of a comparison also survival, differences and synergy."""
    given = in_one_order(records.records if isinstance(records, Comparison) else several(records))
    made = dict(standard.pages(standard.drawable(given)))
    return made | dict(findings.pages(records.findings, given)) if isinstance(records, Comparison) else made


@public
def save(figure: Figure, path: str | Path, *, title: str = "", overwrite: bool = False) -> Path:
    """Write a figure as PNG, SVG or PDF with the disclaimer in its metadata, and return the path.

    Raises:
        RecordError: a file stands there already, or cannot be written.
    """
    return standard.save(figure, Path(path), title or Path(path).stem, overwrite)


@public
def animate(records: Records, path: str | Path, *, lesion: str | None = None, fps: int = 12, frames: int = 120,
            progress: Callable[[int, int], None] | None = None, overwrite: bool = False) -> Path:
    """Write the animation of one lesion, arms side by side with the treatment calendar, as GIF or MP4, and return the path.

    An MP4 needs an ffmpeg; without one a GIF is written in its place.

    Args:
        lesion: the first target with a course of low dose unless named.
        progress: called with (frames done, frames in all).
    """
    given: Sequence[Record] = several(records)
    return moving.animate(given, path, progress, lesion=lesion, fps=fps, frames=frames, is_forced=overwrite)


def _known(name: str, names: Sequence[str]) -> str:
    """Return a name that is among some; raises UserError with the nearest one otherwise."""
    if name not in names:
        raise UserError(f"{name}: unknown{did_you_mean(name, names)}")
    return name
