"""The search behind a calibration: Optuna (TPE) proposes values, the engine runs the arm, the record is scored, a journal keeps trials.

The scenario's own values are tried first, then some neighbours of theirs. A trial first runs to the last early finding; a trial
that is worse there than the median of the completed trials is stopped, any other continues from there. A patient who dies early
also has a loss, larger for an earlier death. The journal is an append-only file: the same command continues where it stopped. A
change of model, scenario, priors or scoring rules starts another study in the same file.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.files import temporary_folder
from lesionlab.sim.runs.engines import Compute
from lesionlab.sim.runs.job import Job
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.studies.calibration import Best, Task, early_day, fitted_names, free_parameters, study_name, with_values

NEIGHBOURS, NEIGHBOURHOOD = 7, 0.12
JUDGED_BEFORE_STOPS = 6
NO_SNAPSHOTS = "output.snapshots_every_d=100000"

Score = Callable[[Sequence[Path]], dict[str, float]]
Tell = Callable[[str], None]


def _optuna() -> Any:
    try:
        import optuna
        from optuna.storages import journal as _  # noqa: F401
    except ImportError as error:
        raise UserError("calibrate needs Optuna: pip install 'lesionlab[calibrate]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


class Study:
    """A study of one task: proposes, runs and judges trials until the budget is spent.

    `score` returns the loss of each finding by name from the records of a trial's replicates, leaving out findings that the
    records stop short of; `score_version` changes whenever its rules do.
    """

    def __init__(self, task: Task, journal: Path, score: Score, score_version: str) -> None:
        """Open or go on with the study in a journal; raises UserError where Optuna is missing or there is nothing to fit to."""
        optuna = _optuna()
        self.task, self.score = task, score
        self.scenario = load_scenario(task.scenario)
        self.names, self.free_parameters = fitted_names(self.scenario, task.until_d), free_parameters(self.scenario, task.until_d)
        self.early_d = early_day(self.scenario, task.until_d)
        journal.parent.mkdir(parents=True, exist_ok=True)
        self.folder = journal.parent
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(journal)))
        self.study = optuna.create_study(storage=storage, study_name=study_name(task, self.scenario, score_version), load_if_exists=True,
                                         pruner=optuna.pruners.MedianPruner(n_startup_trials=JUDGED_BEFORE_STOPS))
        self.states = optuna.trial.TrialState
        for trial in self.study.get_trials(deepcopy=False, states=(self.states.RUNNING,)):
            self.study.tell(trial.number, state=self.states.FAIL)
        # A continued sampler must not repeat the random numbers of its first sitting.
        self.study.sampler = optuna.samplers.TPESampler(seed=(task.seed + 1000 * len(self.study.trials)) % 2**32, multivariate=True,
                                                        constant_liar=True, n_startup_trials=NEIGHBOURS)
        place = optuna.distributions
        self.places = {parameter.path: place.IntDistribution(math.ceil(parameter.low), math.floor(parameter.high)) if parameter.is_day else
                       place.FloatDistribution(parameter.low, parameter.high, log=parameter.is_log) for parameter in self.free_parameters}
        judged = (self.states.COMPLETE, self.states.PRUNED, self.states.WAITING)
        tried = [trial.system_attrs.get("fixed_params") for trial in self.study.get_trials(deepcopy=False, states=judged)]
        for point in self._first_points():
            if point not in tried:
                self.study.enqueue_trial(point)

    def _first_points(self) -> Iterator[dict[str, float]]:
        """Yield the scenario's own values, and neighbours at normal distances of a part of each prior's width, cut at its ends."""
        stream = Random(self.task.seed)
        for number in range(NEIGHBOURS + 1):
            point = {}
            for parameter in self.free_parameters:
                low, high, start = (math.log(end) if parameter.is_log else end for end in (parameter.low, parameter.high, parameter.start))
                place = start + (stream.gauss(0.0, NEIGHBOURHOOD * (high - low)) if number else 0.0)
                value = min(max(math.exp(place) if parameter.is_log else place, parameter.low), parameter.high)
                point[parameter.path] = round(value) if parameter.is_day else value
            yield point

    @property
    def trials(self) -> int:
        """The number of trials that were judged, in all sittings."""
        return len(self.study.get_trials(deepcopy=False, states=(self.states.COMPLETE, self.states.PRUNED)))

    def run(self, compute: Compute, n_together: int, tell: Tell) -> Best:
        """Try batches of trials until the next would not fit into the budget, at least one; return the best of all sittings.

        Raises:
            UserError: no trial has come to its end, for the reason given.
        """
        began, longest_s = time.monotonic(), 0.0
        while True:
            batch_began = time.monotonic()
            reasons = self._try(compute, n_together)
            longest_s = max(longest_s, time.monotonic() - batch_began)
            spent_s = time.monotonic() - began
            best = self.best()
            if best is None:
                raise UserError(f"no trial came to its end: {reasons[0] if reasons else 'all were stopped'}")
            tell(f"{best.trials} trials, least loss {best.loss:.2f}, {spent_s / 60:.1f} of {self.task.budget_min:g} min")
            if spent_s + longest_s > 60 * self.task.budget_min:
                return best

    def best(self) -> Best | None:
        """Return the trial of least loss among the completed ones of all sittings; None if there is none."""
        whole = self.study.get_trials(deepcopy=False, states=(self.states.COMPLETE,))
        if not whole:
            return None
        least = min(whole, key=lambda trial: float(trial.value))
        return Best(least.params, least.user_attrs["losses"], self.trials)

    def _try(self, compute: Compute, n_together: int) -> list[str]:
        """Propose some trials, complete each, and return the reasons of failures."""
        going = {trial.number: trial for trial in (self.study.ask(self.places) for _ in range(n_together))}
        reasons: list[str] = []
        with temporary_folder(self.folder) as folder:
            for end_d in ([self.early_d] if self.early_d is not None else []) + [self.task.until_d]:
                jobs = {number: self._jobs(trial, end_d, folder) for number, trial in going.items()}
                message = {outcome.job.path: outcome.message for outcome in compute([job for one in jobs.values() for job in one])}
                for number, own in jobs.items():
                    failed = [message[job.path] for job in own if message[job.path]]
                    reasons += failed
                    if failed:
                        self.study.tell(going.pop(number), state=self.states.FAIL)
                    elif self._is_over(going[number], self._losses([job.path for job in own]), end_d):
                        going.pop(number)
        return reasons

    def _is_over(self, trial: Any, losses: Mapping[str, float], end_d: float | None) -> bool:
        """Store a trial's losses so far and return whether it ends here: all findings scored, or no hope of a good loss."""
        trial.set_user_attr("losses", dict(losses))
        loss = math.fsum(losses.values())
        if set(losses) >= set(self.names) or end_d == self.task.until_d:
            self.study.tell(trial, loss)
            return True
        trial.report(loss, 1)
        if trial.should_prune():
            self.study.tell(trial, state=self.states.PRUNED)
            return True
        return False

    def _losses(self, paths: Sequence[Path]) -> dict[str, float]:
        """Return the losses of the findings that are fitted, as far as the records reach."""
        losses = self.score(paths)
        return {name: losses[name] for name in self.names if name in losses}

    def _jobs(self, trial: Any, end_d: float | None, folder: Path) -> list[Job]:
        """Return the runs of a trial up to a day; the runs of its early part are continued under the same names."""
        patient = with_values(self.task, self.scenario, trial.params, NO_SNAPSHOTS)
        last_d = patient.day(patient.end) if end_d is None else end_d
        return [Job(patient, replicate, folder / f"trial_{trial.number}_r{replicate}.h5", last_d, self.task.is_quick)
                for replicate in range(self.task.replicates)]
