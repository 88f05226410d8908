"""Run one arm and write its record."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lesionlab.sim.cli._runs import add_threads, run_one
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.destination import new_record
from lesionlab.sim.runs.job import Job, days_until
from lesionlab.sim.runs.lifecycle import begun
from lesionlab.sim.scenario.load import load_scenario

HELP = "simulate one arm and write its record"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("scenario", metavar="SCENARIO", help="a scenario file, or the bare name of one that comes with LesionLab")
    parser.add_argument("-o", "--output", metavar="F.h5", type=Path, help="the record (default: results/ARM.h5)")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="overrides",
                        help="change a value, as in --set cell_cycle.cycle_time_h=36; may be given again")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the run's random streams (default: the scenario's)")
    parser.add_argument("--replicate", type=int, default=0, metavar="N", help="number of the replicate (default 0)")
    parser.add_argument("--until", metavar="DATE|DAYS", help="stop at this date, or after so many days")
    add_threads(parser)
    parser.add_argument("--quick", action="store_true", help="small sections, of about 5000 cells; every output says so")
    parser.add_argument("--force", action="store_true", help="replace an existing record")


def execute(options: Namespace) -> int:
    """Run the arm; print where the record is, how the arm ended and the hash of its last state."""
    if not 0 <= options.replicate < 2**31:
        raise UserError(f"--replicate {options.replicate}: must be a number from 0 to {2**31 - 1}")
    overrides = [*options.overrides, *([f"seed={options.seed}"] if options.seed is not None else [])]
    scenario = load_scenario(options.scenario, overrides)
    path = new_record(options.output or Path("results") / f"{scenario.arm}.h5", options.force)
    until_d = days_until(scenario, options.until) if options.until is not None else None
    job = Job(scenario, options.replicate, path, until_d, options.quick)
    first = f"bringing the tissue to rest for {scenario.burn_in_d:g} days; the first run also compiles the rules"
    return run_one(job, first, begun(job, is_forced=options.force), options.threads)
