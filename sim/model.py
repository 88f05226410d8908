"""The steppable facade: Mesa outside, arrays inside."""

from collections.abc import Mapping
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar

import mesa
import numpy as np

from lesionlab.sim import agents
from lesionlab.sim.batch import replicate_of
from lesionlab.sim.measures.series import measure_patient
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.simulation import Simulation
from lesionlab.sim.state.clock import not_whole


class _InMesa:
    """An agent of the simulation that Mesa knows too."""

    def __init__(self, model: Any, *given: Any) -> None:
        mesa.Agent.__init__(self, model)
        super().__init__(model, *given)  # type: ignore[call-arg]


class Patient(_InMesa, agents.Patient, mesa.Agent):
    """The patient as a Mesa agent."""


class LesionAgent(_InMesa, agents.LesionAgent, mesa.Agent):
    """A lesion as a Mesa agent."""


class RadiotherapyAgent(_InMesa, agents.RadiotherapyAgent, mesa.Agent):
    """A radiotherapy course as a Mesa agent."""


class DrugAgent(_InMesa, agents.DrugAgent, mesa.Agent):
    """A drug course as a Mesa agent."""


class ClinicAgent(_InMesa, agents.ClinicAgent, mesa.Agent):
    """The clinic as a Mesa agent."""


class TumourModel(Simulation, mesa.Model):
    """A `Simulation` as a Mesa model: `agents`, `datacollector` and `mesa.batch_run` work as for any other.

    Args:
        arm: a scenario, the path of its file or the bare name of one that comes with LesionLab.
        replicate: number of the replicate; arms with the same seed and replicate use common random
            numbers. If None it follows Mesa: `rng` if given, else the iteration of `mesa.batch_run`, else 0.
        until_d: days after which to stop; the scenario's end if None.
        collect_every_d: days between rows of the DataCollector; None collects after every step, as `mesa.batch_run` expects.
        rng: seed of Mesa's own generator, from which the model never draws; names the replicate if `replicate` does not.
        checkpoint: state arrays and `clock.step` to go on from in place of the burn-in (`checkpoint` of another model,
            `read_checkpoint` of a record); events and the DataCollector begin anew.
        is_at_rest: the burn-in is taken here; if False, the first steps are those of the burn-in, and `time_d` begins below 0.

    Raises:
        UserError: the checkpoint does not fit the model, or the replicate or `collect_every_d` is none.
    """

    made_as: ClassVar = {agents.Patient: Patient, agents.LesionAgent: LesionAgent, agents.RadiotherapyAgent: RadiotherapyAgent,
               agents.DrugAgent: DrugAgent, agents.ClinicAgent: ClinicAgent}

    def __init__(self, arm: Scenario | Path | str = "teaching", replicate: int | None = None, until_d: float | None = None,
                 collect_every_d: float | None = None, rng: Any = None, checkpoint: Mapping[str, np.ndarray] | None = None,
                 is_at_rest: bool = True) -> None:
        mesa.Model.__init__(self, rng=0 if rng is None else rng)
        scenario = arm if isinstance(arm, Scenario) else load_scenario(Path(arm))
        self._collect_every_h = 24.0 * collect_every_d if collect_every_d else scenario.time_step_h
        if wrong := not_whole(self._collect_every_h, scenario.time_step_h, is_in_days=True):
            raise UserError(f"collect_every_d: {wrong}")
        Simulation.__init__(self, scenario, replicate_of(replicate, rng), until_d, checkpoint, is_at_rest)
        self.datacollector = mesa.DataCollector(
            model_reporters={"time_d": "time_d", **{name: partial(_measured, name) for name in measure_patient(self.state)}},
            agenttype_reporters={LesionAgent: {name: attrgetter(name) for name in ("longest_diameter_cm", "clonogens")}})

    def step(self) -> None:
        """Take one time step; a row of the DataCollector follows where one is due."""
        before = self.clock
        Simulation.step(self)
        if self.clock is not before and before.t_h >= 0 and self.clock.is_due(self._collect_every_h):
            self.datacollector.collect(self)


def _measured(name: str, model: TumourModel) -> Any:
    return measure_patient(model.state)[name]
