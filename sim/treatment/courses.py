"""Treatments as a scenario states them: radiotherapy courses with volumes and calendar, drugs with doses and calendar."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from lesionlab.sim.parameters.messages import Path, refuse
from lesionlab.sim.parameters.quantities import Name, Strict, value
from lesionlab.sim.processes.pharmacokinetics import OneCompartment, TwoCompartments
from lesionlab.sim.treatment.drug_classes import NAMES

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALPHA_BETA_GY = 10.0
DrugClassName = Literal[NAMES]  # type: ignore[valid-type]


def _kind(block: Any) -> str:
    """Return which compartment model a block of pharmacokinetics means: the one it names, else the one its keys fit."""
    given = block if isinstance(block, dict) else {"model": getattr(block, "model", None)}
    return "<one>" if given.get("model") == "one_compartment" or "absorption_per_h" in given else "<two>"


Kinetics = Annotated[Annotated[OneCompartment, Tag("<one>")] | Annotated[TwoCompartments, Tag("<two>")], Discriminator(_kind)]


class MassVolume(Strict):
    """The whole lesion with its margin."""

    dose_per_fraction_gy: float = value("Gy", "dose of one fraction", gt=0, le=30)


class CoreVolume(MassVolume):
    """The boosted centre of a lesion (field in field)."""

    radius_fraction: float = value("1", "radius of the core over the radius of the lesion", 0.5, gt=0, lt=1)


class Volumes(Strict):
    """The volumes of a course; a core is part of its mass."""

    core: CoreVolume | None = None
    mass: MassVolume


class RadiotherapyCourse(Strict):
    """Fractions on one lesion, one on each treatment weekday from the start on."""

    name: Name | None = None
    lesion: str
    start: date
    fractions: int = Field(gt=0, le=100)
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)] = WEEKDAYS[:5]
    volumes: Volumes
    penumbra_cm: float = value("cm", "width of the dose's fall at the margin", 0.5, ge=0, le=10)

    @property
    def fraction_dates(self) -> tuple[date, ...]:
        """The date of each fraction."""
        days = (self.start + timedelta(days=day) for day in range(7 * self.fractions + 7))
        return tuple(day for day in days if WEEKDAYS[day.weekday()] in self.weekdays)[:self.fractions]

    def dose_per_fraction_gy(self, volume: str) -> float:
        """Return the dose of one fraction to `core` or `mass`; the core's is the mass's where there is no core."""
        chosen = self.volumes.core if volume == "core" and self.volumes.core else self.volumes.mass
        return chosen.dose_per_fraction_gy

    def total_dose_gy(self, volume: str) -> float:
        """Return the dose of all fractions to `core` or `mass`."""
        return self.fractions * self.dose_per_fraction_gy(volume)

    def eqd2_gy(self, volume: str, alpha_beta_gy: float = ALPHA_BETA_GY) -> float:
        """Return the dose in 2 Gy fractions of equal effect: D (d + alpha/beta) / (2 + alpha/beta)."""
        return self.total_dose_gy(volume) * (self.dose_per_fraction_gy(volume) + alpha_beta_gy) / (2 + alpha_beta_gy)


class Period(Strict):
    """Days of the calendar, the first and the last included."""

    start: date
    until: date


class Drug(Strict):
    """A drug of a known class and its calendar; another drug of a class needs its own pharmacokinetics."""

    drug_class: DrugClassName = Field(alias="class")
    dose_mg: float = value("mg", "one dose", gt=0, le=10000)
    start: date
    interval_d: float = value("d", "time between doses", ge=0.1, le=365)
    until: date = Field(description="no dose after this date")
    days_on: int | None = value("d", "days with doses in each cycle", None, gt=0)
    days_off: int | None = value("d", "days without doses in each cycle", None, gt=0)
    missed: tuple[Period, ...] = Field(default=(), description="periods in which doses that were due are not taken")
    pharmacokinetics: Kinetics | None = Field(default=None, description="default: those known for a drug of this name")

    @model_validator(mode="after")
    def _calendar(self) -> Self:
        found: list[tuple[Path, str]] = []
        if self.until < self.start:
            found.append((("until",), f"must not be before the drug's start, {self.start}"))
        if (self.days_on is None) != (self.days_off is None):
            given = "days_on" if self.days_off is None else "days_off"
            found.append(((given,), "days_on and days_off are given together or not at all"))
        found += [(("missed", index, "until"), f"must not be before the period's start, {period.start}")
                  for index, period in enumerate(self.missed) if period.until < period.start]
        found += [(("missed", index), f"no dose is due in this period, {period.start} to {period.until}")
                  for index, period in enumerate(self.missed) if period.until >= period.start and not self._due_within(period)]
        refuse(found)
        return self

    def _due_days(self) -> tuple[float, ...]:
        """Return the times at which doses are due in days since the drug's start, missed ones included."""
        on = self.days_on or 1
        cycle = on + (self.days_off or 0)
        n_doses = int(((self.until - self.start).days + 1) / self.interval_d) + 1
        times = (number * self.interval_d for number in range(n_doses))
        return tuple(time for time in times if time % cycle < on and time < (self.until - self.start).days + 1)

    def _due_within(self, period: Period) -> bool:
        """Whether any dose is due in a period."""
        return any((period.start - self.start).days <= int(time) <= (period.until - self.start).days for time in self._due_days())

    def _is_missed(self, time: float) -> bool:
        day = self.start + timedelta(days=int(time))
        return any(period.start <= day <= period.until for period in self.missed)

    def dose_days(self, day_zero: date) -> tuple[float, ...]:
        """Return the times of the doses taken in days since a date, usually the scenario's start."""
        return tuple((self.start - day_zero).days + time for time in self._due_days() if not self._is_missed(time))

    def dose_dates(self) -> tuple[date, ...]:
        """Return the date of each dose."""
        return tuple(self.start + timedelta(days=int(day)) for day in self.dose_days(self.start))
