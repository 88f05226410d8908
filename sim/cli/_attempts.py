"""The parts of a comparison, each on its own: a part that fails is named and does not stop the others."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from lesionlab.analysis.comparison.findings import Findings
from lesionlab.analysis.figures.findings import Drawn, findings_drawings
from lesionlab.analysis.figures.standard import drawings, save
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record, load
from lesionlab.sim.runs.engines import explain

T = TypeVar("T")


class Attempts:
    """Makes the parts in turn, and counts and reports those that failed."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Start without failures; `say` prints a line."""
        self.say, self.n_failed = say, 0

    def made(self, what: str, make: Callable[[], T]) -> T | None:
        """Return a part, or None where it cannot be made, for whatever reason."""
        try:
            return make()
        except Exception as error:
            self.n_failed += 1
            self.say(f"{what} cannot be had: {explain(error)}")
            return None

    def load(self, paths: Sequence[Path]) -> list["Record"]:
        """Return the records that can be read.

        Raises:
            RecordError: none can.
        """
        records, reasons = [], []
        for path in paths:
            try:
                records.append(load(path))
            except RecordError as error:
                self.n_failed += 1
                reasons.append(error)
                self.say(f"left out: {error}")
        if not records:
            raise reasons[0]
        return records

    def figures(self, findings: "Findings", records: Sequence["Record"], shown: Sequence["Record"],
                folder: Path, suffix: str = "png") -> tuple[list["Drawn"], list[Path]]:
        """Write the figures of the findings, and the standard figures of the records that can be shown; return those that came out."""
        found = [self.made(stem, draw) for stem, draw in findings_drawings(findings, records, folder, suffix)]
        plain = []
        for stem, draw in (self.made("the standard figures", lambda: drawings(shown)) or []) if shown else []:
            figure = self.made(f"{stem}.{suffix}", draw)
            if figure is not None:
                plain.append(self.made(f"{stem}.{suffix}", partial(save, figure, folder / f"{stem}.{suffix}", stem)))
        return [figure for figure in found if figure is not None], [path for path in plain if path is not None]
