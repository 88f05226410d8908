"""`export RECORD --to csv, parquet, vtkhdf`: a record for other tools."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lesionlab.analysis.records.export import WRITERS
from lesionlab.analysis.records.record import damage_notes, load

HELP = "write a record's series or sections for other tools"
SUFFIXES = {"csv": ".csv", "parquet": ".parquet", "vtkhdf": ".vtkhdf"}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("record", type=Path, metavar="RECORD", help="the record of a run (HDF5)")
    parser.add_argument("--to", required=True, choices=list(SUFFIXES),
                        help="csv, parquet: tidy table of every series; vtkhdf: the sections of each lesion, for ParaView")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE",
                        help="file to write (default: the record's name with another ending); vtkhdf adds the lesion's name")
    parser.add_argument("--force", action="store_true", help="replace what exists")


def execute(options: Namespace) -> int:
    """Write the export and print the paths written; return 1 if the record is damaged.

    Raises:
        RecordError: the record cannot be read, or the output exists or cannot be written.
    """
    record = load(options.record)
    for path in WRITERS[options.to](record, options.output or options.record.with_suffix(SUFFIXES[options.to]), options.force):
        print(path)
    for line in damage_notes([record]):
        print(f"{line}; what cannot be read is left out", file=sys.stderr)
    return 1 if record.damage else 0
