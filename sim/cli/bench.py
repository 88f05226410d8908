"""`bench`: the limits of this machine, the model's times on it, and the project's targets, measured in one run."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from lesionlab.sim.bench import Effort, Figure, bench
from lesionlab.sim.runs.machine import available_cores

HELP = "time kernels and runs beside the limits of this machine, with the project's targets"
HEADINGS = ("group", "figure", "median", "least", "most", "unit", "target", "verdict")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("--quick", action="store_true", help="kernels and short runs only, on small sections: seconds, not minutes")
    parser.add_argument("--full-size", action="store_true", help="a section as large as the case's neck lesion too (minutes, 4 GB)")
    parser.add_argument("--json", action="store_true", help="one JSON array of figures instead of the table")


def execute(options: Namespace) -> int:
    """Print the figures, progress on stderr; a target that is missed is no error: machines differ."""
    def tell(text: str) -> None:
        print(f"{text} ...", file=sys.stderr, flush=True)

    chosen = Effort(cells=3000, repeats=3, days=7.0, large_cells=50_000, is_whole=False) if options.quick else Effort()
    effort = chosen._replace(is_full_size=options.full_size)
    cores, reason = available_cores()
    tell(f"{cores} cores ({reason}); let nothing else run, or trust only shares and ratios")
    found = bench(effort, tell)
    if options.quick:
        tell("quick: small sections, for which no target is meant")
        found = [made._replace(target="", reached=None) for made in found]
    rows = [{name: None if value != value else value for name, value in figure._asdict().items()} for figure in found]
    print(json.dumps(rows, indent=2) if options.json else as_table(found))
    return 0


def as_table(found: Sequence["Figure"]) -> str:
    """Return figures as aligned columns."""
    rows = [HEADINGS, *((made.group, made.name, *map(number, (made.value, made.low, made.high)), made.unit, made.target, verdict(made))
                        for made in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join("  ".join(text.rjust(width) if column in (2, 3, 4) else text.ljust(width) for column, (text, width) in
                               enumerate(zip(row, widths, strict=True))).rstrip() for row in rows)


def verdict(made: "Figure") -> str:
    """Return in one word whether a figure reached its target."""
    if made.target and made.reached is None:
        return "not measured"
    return {True: "reached", False: "missed", None: ""}[made.reached]


def number(value: float) -> str:
    """Return a number as the table shows it, a dash for one that was not measured."""
    return "-" if value != value else f"{value:.3g}"
