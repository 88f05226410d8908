"""The command line: one file a verb, thin; what several verbs share begins with an underscore. Only this folder prints.

Exit codes: 0 done; 1 some runs failed; 2 the user's mistake (one message, no traceback); 130 interrupted.
"""

import ast
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from lesionlab.analysis.records.errors import RecordError
from lesionlab.sim import DISCLAIMER, __version__
from lesionlab.sim.cli._streams import lasting_streams
from lesionlab.sim.cli._style import own_style
from lesionlab.sim.parameters.errors import UserError, did_you_mean, nearest

ORDER = ("run", "resume", "fork", "compare", "sweep", "view", "lesson", "animate", "plot", "new", "check", "describe", "inspect", "export",
         "calibrate", "screen", "verify", "bench")
"""The order in which verbs are offered; a verb that is not named here comes after these."""
WHAT = "An agent-based simulator of a tumour, its vessels and the immune system under therapy."
PLATFORMS = "LesionLab runs on Linux and macOS; on Windows, install it inside the Windows Subsystem for Linux"
EXAMPLE = "start here: lesionlab check teaching; then lesionlab run teaching -o results/teaching.h5"


class _Parser(ArgumentParser):
    """A parser that reports a mistake as one message, like the rest of the program."""

    asked: "_Parser | None" = None
    """The parser of the verb that was asked for: argparse lets the outer parser report what neither knows."""

    def error(self, message: str) -> NoReturn:
        unknown = message.partition("unrecognized arguments: ")[2].split()
        verb = self.asked or self
        known = [option for action in verb._actions for option in action.option_strings]
        message += nearest(unknown[0].partition("=")[0], known) if unknown else ""
        raise UserError(f"{message}; see {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code; results go to stdout, everything else to stderr."""
    with lasting_streams() as (results, _):
        if find_spec("fcntl") is None:
            print(f"error: {PLATFORMS}", file=sys.stderr)
            return 2
        code = _run(arguments)
        results.flush()
        if results.is_full:
            print(f"error: standard output: {results.lost.strerror if results.lost else ''}", file=sys.stderr)
            return code or 2
        return code


def _run(arguments: Sequence[str] | None) -> int:
    own_style()
    try:
        options = _parser(list(sys.argv[1:] if arguments is None else arguments))
        return int(options.execute(options))
    except (UserError, RecordError) as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename or 'file'}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except SystemExit as leaving:
        return int(leaving.code or 0)


def verbs() -> dict[str, str]:
    """Return every verb with its line of help; a file in this folder is a verb, and only the one asked for is imported."""
    found = {path.stem: _help_of(path) for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")}
    return dict(sorted(found.items(), key=lambda item: (ORDER.index(item[0]) if item[0] in ORDER else len(ORDER), item[0])))


def _help_of(path: Path) -> str:
    """Return the text of a verb's HELP without importing the verb, which would import its numerical packages."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    values = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    return str(ast.literal_eval(values["HELP"]))


def _parser(arguments: list[str]) -> Any:
    """Return the options of the verb that was asked for."""
    known = verbs()
    parser = _Parser(prog="lesionlab", description=f"{WHAT}\n{DISCLAIMER}.", epilog=EXAMPLE,
                     formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"lesionlab {__version__}")
    offered = parser.add_subparsers(metavar="VERB", required=True, parser_class=_Parser)
    asked = next((word for word in arguments if not word.startswith("-")), None)
    if asked is not None and asked not in known:
        raise UserError(f"{asked}: no such verb{did_you_mean(asked, known)}")
    for verb, text in known.items():
        below = offered.add_parser(verb, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
        if verb == asked:
            module = import_module(f"lesionlab.sim.cli.{verb}")
            module.add_arguments(below)
            parser.asked = below
            below.set_defaults(execute=module.execute)
    return parser.parse_args(arguments)
