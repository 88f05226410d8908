"""Another future from the same past: a new record that follows a recorded run to a day, and a new scenario from there."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lesionlab.sim.cli._runs import add_threads, run_one
from lesionlab.sim.record.destination import new_record
from lesionlab.sim.record.reader import read_run
from lesionlab.sim.runs.job import Job, days_until, fork_day
from lesionlab.sim.runs.lifecycle import forked
from lesionlab.sim.runs.switching import not_given
from lesionlab.sim.scenario.load import load_scenario

HELP = "give a recorded run another future from a day on"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("record", type=Path, metavar="F.h5", help="the record of the past")
    parser.add_argument("scenario", metavar="SCENARIO", help="the future: the same lesions, seed, burn-in and step; a drug that it "
                        "leaves out is stopped and washes out")
    parser.add_argument("--at", required=True, metavar="DATE|DAY", help="the day on which the future begins, at its first hour")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="G.h5", help="the new record")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="overrides",
                        help="change a value of the scenario, as in --set seed=3; may be given again")
    parser.add_argument("--until", metavar="DATE|DAYS", help="stop at this date, or after so many days since the start")
    add_threads(parser)
    parser.add_argument("--force", action="store_true", help="replace an existing record; also go on although other code made F.h5")


def execute(options: Namespace) -> int:
    """Run the future; print where the record is, how the arm ended and the hash of its last state."""
    run = read_run(options.record)
    at_d = fork_day(run.scenario, options.at)
    scenario = load_scenario(options.scenario, options.overrides)
    new_record(options.output, options.force)
    until_d = None if options.until is None else days_until(scenario, options.until)
    job = Job(scenario, run.replicate, options.output, until_d, run.is_quick)
    life = forked(run, at_d, job, is_forced=options.force)
    for line in not_given(scenario, run.scenario, at_d):
        print(line, file=sys.stderr)
    return run_one(job, f"from day {at_d:g} of {options.record}", life, options.threads)
