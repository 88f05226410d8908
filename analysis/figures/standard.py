"""The standard figures of a set of run records: one slide each, as PNG or PDF, each with a caption that states its basis."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.deaths import ledger_figure
from lesionlab.analysis.figures.panels import Panel, Quantity, sheet
from lesionlab.analysis.figures.sections import map_figure
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record, by_arm, ended_on_day, in_one_order, refuse_twins, values
from lesionlab.analysis.records.written import created
from lesionlab.sim.record.schema import Part

DIAMETER = Quantity("longest_diameter_cm", "longest diameter (cm)")
HYPOXIC = Quantity("hypoxic_fraction_below_5_mmHg", "hypoxic fraction\n(below 5 mmHg)", 1.0)
HYPOXIC_CORE = Quantity("hypoxic_fraction_core", "hypoxic fraction,\ncore", 1.0)
HYPOXIC_RIM = Quantity("hypoxic_fraction_rim", "hypoxic fraction,\nrim", 1.0)
PERFUSED = Quantity("perfused_vessels_per_mm2", "perfused vessels\n(per mm²)")
MATURITY = Quantity("vessel_maturity", "vessel maturity\n(0 to 1)", 1.0)
T_CELLS = Quantity("t_cells_per_mm2", "T cells (per mm²)")
SPECIFIC = Quantity("specific_t_cells_per_mm2", "tumour-specific\nT cells (per mm²)")
OCCUPANCY = Quantity("pd1_occupancy", "PD-1 receptors\noccupied (fraction)", 1.0)
SYSTEMIC = (
    (OCCUPANCY, "PD-1 receptors occupied"),
    (Quantity("vegfr_inhibition", "inhibited fraction", 1.0), "VEGFR signalling inhibited"),
    (Quantity("specific_effector_t_cells", "cells", is_log=True), "Tumour-specific effector T cells in blood"),
    (Quantity("burden_cells", "cells", is_log=True), "Tumour burden, all lesions"),
)
RESPONSE_SHARE = 0.7
LABEL_WIDTH = 28
LEAST_NOTED_HEIGHT = 0.05
LEAST_ROWS = 2


class Standard(NamedTuple):
    """A standard figure: the stem of its file, how to draw it and its caption."""

    stem: str
    draw: Callable[[Sequence[Record]], Figure]
    caption: str


def diameter_figure(records: Sequence[Record]) -> Figure:
    """Draw the longest diameter of every lesion, with scans, the partial-response line and the detection limit."""
    lesions = lesions_seen(records)
    n_columns = 1 if len(lesions) == 1 else 2 if len(lesions) <= 4 else 3
    panels = [Panel(DIAMETER, lesion, _lesion_title(records[0], lesion)) for lesion in lesions]
    rows = [panels[i:i + n_columns] for i in range(0, len(panels), n_columns)]
    figure, placed = sheet("Longest diameter of each lesion", records, rows, summary_note(records) + _unseen(records))
    for panel, axes in placed:
        _response_lines(axes, records[0], panel.lesion)
        for arm in by_arm(records).values():
            _scan_marks(axes, arm[0], panel.lesion)
    return figure


def _lesion_title(record: Record, lesion: str) -> str:
    index = record.lesions.index(lesion)
    kind = ["lymph node"] if record.nodal[index] else []
    kind += ["not known at the start"] if record.occult[index] else [str(record.roles[index]).replace("_", " ")]
    return f"{style.words(lesion)} ({', '.join(kind)})"


def _response_lines(axes: Axes, record: Record, lesion: str) -> None:
    """Draw 30 % below the baseline (target lesions only) and the limit below which a scan shows nothing."""
    index = record.lesions.index(lesion)
    limit_cm = record.detection_limit_cm
    axes.set_ylim(0, max(axes.get_ylim()[1], 2 * limit_cm))
    top = axes.get_ylim()[1]
    axes.axhspan(0, limit_cm, color="#DDDDDD", alpha=0.6, lw=0, zorder=0.3)
    if limit_cm / top > LEAST_NOTED_HEIGHT:
        _note_at(axes, f"not visible below {limit_cm:g} cm", limit_cm / top)
    if str(record.roles[index]) == "target":
        level = RESPONSE_SHARE * float(record.baseline_cm[index])
        axes.axhline(level, color=style.FAINT, lw=1.2, ls=(0, (6, 4)), zorder=0.6)
        _note_at(axes, "30 % below baseline", level / top)


def _note_at(axes: Axes, text: str, height: float) -> None:
    """Write a note at the right end of a level (fraction of the axes' height), legible over lines."""
    axes.annotate(text, (0.995, height), xycoords="axes fraction", xytext=(0, 2), textcoords="offset points",
                  ha="right", va="bottom", size=style.SMALL_PT, color="#555555", zorder=6,
                  path_effects=[withStroke(linewidth=3, foreground="white")])


def _scan_marks(axes: Axes, record: Record, lesion: str) -> None:
    """Mark what each scan of the arm would have measured with an open circle."""
    days = np.array([event.time_d for event in record.events if event.kind == "scan"])
    if days.size:
        measured = np.interp(days, record.time_d, values(record, DIAMETER.name, lesion), right=np.nan)
        [look] = style.looks_of({record.arm: [record]}).values()
        axes.plot(days, measured, "o", mfc="white", mec=look.colour, ms=5.5, mew=1.4, clip_on=False, zorder=4)


def lesions_seen(records: Sequence[Record]) -> list[str]:
    """Return the lesions that have cells to measure in any arm: of a deposit that never woke there is nothing to draw."""
    return [lesion for lesion in records[0].lesions
            if any(np.isfinite(values(record, HYPOXIC.name, lesion)).any() for record in records)] or list(records[0].lesions)


def _grid(title: str, quantities: Sequence[Quantity]) -> Callable[[Sequence[Record]], Figure]:
    """Return a figure of quantities (rows) by lesions (columns), without those that no arm has."""
    def draw(records: Sequence[Record]) -> Figure:
        titles = {lesion: _lesion_title(records[0], lesion) for lesion in lesions_seen(records)}
        rows = [[Panel(quantity, lesion, title if index == 0 else "") for lesion, title in titles.items()]
                for index, quantity in enumerate(quantities)]
        return sheet(title, records, rows, summary_note(records) + _unseen(records))[0]
    return draw


def _unseen(records: Sequence[Record]) -> str:
    """Return which lesions a figure leaves out, and why lines end, for its foot."""
    left = [lesion for lesion in records[0].lesions if lesion not in lesions_seen(records)]
    gone = f"  No cells in any arm: {', '.join(left)}." if left else ""
    return f"  Days too close to be drawn apart are drawn as a band.  | ends a line: too few cells left to measure.{gone}"


def series_figure(records: Sequence[Record], names: Sequence[str]) -> Figure:
    """Draw any series of the records by name, one row each, with the words and the unit that the record has for it.

    Raises:
        RecordError: a record has no such series.
    """
    first = records[0]
    for record in records:
        if unknown := [name for name in names if name not in record.series or name == Part.DRUG_LEVEL]:
            raise RecordError(f"{record.path}: no series {unknown[0]}; series: {', '.join(record.series)}")
    quantities = [Quantity(name, fill(f"{first.long_names[name]} ({first.units[name]})", LABEL_WIDTH)) for name in names]
    return _grid(f"Series: {', '.join(names)}", quantities)(records)


def systemic_figure(records: Sequence[Record]) -> Figure:
    """Draw what all lesions share: receptor occupancy, VEGFR inhibition, T cells in blood, total burden."""
    panels = [Panel(quantity, "", title) for quantity, title in SYSTEMIC]
    title = "What all lesions share: drugs, T cells in blood, burden"
    return sheet(title, records, [panels[:2], panels[2:]], summary_note(records))[0]


STANDARD = (
    Standard("diameter", diameter_figure,
             "Longest diameter of each lesion over time; open circles: virtual scans; dashed: 30 % below the baseline of that "
             "lesion alone (RECIST judges the sum of the targets); grey: below what a scan can show."),
    Standard("hypoxia", _grid("Hypoxic fraction of the viable tumour cells", (HYPOXIC, HYPOXIC_CORE, HYPOXIC_RIM)),
             "Share of viable tumour cells below 5 mmHg: of the whole section, of its core and of its rim."),
    Standard("vessels", _grid("Vessels: perfusion and maturity", (PERFUSED, MATURITY)),
             "Perfused vessels per mm² of section and their mean maturity; normalisation is maturity and perfusion rising after "
             "the start of the anti-angiogenic drug, pruning a fall of the density."),
    Standard("t_cells", _grid("T cells in the tumour", (T_CELLS, SPECIFIC, OCCUPANCY)),
             "T cells per mm² of section, all and tumour-specific, and the PD-1 receptors occupied (the same in all lesions); "
             "compare the start of anti-PD-1 and the low-dose fractions."),
    Standard("systemic", systemic_figure,
             "Receptor occupancy, VEGFR inhibition, tumour-specific effector T cells in blood and total burden."),
    Standard("deaths", ledger_figure,
             "Deaths of tumour cells by cause, summed from the start to the end of each arm, as shares of all deaths of the "
             "lesion; the total stands at the right."),
)
OVERVIEW = Standard("overview", _grid("Overview: size, hypoxia, vessels, T cells", (DIAMETER, HYPOXIC, PERFUSED, T_CELLS)), "")
MAP_CAPTION = ("Section of the {lesion} in every arm (rows) on several dates (columns): tissue with T cells as bright dots, and "
               "oxygen with the 5 mmHg contour. The bar gives a length of the section and what it stands for in the patient.")


def summary_note(records: Sequence[Record], bands: str = "Lines: median; bands: 10 % to 90 % of replicates.") -> str:
    """Return the note at the foot of every figure: replicates, seed, reduced sections, what bands are."""
    counts = sorted({len(replicates) for replicates in by_arm(records).values()})
    seeds = sorted({record.seed for record in records})
    n = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
    note = f"n = {n} per arm, seed {', '.join(map(str, seeds[:3]))}."
    if counts[-1] > 1:
        note += f"  {bands}"
    if any(record.is_quick for record in records):
        note += "  Quick run: reduced sections."
    damaged = [record.path.name for record in records if record.damage]
    return f"{note}  DAMAGED: {', '.join(damaged)}." if damaged else note


def caption(stem: str, records: Sequence[Record]) -> str:
    """Return the caption of a standard figure by its file's stem, with n, seed and what is assumed; "" if it is not one."""
    known = {standard.stem: standard.caption for standard in STANDARD}
    if stem.startswith("tissue_"):
        known[stem] = MAP_CAPTION.format(lesion=stem.removeprefix("tissue_"))
    return f"{known[stem]} {summary_note(records)}" if stem in known else ""


def drawings(records: Sequence[Record]) -> list[tuple[str, Callable[[], Figure | None]]]:
    """Return every standard figure as (stem, what draws it): the series, the ledger and one map a lesion, None where it has no pictures.

    Raises:
        RecordError: there is no record, two are the same run, or one cannot be drawn beside the others.
    """
    _check(records)
    drawn: list[tuple[str, Callable[[], Figure | None]]] = [
        (standard.stem, partial(_themed, partial(standard.draw, records))) for standard in STANDARD]
    return drawn + [(f"tissue_{lesion}", partial(_themed, partial(map_figure, records, lesion))) for lesion in records[0].lesions]


def _themed(draw: Callable[[], Figure | None]) -> Figure | None:
    with style.themed():
        return draw()


def pages(records: Sequence[Record]) -> list[tuple[str, Figure]]:
    """Return every standard figure as (stem, figure): the series, the ledger and one map a lesion; raises RecordError."""
    return [(stem, figure) for stem, draw in drawings(records) if (figure := draw()) is not None]


def _check(records: Sequence[Record]) -> None:
    if not records:
        raise RecordError("there is no record to draw")
    refuse_twins(records)
    for record in records:
        if len(record.time_d) < LEAST_ROWS:
            raise RecordError(f"{record.path}: the record holds fewer than two points in time, there is nothing to draw")
        if record.lesions != records[0].lesions:
            raise RecordError(f"{record.path}: its lesions ({', '.join(record.lesions)}) are not those of {records[0].path}")


def left_out(records: Sequence[Record]) -> list[str]:
    """Return which records no figure over time can show, one line each: those of patients who were dead on the first day."""
    return [f"{record.path} is left out of the figures: its arm {record.arm} ended on day {ended_on_day(record) or 0:g}, "
            "with fewer than two points in time" for record in records if len(record.time_d) < LEAST_ROWS]


def drawable(records: Sequence[Record]) -> list[Record]:
    """Return the records that figures over time can show."""
    return [record for record in records if len(record.time_d) >= LEAST_ROWS]


def standard_figures(records: Sequence[Record], folder: Path, suffix: str = "png") -> list[Path]:
    """Write the standard figures into a folder as STEM.suffix (png or pdf) and return their paths; raises RecordError."""
    folder.mkdir(parents=True, exist_ok=True)
    return [save(figure, folder / f"{stem}.{suffix}", stem) for stem, figure in pages(records)]


def save(figure: Figure, path: Path, title: str, is_forced: bool = True) -> Path:
    """Write one figure, its metadata carrying the disclaimer."""
    suffix = path.suffix.lower().lstrip(".")
    FigureCanvasAgg(figure)
    with style.themed(), created(path, is_forced) as unfinished:
        figure.savefig(unfinished, dpi=style.DOTS_PER_INCH, format=suffix, metadata=style.metadata(title, suffix))
    return path


def plot(records: Sequence[Record], path: Path, is_forced: bool = True, series: Sequence[str] = ()) -> Path:
    """Write one file: an overview sheet as PNG or SVG, all standard figures as the pages of a PDF, or chosen series; raises RecordError."""
    records = in_one_order(records)
    _check(records)
    if series:
        with style.themed():
            return save(series_figure(records, series), path, "series", is_forced)
    with style.themed():
        overview = OVERVIEW.draw(records)
    if path.suffix.lower() != ".pdf":
        return save(overview, path, OVERVIEW.stem, is_forced)
    drawn = [(OVERVIEW.stem, overview), *pages(records)]
    with style.themed(), created(path, is_forced) as unfinished, PdfPages(unfinished, metadata=style.metadata("Figures", "pdf")) as book:
        for _, figure in drawn:
            book.savefig(figure)
    return path
