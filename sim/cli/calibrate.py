"""Fit the free parameters to what was reported, and write them as a scenario file that others extend."""

import hashlib
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from lesionlab.analysis.clinical import reported, response, scans
from lesionlab.analysis.clinical.outcome import read_outcome
from lesionlab.analysis.clinical.reported import mean_losses
from lesionlab.analysis.records.record import load
from lesionlab.analysis.report.terminal import aligned
from lesionlab.sim.cli._runs import add_run_arguments, check_engine
from lesionlab.sim.parameters.errors import UserError, did_you_mean
from lesionlab.sim.record.destination import typed_command, writable
from lesionlab.sim.record.files import alone_in
from lesionlab.sim.runs.engines import Outcome, opened
from lesionlab.sim.runs.job import Job, days_until
from lesionlab.sim.runs.machine import plan_local
from lesionlab.sim.scenario.load import files_of, load_scenario
from lesionlab.sim.scenario.reported import stated_loss
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.studies.calibration import Best, Task, fitted_names, free_parameters, plain_value, write_values
from lesionlab.sim.studies.compare import check_rows
from lesionlab.sim.studies.search import Study

HELP = "fit the free parameters to the reported findings of the case, resumable; write a file that scenarios extend"
TARGETS = ("case",)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("scenario", type=Path, metavar="SCENARIO", help="the arm to fit, with a block `reported`")
    parser.add_argument("--to", required=True, metavar="TARGET", help="what to fit to: case")
    parser.add_argument("--budget", type=float, default=60.0, metavar="MINUTES", help="wall time of this sitting (default 60)")
    parser.add_argument("--replicates", type=int, default=1, metavar="N", help="runs of each trial (default 1)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the search (default 0); the runs keep the scenario's")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the values found (default: results/ARM_calibrated.yaml)")
    parser.add_argument("--force", action="store_true", help="replace FILE")
    add_run_arguments(parser)


def execute(options: Namespace) -> int:
    """Fit until the budget is spent, write the values and print them with the loss of each finding."""
    task, scenario, output = _task(options)
    journal = Path("results") / f"calibrate_{output.stem}" / "study.journal"
    with alone_in(journal.parent):
        return _fit(task, scenario, output, journal, options)


def _fit(task: Task, scenario: Scenario, output: Path, journal: Path, options: Namespace) -> int:
    study = Study(task, journal, _score, _score_version())
    if study.trials:
        _say(f"going on with {study.trials} trials in {journal}")
    if scenario.calibration is not None:
        _say(f"the scenario's own values: {stated_loss(scenario.calibration)}; they are the first trial")
    n_together = 2 * plan_local(10**6, options.workers).workers
    with opened(n_together * task.replicates, _Quiet(), engine=options.engine, workers=options.workers) as compute:
        try:
            best = study.run(compute, n_together, _say)
        except KeyboardInterrupt:
            _say(f"{study.trials} trials are kept in {journal}; the same command goes on from there")
            raise
    output.parent.mkdir(parents=True, exist_ok=True)
    write_values(output, task, scenario, best, typed_command(), options.force)
    print(_text(task, scenario, best))
    print(f"\n{output}: values and provenance; {_use(output, task)}")
    return 0


def _task(options: Namespace) -> tuple["Task", "Scenario", Path]:
    """Return the task that the options describe; every mistake is found before anything is written."""
    if options.to not in TARGETS:
        built = "is not built yet" if options.to == "cohort" else "is no target"
        raise UserError(f"--to {options.to}: {built}{did_you_mean(options.to, TARGETS)}")
    if not 0 <= options.budget <= 60 * 24 * 30:
        raise UserError(f"--budget {options.budget:g}: must be minutes, from 0 (one batch of trials) to a month")
    if options.replicates < 1:
        raise UserError(f"--replicates {options.replicates}: at least one is needed")
    if not 0 <= options.seed < 2**31:
        raise UserError(f"--seed {options.seed}: must be a number from 0 to {2**31 - 1}")
    check_engine(options)
    scenario = load_scenario(options.scenario)
    output = options.output or Path("results") / f"{scenario.arm}_calibrated.yaml"
    if options.output is None:
        output.parent.mkdir(exist_ok=True)
    writable(output, (".yaml", ".yml"), options.force)
    until_d = None if options.until is None else days_until(scenario, options.until)
    fitted_names(scenario, until_d)
    check_rows(scenario, until_d)
    return Task(options.scenario, options.budget, options.replicates, options.quick, until_d, options.seed), scenario, output


def _score(paths: Sequence[Path]) -> dict[str, float]:
    """Return the mean loss of each finding over the records of one trial, as far as they reach."""
    return mean_losses([read_outcome(load(path)) for path in paths])


def _score_version() -> str:
    """Return the hash of the sources by which records are judged."""
    sources = b"".join(Path(str(module.__file__)).read_bytes() for module in (reported, response, scans))
    return hashlib.sha256(sources).hexdigest()


def _text(task: "Task", scenario: "Scenario", best: "Best") -> str:
    """Return the values with their priors and the loss of each finding as tables."""
    values = [["value", "kind", "found", "prior from", "to"]]
    for parameter in free_parameters(scenario, task.until_d):
        shown = (plain_value(scenario, parameter, number) for number in (best.values[parameter.path], parameter.low, parameter.high))
        values.append([parameter.path, parameter.kind, *(str(number) for number in shown)])
    losses = [["finding", "loss"], *([name, f"{loss:.2f}"] for name, loss in best.losses.items()), ["all", f"{best.loss:.2f}"]]
    quick = "  QUICK: small sections\n" if task.is_quick else ""
    return (f"{quick}Best of {best.trials} trials. A loss of 1 is one tolerance away; all findings listed were fitted, none of them is a "
            f"prediction.\n{aligned(values, n_left=2)}\n\n{aligned(losses)}")


def _use(output: Path, task: "Task") -> str:
    """Return a hint on how to use the file."""
    is_below = output.resolve() in {path.resolve() for path in files_of(task.scenario)}
    return f"{task.scenario} and all that extends it use them" if is_below else "run it in the scenario's place, or extend it"


class _Quiet:
    """Hides the progress of single runs: a calibration reports its trials."""

    def announce(self, text: str) -> None:
        _say(text)

    def advance(self, job: "Job", done_d: float) -> None:
        """Say nothing."""

    def finish(self, outcome: "Outcome") -> None:
        """Say why a run failed."""
        if outcome.message:
            _say(f"failed: {outcome.job.path.stem}: {outcome.message}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
