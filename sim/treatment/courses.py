"""Treatments as defined in a scenario: radiotherapy courses with their volumes and dates, drugs with their doses and dates."""

from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lesionlab.sim.parameters.messages import Path, refuse, twice
from lesionlab.sim.parameters.quantities import Name, Strict, value
from lesionlab.sim.processes.pharmacokinetics import Kinetics
from lesionlab.sim.state.clock import MICRO_STEP_MIN, MICRO_STEPS_PER_DAY, not_whole
from lesionlab.sim.treatment.drug_classes import NAMES

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Hour = Annotated[float, value("h", "an hour of the day", ge=0, lt=24)]
DrugClassName = Literal[NAMES]  # type: ignore[valid-type]


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
    """Fractions on one lesion: on each treatment weekday from the start on one, as the day begins, or one at each of some hours."""

    name: Name | None = None
    lesion: str
    start: date
    fractions: int = Field(gt=0, le=100)
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)] = WEEKDAYS[:5]
    hours: Annotated[tuple[Hour, ...], Field(min_length=1, max_length=24)] | None = Field(
        default=None, description="hours at which a day's fractions are given, as [8, 16] for two a day; default: one, as the day begins")
    volumes: Volumes
    penumbra_cm: float = value("cm", "width of the dose's fall at the margin", 0.5, ge=0, le=10)

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        found: list[tuple[Path, str]] = [
            (("weekdays", index), f"{day} stands twice: a weekday is named once; two fractions a day are written `hours: [8, 16]`")
            for index, day in twice(self.weekdays)]
        hours = self.hours or ()
        found += [(("hours", index), f"{hour:g} stands twice: one fraction is given at an hour") for index, hour in twice(hours)]
        if not found and list(hours) != sorted(hours):
            found.append((("hours",), f"must rise: {', '.join(f'{hour:g}' for hour in sorted(hours))}"))
        refuse(found)
        return self

    @property
    def hours_of_day(self) -> tuple[float, ...]:
        """The hours of a treatment day at which a fraction is given."""
        return self.hours or (0.0,)

    @property
    def fraction_times(self) -> tuple[tuple[date, float], ...]:
        """The date and the hour of each fraction."""
        days = (self.start + timedelta(days=day) for day in range(7 * self.fractions + 7))
        treated = [day for day in days if WEEKDAYS[day.weekday()] in self.weekdays]
        return tuple((day, hour) for day in treated for hour in self.hours_of_day)[:self.fractions]

    @property
    def fraction_dates(self) -> tuple[date, ...]:
        """The date of each fraction; a day with several fractions is repeated."""
        return tuple(day for day, _ in self.fraction_times)

    def fraction_days(self, day_zero: date) -> tuple[float, ...]:
        """Return the time of each fraction in days since a date, usually the scenario's start."""
        return tuple((day - day_zero).days + hour / 24.0 for day, hour in self.fraction_times)

    def dose_per_fraction_gy(self, volume: str) -> float:
        """Return the dose of one fraction to `core` or `mass`; without a core volume, the core dose is the mass dose."""
        chosen = self.volumes.core if volume == "core" and self.volumes.core else self.volumes.mass
        return chosen.dose_per_fraction_gy

    def total_dose_gy(self, volume: str) -> float:
        """Return the total dose of the course to `core` or `mass`."""
        return self.fractions * self.dose_per_fraction_gy(volume)

    def eqd2_gy(self, volume: str, alpha_beta_gy: float) -> float:
        """Return the equivalent dose in 2 Gy fractions, D (d + alpha/beta) / (2 + alpha/beta), for the scenario's alpha/beta."""
        return self.total_dose_gy(volume) * (self.dose_per_fraction_gy(volume) + alpha_beta_gy) / (2 + alpha_beta_gy)


class Period(Strict):
    """Days of the calendar, the first and the last included."""

    start: date
    until: date


class Drug(Strict):
    """A drug and its calendar; class and pharmacokinetics may be left out in a file if the library knows the drug."""

    drug_class: DrugClassName = Field(alias="class")
    dose_mg: float = value("mg", "one dose", gt=0, le=10000)
    start: date
    interval_d: float = value("d", "time between doses", ge=0.1, le=365)
    until: date = Field(description="no dose after this date")
    days_on: int | None = value("d", "days with doses in each cycle", None, gt=0)
    days_off: int | None = value("d", "days without doses in each cycle", None, gt=0)
    missed: tuple[Period, ...] = Field(default=(), description="periods in which doses that were due are not taken")
    pharmacokinetics: Kinetics = Field(description="default: those of a drug of this name in the library")

    @model_validator(mode="after")
    def _calendar(self) -> Self:
        found: list[tuple[Path, str]] = []
        if self.until < self.start:
            found.append((("until",), f"must not be before the drug's start, {self.start}"))
        if (self.days_on is None) != (self.days_off is None):
            given = "days_on" if self.days_off is None else "days_off"
            found.append(((given,), "days_on and days_off are given together or not at all"))
        if wrong := not_whole(24.0 * self.interval_d, MICRO_STEP_MIN / 60.0, is_in_days=True):
            found.append((("interval_d",), wrong))
        found += [(("missed", index, "until"), f"must not be before the period's start, {period.start}")
                  for index, period in enumerate(self.missed) if period.until < period.start]
        found += [(("missed", index), f"no dose is due in this period, {period.start} to {period.until}")
                  for index, period in enumerate(self.missed) if period.until >= period.start and not self._due_within(period)]
        refuse(found)
        return self

    def _due(self) -> tuple[int, ...]:
        """Return the times at which doses are due, in micro-steps since the drug's start; missed doses are included."""
        on = (self.days_on or 1) * MICRO_STEPS_PER_DAY
        cycle = on + (self.days_off or 0) * MICRO_STEPS_PER_DAY
        end = ((self.until - self.start).days + 1) * MICRO_STEPS_PER_DAY
        return tuple(time for time in range(0, end, round(self.interval_d * MICRO_STEPS_PER_DAY)) if time % cycle < on)

    def _date(self, time: int) -> date:
        return self.start + timedelta(days=time // MICRO_STEPS_PER_DAY)

    def _due_within(self, period: Period) -> bool:
        """Return whether any dose is due in a period."""
        return any(period.start <= self._date(time) <= period.until for time in self._due())

    def _taken(self) -> tuple[int, ...]:
        """Return the times of the doses taken, in micro-steps since the drug's start."""
        return tuple(time for time in self._due()
                     if not any(period.start <= self._date(time) <= period.until for period in self.missed))

    def dose_days(self, day_zero: date) -> tuple[float, ...]:
        """Return the times of the doses taken, in days since a date, usually the scenario's start."""
        return tuple((self.start - day_zero).days + time / MICRO_STEPS_PER_DAY for time in self._taken())

    def dose_dates(self) -> tuple[date, ...]:
        """Return the date of each dose taken."""
        return tuple(self._date(time) for time in self._taken())
