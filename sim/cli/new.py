"""`new FILE`: a commented scenario to start from."""

import re
from argparse import ArgumentParser, Namespace
from pathlib import Path
from shlex import quote

from lesionlab.analysis.records.written import created
from lesionlab.sim.record.destination import writable
from lesionlab.sim.scenario.load import scenario_from_text

HELP = "write a commented scenario to start from"
TEMPLATE = Path(__file__).with_name("template.yaml")
SUFFIXES = (".yaml", ".yml")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the scenario to write (.yaml); its name becomes the arm's")
    parser.add_argument("--force", action="store_true", help="replace what exists")


def execute(options: Namespace) -> int:
    """Write the scenario and print the command that comes next.

    Raises:
        UserError: another ending, no such folder, or a file is there already.
    """
    path = writable(options.file, SUFFIXES, options.force)
    text = commented(path)
    scenario_from_text(text, str(path))
    with created(path, options.force) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    print(f"{path}\nnext: lesionlab check {quote(str(path))}")
    return 0


def commented(path: Path) -> str:
    """Return the commented scenario under the name of a file."""
    arm = re.sub(r"[^A-Za-z0-9_.-]+", "_", path.stem).lstrip("_.-") or "scenario"
    return TEMPLATE.read_text(encoding="utf-8").format(file=quote(str(path)), stem=quote(str(path.with_suffix(""))), arm=arm)
