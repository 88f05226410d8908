"""A scenario: one patient, one arm, as validated data. Section names of parameters are the process file names.

A mistake in a file becomes an error with its place and the nearest name (`sim/parameters/messages.py`); reading is in
`sim/scenario/load.py`.
"""

from datetime import date
from functools import cache
from io import StringIO
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, create_model, field_validator, model_validator
from ruamel.yaml import YAML

from lesionlab.sim.initial_state import MOST_LAYERS, MOST_SITES, Section
from lesionlab.sim.numerics.random import name_entity
from lesionlab.sim.parameters.errors import did_you_mean
from lesionlab.sim.parameters.messages import Path, refuse, twice
from lesionlab.sim.parameters.quantities import Name, Strict, build, group_model, value
from lesionlab.sim.scenario.couplings import MECHANISMS, apply
from lesionlab.sim.scenario.forms import Forms
from lesionlab.sim.scenario.reported import CHANGES, SIZES, Calibration, Finding, finding_fits
from lesionlab.sim.schedule import PARAMETERS
from lesionlab.sim.state.clock import MICRO_STEPS_PER_DAY, MICRO_STEPS_PER_H, STEPS_H, not_whole
from lesionlab.sim.treatment.courses import Drug, RadiotherapyCourse

MechanismName = Literal[tuple(MECHANISMS)]  # type: ignore[valid-type]
_LEAST_MARGIN = 6
Centimetres = Annotated[float, value("cm", "a diameter", ge=0.01, le=50)]


class Lesion(Strict):
    """A tumour lesion: its clinical size on the day the scenario starts, its role, its own section and site factors."""

    size_cm: Annotated[tuple[Centimetres, ...], Field(min_length=2, max_length=3, description="diameters, longest first")]
    measured: date = Field(description="when the size was measured")
    nodal: bool = Field(default=False, description="a lymph node is judged by its short axis")
    role: Literal["target", "non_target", "not_evaluable"] = "target"
    section_cells: int = value("1", "tumour cells of the simulated section at baseline", 12000, ge=500, le=50_000_000)
    section_layers: int = value("1", "layers of a slab; its upper and lower face are mirrors", 1, ge=1, le=MOST_LAYERS)
    section_shape: Literal["slab", "block"] = Field(default="slab", description="a central cut, or a whole ellipsoid in 3-D")
    t_cell_entry_factor: float = value("1", "how much easier T cells enter here than elsewhere", 1.0, ge=0, le=100)
    vessel_density_factor: float = value("1", "vessel density relative to the default", 1.0, gt=0, le=10)
    is_occult: bool = Field(default=False, description="not known at the start; a new lesion once it is seen")
    dormant_until: date | None = Field(default=None, description="the day on which an occult deposit begins to grow")

    @model_validator(mode="after")
    def _longest_first(self) -> Self:
        if list(self.size_cm) != sorted(self.size_cm, reverse=True):
            refuse([(("size_cm",), "must name the longest diameter first")])
        return self

    @property
    def section(self) -> Section:
        """How the lesion is cut."""
        return Section(self.size_cm, self.section_cells, self.section_layers, self.section_shape == "block")

    @model_validator(mode="after")
    def _fits_the_lattice(self) -> Self:
        if self.section_shape == "block":
            layers = 2.0 * self.section.half_axes[0] + _LEAST_MARGIN
            too_many = f"a block may have {MOST_LAYERS} layers with its margin; this one needs {layers:.0f}: take fewer cells"
            refuse([(("section_layers",), "follow from the size in a block; leave them out")] if self.section_layers > 1 else [])
            refuse([(("section_cells",), too_many)] if layers > MOST_LAYERS else [])
        widest = max(self.section.half_axes[1:])
        refuse([(("section_cells",), f"a section may be {MOST_SITES} sites wide; this one needs {2 * widest:.0f}: take fewer cells")]
               if 2.0 * widest + _LEAST_MARGIN > MOST_SITES else [])
        return self


class Output(Strict):
    """What is saved, and how often."""

    scalars_every_h: float = value("h", "time between rows of the time series", 24.0, gt=0, le=1e7)
    snapshots_every_d: float = value("d", "time between pictures of the sections", 7.0, gt=0, le=1e6)
    checkpoints: tuple[date, ...] = Field(default=(), description="days whose whole state is kept, to fork from; day 0 always is")


def _within(first: date | None, day: date, last: date | None) -> str | None:
    """Return what is wrong with a day that lies outside the scenario's dates; None for a date that is unknown."""
    if first is not None and day < first:
        return f"must not be before the scenario's start, {first} (got {day})"
    if last is not None and day > last:
        return f"must not be after the scenario's end, {last} (got {day})"
    return None


def _in_calendar(day: date, known: ValidationInfo) -> date:
    """Refuse a day outside the scenario's dates."""
    wrong = _within(known.data.get("start"), day, known.data.get("end"))
    refuse([((), wrong)] if wrong else [])
    return day


def _course_fits(course: RadiotherapyCourse, known: ValidationInfo) -> RadiotherapyCourse:
    """Refuse a course on an unknown lesion, or outside the scenario's dates."""
    first, last, lesions = (known.data.get(key) for key in ("start", "end", "lesions"))
    found: list[tuple[Path, str]] = []
    if lesions is not None and course.lesion not in lesions:
        found.append((("lesion",), f"no lesion is called '{course.lesion}'" + did_you_mean(course.lesion, lesions)))
    if wrong := _within(first, course.start, last):
        found.append((("start",), wrong))
    elif last is not None and course.fraction_days(last)[-1] > 0.0:
        day, hour = course.fraction_times[-1]
        at = f" at {hour:g} h" if course.hours else ""
        beginning = "the beginning of " if day == last else ""
        found.append((("fractions",), f"the last fraction, on {day}{at}, is after the scenario's end, {beginning}{last}"))
    step_h = known.data.get("time_step_h")
    wrongs = [(index, not_whole(hour, step_h)) for index, hour in enumerate(course.hours or ()) if step_h is not None]
    found += [(("hours", index), wrong) for index, wrong in wrongs if wrong]
    refuse(found)
    return course


def _drug_fits(drug: Drug, known: ValidationInfo) -> Drug:
    """Refuse a drug whose calendar leaves the scenario's dates."""
    first, last = known.data.get("start"), known.data.get("end")
    checked = (((key,), _within(first, day, last)) for key, day in (("start", drug.start), ("until", drug.until)))
    refuse((path, wrong) for path, wrong in checked if wrong)
    return drug


def _lesion_fits(lesion: Lesion, known: ValidationInfo) -> Lesion:
    """Refuse a size measured after the start, for which it stands, and a dormancy of a known lesion or outside the calendar."""
    first, last = known.data.get("start"), known.data.get("end")
    found: list[tuple[Path, str]] = []
    if first is not None and lesion.measured > first:
        found.append((("measured",), f"the size stands for the scenario's start, {first}; it cannot be measured later"))
    if lesion.dormant_until is not None:
        wrong = _within(first, lesion.dormant_until, last) if lesion.is_occult else "only an occult lesion can be dormant (is_occult: true)"
        found += [(("dormant_until",), wrong)] if wrong else []
    refuse(found)
    return lesion


def _output_fits(output: Output, known: ValidationInfo) -> Output:
    """Refuse a kept checkpoint outside the scenario's dates or named twice, and rows or pictures that no whole number of steps parts."""
    first, last, step_h = (known.data.get(key) for key in ("start", "end", "time_step_h"))
    checked: list[tuple[Path, str | None]] = [
        (("checkpoints", index), _within(first, day, last)) for index, day in enumerate(output.checkpoints)]
    checked += [(("checkpoints", index), f"{day} stands twice") for index, day in twice(output.checkpoints)]
    if step_h is not None:
        checked.append((("scalars_every_h",), not_whole(output.scalars_every_h, step_h)))
        checked.append((("snapshots_every_d",), not_whole(24.0 * output.snapshots_every_d, step_h, is_in_days=True)))
    refuse((path, wrong) for path, wrong in checked if wrong)
    return output


class Scenario(Strict):
    """One patient, one arm. `scenario_model()` adds a section of parameters for each process."""

    schema_version: Literal[1] = Field(alias="schema")
    title: str | None = Field(default=None, description="the question this arm answers")
    arm: str = Field(default="scenario", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="default: the file's name")
    start: date
    end: date
    seed: int = Field(default=20210706, ge=0, lt=2**63)
    patient: int = Field(default=0, ge=0, lt=2**31, description="0 is the case; others belong to a virtual cohort")
    time_step_h: float = value("h", "one step", 1.0, gt=0, le=24)
    burn_in_d: float = value("d", "time before the start in which vessels, oxygen and T cells come to rest", 30.0, ge=0, le=365)
    lesions: Annotated[dict[Name, Annotated[Lesion, AfterValidator(_lesion_fits)]], Field(min_length=1)]
    radiotherapy: tuple[Annotated[RadiotherapyCourse, AfterValidator(_course_fits)], ...] = ()
    drugs: dict[Name, Annotated[Drug, AfterValidator(_drug_fits)]] = Field(default_factory=dict)
    scans: tuple[Annotated[date, AfterValidator(_in_calendar)], ...] = ()
    output: Annotated[Output, AfterValidator(_output_fits)] = Output()
    reported: dict[Name, Annotated[Finding, AfterValidator(finding_fits)]] = Field(
        default_factory=dict, description="what was reported of the patient; changes no run")
    calibration: Calibration | None = Field(default=None, description="how values were fitted; written by calibrate")
    mechanisms: dict[MechanismName, bool] = Field(  # type: ignore[valid-type]
        default_factory=dict, description="couplings to turn off (false); all are on")
    forms: Forms = Field(default=Forms(), description="model forms to run in place of the default ones")

    @field_validator("start", "end")
    @classmethod
    def _in_living_memory(cls, day: date) -> date:
        if not 1900 <= day.year <= 2200:
            refuse([((), f"must lie between the years 1900 and 2200 (got {day})")])
        return day

    @field_validator("end")
    @classmethod
    def _after_start(cls, end: date, known: ValidationInfo) -> date:
        if "start" in known.data and end <= known.data["start"]:
            refuse([((), f"must be after the scenario's start, {known.data['start']} (got {end})")])
        return end

    @field_validator("time_step_h")
    @classmethod
    def _divides_a_day(cls, step_h: float) -> float:
        """Refuse a step that is no whole number of micro-steps, or of which no whole number makes a day."""
        if step_h not in STEPS_H:
            beside = [step for step in STEPS_H if step < step_h][-1:] + [step for step in STEPS_H if step > step_h][:1]
            refuse([((), "must be a whole number of 6-minute micro-steps that divides the day: "
                     f"{' or '.join(f'{step:g}' for step in beside)} h can be kept (got {step_h:g})")])
        return step_h

    @field_validator("burn_in_d")
    @classmethod
    def _whole_days(cls, days: float) -> float:
        if days != round(days):
            refuse([((), f"must be whole days, so that daily things fall on the calendar's days (got {days:g})")])
        return days

    @field_validator("lesions")
    @classmethod
    def _random_numbers_of_its_own(cls, lesions: dict[str, Lesion]) -> dict[str, Lesion]:
        """Refuse two names that give the same random numbers."""
        numbers = [name_entity(name) for name in lesions]
        refuse(((name,), f"has the random numbers of {list(lesions)[numbers.index(numbers[index])]}; choose another name for one of them")
               for index, name in enumerate(lesions) if index in dict(twice(numbers)))
        return lesions

    @field_validator("scans")
    @classmethod
    def _scanned_once_a_day(cls, scans: tuple[date, ...]) -> tuple[date, ...]:
        refuse(((index,), f"{day} stands twice") for index, day in twice(scans))
        return scans

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as text: the scenario's class is made at run time, so it cannot be pickled by name."""
        return _arrive, (self.model_dump_json(by_alias=True),)

    def resolved_yaml(self) -> str:
        """Return the whole scenario as YAML, defaults filled in; reading it gives the same scenario."""
        text = StringIO()
        yaml = YAML()
        yaml.width = 110
        yaml.dump(_plain(self.model_dump(by_alias=True, exclude_none=True)), text)
        return text.getvalue()

    def parameters(self, process: str) -> Any:
        """Return the parameters of a process, of `tissue` or of `clinic` as the tuple that kernels take."""
        return build(PARAMETERS[process], getattr(self, process))

    def all_parameters(self) -> dict[str, Any]:
        """Return every section's parameters by name, without the couplings that `mechanisms` turns off."""
        switched_off = tuple(name for name, is_on in self.mechanisms.items() if not is_on)
        return apply({name: self.parameters(name) for name in PARAMETERS}, switched_off)

    def day(self, day: date) -> float:
        """Return a date as days since the scenario's start."""
        return float((day - self.start).days)

    def days_without_row(self, within_d: float, until_d: float | None = None) -> tuple[date, ...]:
        """Return the days of scans and of reported sizes that no row of the series precedes by at most `within_d` days.

        Args:
            until_d: the day on which the run stops, if it is before the end.
        """
        days = self.day(self.end) if until_d is None else min(until_d, self.day(self.end))
        sizes = [finding for finding in self.reported.values() if finding.quantity in (*SIZES, *CHANGES)]
        asked = {*self.scans, *(finding.date for finding in sizes), *(finding.since for finding in sizes if finding.since)}
        every = round(self.output.scalars_every_h * MICRO_STEPS_PER_H)
        # The last row stands where the run ends.
        return tuple(day for day in sorted(asked) if self.day(day) < days
                     and round(self.day(day)) * MICRO_STEPS_PER_DAY % every > within_d * MICRO_STEPS_PER_DAY)


def _arrive(text: str) -> Scenario:
    """Return the scenario that `Scenario.__reduce__` took apart."""
    return scenario_model().model_validate_json(text)


def _plain(node: Any) -> Any:
    """Return nested data with lists in place of tuples."""
    if isinstance(node, dict):
        return {key: _plain(below) for key, below in node.items()}
    return [_plain(below) for below in node] if isinstance(node, list | tuple) else node


@cache
def scenario_model() -> type[Scenario]:
    """Return the scenario with its sections of parameters, all defaults unless a file says otherwise."""
    sections: dict[str, Any] = {}
    for process, group in PARAMETERS.items():
        model = group_model(process, group)
        sections[process] = (model, Field(default=model(), description=(group.__doc__ or "").split("\n")[0]))
    return create_model("Scenario", __base__=Scenario, **sections)
