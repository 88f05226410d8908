"""The case table on the terminal: reported findings against the runs, for `compare`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lesionlab.sim.cli.runs import aligned

if TYPE_CHECKING:
    from lesionlab.analysis.records.record import Record


def print_case(records: Sequence["Record"], folder: Path) -> list[Path]:
    """Print report against model, write its files and return them; nothing where nothing is reported of these arms."""
    from lesionlab.analysis.comparison.case_table import FILE, shown, statement
    from lesionlab.analysis.report.case_files import FIGURE, write_case

    table = write_case(records, folder)
    if table is None:
        return []
    print(f"\nThe case against its report (median of the runs, [5 % to 95 %])\n{aligned(shown(table), n_left=6)}\n{statement(table)}")
    return [folder / FILE, folder / "figures" / FIGURE]
