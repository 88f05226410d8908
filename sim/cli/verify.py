"""`verify`: the model's kernels and processes against exact answers, as a table; exit code 1 if one fails."""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence

from lesionlab.sim import DISCLAIMER
from lesionlab.sim.verification import Check, verify

HELP = "compare the model with exact answers: value, expected, tolerance, pass or FAIL"
HEADINGS = ("row", "law", "quantity", "value", "expected", "unit", "tolerance", "verdict")
NUMBERS = (0, 3, 4)
TABULATED = "tabulated"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("--row", type=int, action="append", metavar="N", dest="rows", help="only this law; may be given again")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON array of checks instead of the table")
    form.add_argument("--table", action="store_true", help="a page of Markdown: docs/verification.md")


def execute(options: Namespace) -> int:
    """Print the checks, progress on stderr; return 1 if a check failed, else 0.

    Raises:
        UserError: there is no row of that number.
    """
    started = time.perf_counter()
    found = verify(options.rows, lambda name: print(f"{name} ...", file=sys.stderr, flush=True))
    n_failed = sum(not check.passed for check in found)
    if options.json:
        print(json.dumps([check._asdict() for check in found], indent=2))
    elif options.table:
        print(as_page(found))
    else:
        print(as_table(found))
        n_shown, n_controls = sum(check.tolerance == TABULATED for check in found), sum(check.is_control for check in found)
        n_judged = len(found) - n_shown
        print(f"{n_judged} checks, {n_controls} of them negative controls: {n_judged - n_failed} passed, {n_failed} FAILED; "
              f"{n_shown} numbers only shown; {time.perf_counter() - started:.0f} s")
    return 1 if n_failed else 0


def as_table(found: Iterable["Check"]) -> str:
    """Return checks as aligned columns; a negative control says that it fails the law, as it must."""
    rows = [HEADINGS, *(_cells(check) for check in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(_line(row, widths) for row in rows)


def as_page(found: Sequence["Check"]) -> str:
    """Return checks as a page of Markdown, a section a law."""
    blocks = ["# Verification",
              f"{DISCLAIMER}. The rules are computed as they are written; that they are true of a patient is another matter.",
              "Written by `lesionlab verify --table > docs/verification.md`. A negative control breaks the law on purpose and must fail. "
              "`+-` is half of a 95 % interval over replicates; what is only tabulated is not judged."]
    for row, law in dict.fromkeys((check.row, check.law) for check in found):
        lines = [_markdown(HEADINGS[2:]), _markdown(("---",) * len(HEADINGS[2:]))]
        own = [check for check in found if (check.row, check.law) == (row, law)]
        blocks.append("\n".join([f"## {row}. {law}", "", *lines, *(_markdown(_cells(check)[2:]) for check in own)]))
    return "\n\n".join(blocks)


def _markdown(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cells(check: "Check") -> tuple[str, ...]:
    passed = "-" if check.tolerance == TABULATED else "pass"
    verdict = ("fails, as it must" if check.is_control else passed) if check.passed else "FAIL"
    spread = "" if check.half_width is None else f" +- {check.half_width:.2g}"
    return (str(check.row), check.law, check.quantity, f"{check.value:.5g}{spread}", f"{check.expected:.5g}", check.unit,
            check.tolerance, verdict)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    aligned = (text.rjust(width) if column in NUMBERS else text.ljust(width)
               for column, (text, width) in enumerate(zip(row, widths, strict=True)))
    return "  ".join(aligned).rstrip()
