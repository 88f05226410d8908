"""Agents: the patient, her lesions, the treatment courses and the clinic. Cells are entries of arrays, never agents."""

from collections import Counter
from typing import Any, Protocol

from lesionlab.sim.measures import lesion_size
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import Fraction, State, Tissue
from lesionlab.sim.treatment.courses import Drug, RadiotherapyCourse


class Host(Protocol):
    """The part of the model that its agents use."""

    state: State
    clock: Clock

    def step_of(self, day: float) -> int:
        """Return the number of the first step at or after a day."""

    def note(self, kind: str, *details: Any) -> None:
        """Note an event at the current time."""

    def end(self, reason: str) -> None:
        """End the arm."""


class Agent:
    """What decides at the beginning of a step."""

    def __init__(self, model: Host) -> None:
        self.model = model


class Patient(Agent):
    """The patient: lives until her burden is lethal."""

    def __init__(self, model: Host, lethal_burden_cells: float) -> None:
        super().__init__(model)
        self.lethal_burden_cells = lethal_burden_cells

    @property
    def burden_cells(self) -> float:
        """Tumour cells of all lesions, not yet cleared."""
        return lesion_size.burden(self.model.state)

    def decide(self) -> None:
        """End the arm, once a day, when the burden is lethal."""
        if self.model.clock.is_due(24.0) and self.burden_cells >= self.lethal_burden_cells:
            self.model.end("lethal burden")


class LesionAgent(Agent):
    """One lesion: owns a section, is measured on scans; an occult deposit may sleep until its day."""

    def __init__(self, model: Host, tissue: Tissue, wakes_d: float | None) -> None:
        super().__init__(model)
        self.tissue = tissue
        self.wakes_at = None if wakes_d is None else model.step_of(wakes_d)

    def decide(self) -> None:
        """Wake the deposit on its day."""
        if self.model.clock.step == self.wakes_at:
            self.tissue.is_dormant = False

    @property
    def longest_diameter_cm(self) -> float:
        """Longest diameter in cm."""
        return lesion_size.diameters_cm(self.tissue)[0]

    @property
    def clonogens(self) -> float:
        """Clonogens of the lesion."""
        return self.tissue.weight * self.tissue.census()[0]


class RadiotherapyAgent(Agent):
    """A radiotherapy course: orders each of its fractions at its hour, else at the first step of its day."""

    def __init__(self, model: Host, course: RadiotherapyCourse, scenario: Scenario) -> None:
        super().__init__(model)
        core = course.volumes.core
        mass_gy = course.volumes.mass.dose_per_fraction_gy
        self.label = course.name or course.lesion
        self.fraction = Fraction(course.lesion, mass_gy, core.dose_per_fraction_gy if core else mass_gy,
                                 core.radius_fraction if core else 0.5, course.penumbra_cm)
        self.has_core = core is not None
        self.due = {model.step_of(day) for day in course.fraction_days(scenario.start)}

    def decide(self) -> None:
        """Order the fraction that is due in this step."""
        if self.model.clock.step in self.due:
            self.model.state.orders.fractions.append(self.fraction)
            core_gy = self.fraction.core_gy if self.has_core else float("nan")
            self.model.note("fraction", self.fraction.lesion, self.label, self.fraction.mass_gy, core_gy)


class DrugAgent(Agent):
    """A drug course: orders each dose at the first step at or after its time."""

    def __init__(self, model: Host, index: int, name: str, drug: Drug, scenario: Scenario) -> None:
        super().__init__(model)
        self.index, self.label, self.dose_mg = index, name, drug.dose_mg
        self.due = Counter(model.step_of(day) for day in drug.dose_days(scenario.start))

    def decide(self) -> None:
        """Order the dose that is due in this step."""
        for _ in range(self.due[self.model.clock.step]):
            self.model.state.orders.doses.append((self.index, self.dose_mg))
            self.model.note("dose", "", self.label, self.dose_mg)


class ClinicAgent(Agent):
    """The clinic: scans the patient on the scenario's dates."""

    def __init__(self, model: Host, scenario: Scenario) -> None:
        super().__init__(model)
        self.due = {model.step_of(scenario.day(day)) for day in scenario.scans}

    def decide(self) -> None:
        """Note the scan that is due in this step; the sizes are those of the series."""
        if self.model.clock.step in self.due:
            self.model.note("scan")
