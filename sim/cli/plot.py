"""`plot RECORD... -o X.png|X.svg|X.pdf`: the standard figures, a sheet as PNG or SVG, or a page each as PDF; or any series by name."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lesionlab.analysis.figures.standard import drawable, left_out, plot
from lesionlab.analysis.records.record import damage_notes, load
from lesionlab.analysis.records.sweep_folder import Listed, is_sweep, listed, named
from lesionlab.sim.record.destination import writable

HELP = "draw the standard figures of one or more records"
SUFFIXES = (".png", ".svg", ".pdf")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("records", nargs="+", type=Path, metavar="RECORD|SWEEP",
                        help="records of runs (HDF5), or the folder of a sweep; records of one arm are its replicates")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE",
                        help="X.png or X.svg: one sheet with diameter, hypoxia, vessels and T cells of every lesion over the treatment "
                        "calendar; X.pdf: that sheet and every standard figure, a page each")
    parser.add_argument("--series", nargs="+", default=(), metavar="NAME",
                        help="draw these series of the records instead, one row each; `export --to csv` lists their names")
    parser.add_argument("--force", action="store_true", help="replace what exists")


def execute(options: Namespace) -> int:
    """Write the figures and print the path; return 1 if a record is damaged or had to be left out.

    Raises:
        UserError: the output has another ending, exists or has no folder.
        RecordError: a record cannot be read, or the records do not belong together.
    """
    path = writable(options.output, SUFFIXES, options.force)
    given = [run for path in options.records for run in (listed(path) if is_sweep(path) else [Listed(path, None)])]
    records = [named(load(run.path), run.arm) for run in given]
    shown = drawable(records) or records
    written = plot(shown, path, options.force, options.series)
    wrong = [*damage_notes(records), *(left_out(records) if len(shown) < len(records) else [])]
    for line in wrong:
        print(line, file=sys.stderr)
    print(written)
    return 1 if wrong else 0
