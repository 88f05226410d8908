"""The figures of the findings, each where there is something to show, with a caption that states its basis."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from lesionlab.analysis.comparison.findings import Findings
from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.attribution import attribution_figure
from lesionlab.analysis.figures.standard import save, summary_note
from lesionlab.analysis.figures.survival import difference_figure, survival_figure
from lesionlab.analysis.figures.synergy import interaction_figure, synergy_figure
from lesionlab.analysis.records.record import Record

NOTE = "Bands and bars: 95 % bootstrap or log-log intervals over replicates."
Draw = Callable[[Findings, str], Figure]


class Drawn(NamedTuple):
    """A figure that was written, and its caption."""

    path: Path
    caption: str


def findings_figures(findings: Findings, records: Sequence[Record], folder: Path, suffix: str = "png") -> list[Drawn]:
    """Write the figures of the findings into a folder; survival and differences need replicates, synergy a factorial."""
    return [draw() for _, draw in findings_drawings(findings, records, folder, suffix)]


def findings_drawings(findings: Findings, records: Sequence[Record], folder: Path,
                      suffix: str = "png") -> list[tuple[str, Callable[[], Drawn]]]:
    """Return every figure of the findings as (stem, what draws and writes it)."""
    folder.mkdir(parents=True, exist_ok=True)
    note = summary_note(records, NOTE)

    def drawn(stem: str, draw: Draw, words: str) -> Drawn:
        with style.themed():
            figure = draw(findings, note)
        return Drawn(save(figure, folder / f"{stem}.{suffix}", stem), f"{words} {note}")

    return [(stem, partial(drawn, stem, draw, words)) for stem, draw, words in _drawings(findings)]


def _drawings(findings: Findings) -> list[tuple[str, Draw, str]]:
    drawings: list[tuple[str, Draw, str]] = []
    if max(found.n for found in findings.survival.values()) > 1:
        drawings.append(("survival", survival_figure, (
            "Kaplan-Meier curves over the replicates of each arm: without progression (first scan that reads PD, or lethal burden; "
            "reading 'report') and alive. A run that ended without the event is censored on its last day. Bands are pointwise.")))
        if findings.differences:
            drawings.append(("differences", difference_figure, (
                "Each arm less the first, paired by replicate with common random numbers: mean and 95 % bootstrap interval. Days are "
                f"counted up to day {findings.horizon_d:.0f}; clonogens are those of the target lesions.")))
    if findings.synergy is not None:
        drawings.append(("synergy", synergy_figure, (
            "Kill of each combination beyond the sum of its parts (Bliss: independent parts multiply survival, so 0 is no interaction) "
            "and beyond its best part (highest single agent), in decades of clonogens. An arm that ended takes its replicate out, "
            "and nothing is carried forward: n at the right; thin lines rest on fewer replicates than at the start.")))
        if findings.synergy.contrasts:
            drawings.append(("interactions", interaction_figure, (
                "Contrasts of the factorial on log10 clonogens: main effects (averaged over the other treatments), two-way and "
                "three-way interactions. Left is fewer cells; where treatments act independently every interaction is 0.")))
    if findings.attribution is not None:
        drawings.append(("attribution", attribution_figure, (
            "Shapley shares: what each treatment, and each coupling of the model, adds on average over all orders of adding. Shares sum to "
            f"the whole. Couplings: {findings.attribution.n_walks} walks in random order, each with the random streams of one replicate.")))
    return drawings


def pages(findings: Findings, records: Sequence[Record]) -> list[tuple[str, Figure]]:
    """Return every figure of the findings as (stem, figure), unwritten."""
    note = summary_note(records, NOTE)
    with style.themed():
        return [(stem, draw(findings, note)) for stem, draw, _ in _drawings(findings)]
