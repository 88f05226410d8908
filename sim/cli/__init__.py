"""The command line: one module a verb, thin; the only place of `sim` that prints or imports `analysis`.

Exit codes: 0 done; 1 some runs failed; 2 the user's mistake (one message, no traceback); 130 interrupted.
"""

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from lesionlab.analysis.records.errors import RecordError
from lesionlab.sim import DISCLAIMER, __version__
from lesionlab.sim.parameters.errors import UserError, did_you_mean

VERBS = ("run", "resume", "fork", "compare", "sweep", "animate", "plot", "check", "describe", "inspect", "export", "calibrate", "verify",
         "bench")
EXAMPLE = "start here: lesionlab check teaching; then lesionlab run teaching -o results/teaching.h5"


class _Parser(ArgumentParser):
    """A parser whose mistakes are one message, like all others."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code; results go to stdout, everything else to stderr."""
    try:
        options = _parser(list(sys.argv[1:] if arguments is None else arguments))
        return int(options.execute(options))
    except (UserError, RecordError) as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return 2
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return _reader_gone()
        print(f"error: {error.filename or 'file'}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except SystemExit as leaving:
        return int(leaving.code or 0)


def _reader_gone() -> int:
    """Leave quietly: the reader of the output has gone, as in `lesionlab describe | head`; Python would complain again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _verbs() -> tuple[str, ...]:
    """Return the verbs that are built; one that is not is not offered."""
    folder = Path(__file__).parent
    return tuple(verb for verb in VERBS if (folder / f"{verb}.py").exists())


def _parser(arguments: list[str]) -> Any:
    """Return the options of the verb that was asked for."""
    verbs = _verbs()
    parser = _Parser(prog="lesionlab", description=f"{(import_module('sim').__doc__ or '').splitlines()[0]}\n{DISCLAIMER}.",
                     epilog=EXAMPLE, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"lesionlab {__version__}")
    offered = parser.add_subparsers(metavar="VERB", required=True, parser_class=_Parser)
    asked = next((word for word in arguments if not word.startswith("-")), None)
    if asked is not None and asked not in verbs:
        raise UserError(f"{asked}: no such verb{did_you_mean(asked, verbs)}")
    for verb in verbs:
        module = import_module(f"lesionlab.sim.cli.{verb}")
        below = offered.add_parser(verb, help=module.HELP, description=f"{module.HELP[0].upper()}{module.HELP[1:]}.", allow_abbrev=False)
        module.add_arguments(below)
        below.set_defaults(execute=module.execute)
    return parser.parse_args(arguments)
