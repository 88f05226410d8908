"""The stepper of one arm of one patient: arrays inside, courses that decide outside. It needs no framework; `model` hands it to Mesa."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from lesionlab.sim.agents import Agent, ClinicAgent, DrugAgent, LesionAgent, Patient, RadiotherapyAgent
from lesionlab.sim.initial_state import seed as seed_tissue
from lesionlab.sim.measures import lesion_size
from lesionlab.sim.measures.rest import Rest
from lesionlab.sim.numerics.random import seed_key
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.processes.t_cell_priming import STAGES, hold_baseline
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.schedule import advance
from lesionlab.sim.state.checkpoint import restore
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import DrugLevel, Orders, State, Systemic

_DECIDING = (Patient, LesionAgent, RadiotherapyAgent, DrugAgent, ClinicAgent)
"""Kinds of agents in the order in which they decide."""


class Event(NamedTuple):
    """Something that happened: time in days, kind, lesion, label, value (Gy to the mass or mg), value_core (Gy)."""

    time_d: float
    kind: str
    lesion: str = ""
    label: str = ""
    value: float = float("nan")
    value_core: float = float("nan")


class Simulation:
    """One arm of one patient; `step()` takes one time step, `running` turns false at its end, where asked or at the lethal burden.

    Args:
        arm: a scenario.
        replicate: number of the replicate; arms with the same seed and replicate use common random numbers.
        until_d: days after which to stop; the scenario's end if None.
        checkpoint: state arrays and `clock.step` to go on from in place of the burn-in (`checkpoint` of another one,
            `read_checkpoint` of a record); events begin anew.
        is_at_rest: the burn-in is taken here; if False, the first steps are those of the burn-in, and `time_d` begins below 0.

    Raises:
        UserError: the checkpoint does not fit; under absolute priming, the burn-in does not come to rest.
    """

    made_as: ClassVar[Mapping[type[Agent], type[Agent]]] = {}
    """Classes whose instances take the place of the agents' own."""

    def __init__(self, arm: Scenario, replicate: int = 0, until_d: float | None = None,
                 checkpoint: Mapping[str, np.ndarray] | None = None, is_at_rest: bool = True) -> None:
        self.arm, self.replicate, self.running = arm, replicate, True
        days = float((arm.end - arm.start).days)
        self.days = days if until_d is None else min(days, until_d)
        self.parameters = arm.all_parameters()
        self.parameters["pharmacokinetics"] = {name: drug.pharmacokinetics for name, drug in arm.drugs.items()}
        burn_in_steps = round(arm.burn_in_d * 24.0 / arm.time_step_h)
        self.clock = Clock(0, arm.time_step_h, burn_in_steps)
        self.state = self._first_state()
        self.events: list[Event] = []
        self.end_reason = ""
        self._rest = Rest()
        if checkpoint is not None:
            self._take_up(checkpoint)
        elif not burn_in_steps:
            self._begin_day_0()
        while is_at_rest and self.clock.t_h < 0:
            self._settle()
        self._create_agents()

    @property
    def time_d(self) -> float:
        """Days since the scenario's start."""
        return self.clock.t_h / 24.0

    def step_of(self, day: float) -> int:
        """Return the number of the first step at or after a day of the scenario."""
        return self.clock.step_at(day)

    def note(self, kind: str, *details: Any) -> None:
        """Note an event at the current time."""
        self.events.append(Event(self.time_d, kind, *details))

    def end(self, reason: str) -> None:
        """End the arm; an early end is an event."""
        self.running = False
        self.end_reason = reason
        if reason == "lethal burden":
            self.note("lethal_burden")

    def step(self) -> None:
        """Let the courses decide, then advance the arrays by one time step; in the burn-in nothing is decided."""
        if self.clock.t_h < 0:
            self._settle()
            return
        self._decide(_DECIDING)
        if not self.running:
            return
        self.clock = advance(self.state, self.parameters, self.clock)
        if self.time_d >= self.days - 1e-9:
            # A deposit that wakes, or a patient who dies, in the step that begins now does so in that step, if the run goes on.
            self._decide(_DECIDING[2:])
            self.end("end of calendar" if self.days >= self.arm.day(self.arm.end) else "stopped as asked")

    def checkpoint(self) -> dict[str, np.ndarray]:
        """Return every array and counter of the state, not copied, and the clock's step: what another one can go on from."""
        return self.state.arrays() | {"clock.step": np.array(self.clock.step)}

    def _decide(self, kinds: tuple[type[Agent], ...]) -> None:
        """Let the agents of some kinds decide in turn, until the patient dies. At the very end only events that fall due are noted."""
        self.state.orders = Orders()
        for kind in kinds:
            for agent in self._deciders[kind]:
                agent.decide()
            if not self.running:
                return

    def _first_state(self) -> State:
        """Return the state at the start of the burn-in."""
        key = seed_key(self.arm.seed, self.arm.patient, self.replicate)
        priming = self.parameters["t_cell_priming"]
        systemic = Systemic(
            drugs=[DrugLevel(name, drug.drug_class) for name, drug in self.arm.drugs.items()],
            antigen=np.zeros(STAGES), memory=0.0, specific_blood=priming.blood_effectors * priming.specific_share,
            bystander_blood=priming.blood_effectors * (1.0 - priming.specific_share),
            is_supply_absolute=self.arm.forms.absolute_priming)
        state = State(key, systemic, [])
        for name, lesion in self.arm.lesions.items():
            factors = (lesion.t_cell_entry_factor, lesion.vessel_density_factor)
            tissue = seed_tissue(name, lesion.section, factors, self.parameters, key)
            lesion_size.fix_baseline(tissue, lesion_size.lesion_cells_of(lesion.size_cm))
            state.tissues.append(tissue)
        return state

    def _settle(self) -> None:
        """Take one step of the burn-in: vessels, fields, T cells and PD-L1 come to rest.

        Cells divide and die as always, but the lesions keep their clinical size: growth before day 0 is not the model's.
        """
        self.state.orders = Orders()
        self.clock = advance(self.state, self.parameters, self.clock)
        for tissue, lesion in zip(self.state.tissues, self.arm.lesions.values(), strict=True):
            lesion_size.hold_size(tissue, lesion_size.lesion_cells_of(lesion.size_cm))
        if self.state.systemic.is_supply_absolute:
            self._rest.note(self.state, self.clock)
        if self.clock.t_h >= 0:
            self._begin_day_0()

    def _begin_day_0(self) -> None:
        """Declare the sections, as they are, to be the lesions at day 0, and the patient to be in balance."""
        if self.state.systemic.is_supply_absolute and (unrest := self._rest.unrest()):
            raise UserError(f"burn_in_d: under forms.absolute_priming the burn-in must come to rest: {unrest}. Give a longer burn_in_d, or "
                            "values under which T cells neither die out nor overrun the lesions at their held size")
        for tissue, lesion in zip(self.state.tissues, self.arm.lesions.values(), strict=True):
            lesion_size.fix_baseline(tissue, lesion_size.lesion_cells_of(lesion.size_cm))
            tissue.is_dormant = lesion.dormant_until is not None
        hold_baseline(self.state.systemic, self.parameters["t_cell_priming"], self.arm.burn_in_d)

    def _take_up(self, checkpoint: Mapping[str, np.ndarray]) -> None:
        """Go on from a checkpoint: its state and its step; the agents' calendars follow from the scenario."""
        try:
            restore(self.state, checkpoint)
        except ValueError as error:
            raise UserError(f"this checkpoint does not fit the model: {error}") from error
        self.state.systemic.is_supply_absolute = self.arm.forms.absolute_priming
        self.clock = replace(self.clock, step=int(checkpoint["clock.step"]))

    def _create_agents(self) -> None:
        """Create the patient, her lesions, the courses and the clinic."""
        self._deciders: defaultdict[type[Agent], list[Any]] = defaultdict(list)
        self._create(Patient, self.parameters["clinic"].lethal_burden_cells)
        for tissue, lesion in zip(self.state.tissues, self.arm.lesions.values(), strict=True):
            self._create(LesionAgent, tissue, None if lesion.dormant_until is None else self.arm.day(lesion.dormant_until))
        for course in self.arm.radiotherapy:
            self._create(RadiotherapyAgent, course, self.arm)
        for index, (name, drug) in enumerate(self.arm.drugs.items()):
            self._create(DrugAgent, index, name, drug, self.arm)
        self._create(ClinicAgent, self.arm)

    def _create(self, kind: type[Agent], *given: Any) -> None:
        self._deciders[kind].append(self.made_as.get(kind, kind)(self, *given))
