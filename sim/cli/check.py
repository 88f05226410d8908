"""Check scenarios without running them; say what they are, with total doses and EQD2."""

from argparse import ArgumentParser, Namespace

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.scenario.summary import summary

HELP = "validate scenarios: every mistake with its place, or a summary"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("scenarios", nargs="+", metavar="SCENARIO",
                        help="a scenario file, or the bare name of one that comes with LesionLab")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="overrides",
                        help="change a value, as in --set lesions.neck.section_cells=5000; may be given again")


def execute(options: Namespace) -> int:
    """Print a summary of each scenario; raise UserError with the mistakes of all of them."""
    mistakes = []
    for path in options.scenarios:
        try:
            print(f"{path}: ok\n{summary(load_scenario(path, options.overrides))}")
        except UserError as error:
            mistakes.append(str(error))
    if mistakes:
        raise UserError("\n".join(mistakes))
    return 0
