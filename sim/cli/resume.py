"""Go on with a run that stopped, from the last commit of its record."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from lesionlab.sim.cli._runs import add_threads, run_one
from lesionlab.sim.record.reader import read_run
from lesionlab.sim.runs.job import days_until
from lesionlab.sim.runs.lifecycle import job_of, resumed

HELP = "go on with a run that stopped; its record ends as if it had never stopped"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("record", type=Path, metavar="F.h5", help="the record of the run")
    parser.add_argument("--until", metavar="DATE|DAYS", help="another end than the run had; a run that was complete goes further")
    add_threads(parser)
    parser.add_argument("--force", action="store_true", help="go on although other code began the run; the record says so")


def execute(options: Namespace) -> int:
    """Compute what is missing; print where the record is, how the arm ended and the hash of its last state."""
    run = read_run(options.record)
    until_d = None if options.until is None else days_until(run.scenario, options.until)
    life = resumed(run, until_d=until_d, is_forced=options.force)
    where = "from the beginning: nothing was committed" if run.committed_d is None else f"from day {run.committed_d:g}"
    return run_one(job_of(run, run.until_d if until_d is None else until_d), f"going on {where}", life, options.threads)
