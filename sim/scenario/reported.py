"""Findings reported of a patient, as data beside the scenario, and how values of the scenario were fitted to them.

Nothing here changes a run. The record carries both blocks in its scenario, so that a table of report against model, and the
statement of what is fitted and what is predicted, need nothing but records.
"""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, ValidationInfo, model_validator

from lesionlab.sim.parameters.errors import did_you_mean
from lesionlab.sim.parameters.messages import Path, refuse
from lesionlab.sim.parameters.quantities import Name, Strict, value
from lesionlab.sim.parameters.version import model_version

Day = date
PATIENT = "patient"
SIZES = ("longest_diameter_cm", "short_axis_cm")
CHANGES = ("longest_diameter_change_percent", "short_axis_change_percent")
SHARES = ("control", "local_control")
QuantityName = Literal["longest_diameter_cm", "short_axis_cm", "longest_diameter_change_percent", "short_axis_change_percent",
                       "response", "control", "local_control", "progression_months", "lethal_burden_months"]
Response = Literal["CR", "PR", "SD", "PD"]
Value = Annotated[Annotated[float, Tag("<number>")] | Annotated[Response, Tag("<word>")],
                  Discriminator(lambda given: "<word>" if isinstance(given, str) else "<number>")]
FittedTo = Annotated[Annotated[float, Tag("<number>")] | Annotated[Day, Tag("<date>")],
                     Discriminator(lambda given: "<number>" if isinstance(given, int | float) else "<date>")]


class Finding(Strict):
    """One thing that was reported, or is expected, of one arm on one day.

    Sizes and changes hold for one lesion on `date`; `response` is that of the lesion read alone, or of the patient. `control`
    and `local_control` state the share of runs without progression up to `date`, `local_control` from the scan before
    radiotherapy on. `progression_months` names in `lesion` which lesion shows it.
    """

    date: Day
    lesion: Name = Field(default=PATIENT, description="a lesion of the scenario, or patient")
    quantity: QuantityName
    value: Value = Field(description="a number; for quantity response CR, PR, SD or PD; for control a share of runs")
    bound: Literal["about", "at_most", "at_least"] = Field(default="about", description="whether the value is the middle or a limit")
    tolerance: float | None = Field(default=None, gt=0, description="half width of what agrees, in the quantity's unit; beside a limit the "
                                                                    "scale of a misfit")
    since: Day | None = Field(default=None, description="a change counts from this date (default: the scenario's start)")
    reading: Literal["report", "strict"] = Field(default="report", description="how RECIST reads a lesion not evaluable at baseline")
    arm: str = Field(default="combined", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="the arm of which it was said")
    status: Literal["fitted", "predicted"] = Field(description="fitted: calibrate uses it; predicted: it never does")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        refuse(self._mistakes())
        return self

    def _mistakes(self) -> Iterator[tuple[Path, str]]:
        """Yield what is inconsistent: kind of value, tolerance, bound, lesion and dates."""
        is_word = isinstance(self.value, str)
        if is_word != (self.quantity == "response"):
            yield ("value",), "must be CR, PR, SD or PD" if not is_word else f"must be a number for the quantity {self.quantity}"
        elif self.quantity in SHARES and not 0 <= float(self.value) <= 1:
            yield ("value",), f"is a share of runs, from 0 to 1 (got {self.value:g})"
        needs_tolerance = self.quantity not in ("response", *SHARES)
        if needs_tolerance and self.tolerance is None:
            yield ("tolerance",), f"must be given for the quantity {self.quantity}"
        if not needs_tolerance and self.tolerance is not None:
            yield ("tolerance",), f"has no meaning for the quantity {self.quantity}"
        if self.quantity in SHARES and self.bound == "about":
            yield ("bound",), "must be at_least or at_most for a share of runs"
        if self.lesion == PATIENT and self.quantity in (*SIZES, *CHANGES):
            yield ("lesion",), f"must be given for the quantity {self.quantity}"
        if self.since is not None and (self.quantity not in CHANGES or self.since >= self.date):
            yield ("since",), "must be before the date" if self.quantity in CHANGES else "is for changes in percent only"


def finding_fits(finding: Finding, known: ValidationInfo) -> Finding:
    """Refuse a finding of an unknown lesion, or from before the scenario's start."""
    first, lesions = known.data.get("start"), known.data.get("lesions")
    found: list[tuple[Path, str]] = []
    if lesions is not None and finding.lesion not in (PATIENT, *lesions):
        found.append((("lesion",), f"no lesion is called '{finding.lesion}'" + did_you_mean(finding.lesion, [PATIENT, *lesions])))
    for key, day in (("date", finding.date), ("since", finding.since)):
        if first is not None and day is not None and day < first:
            found.append(((key,), f"must not be before the scenario's start, {first} (got {day})"))
    refuse(found)
    return finding


class Fitted(Strict):
    """One value that was fitted: the value found, and the range of its prior."""

    value: FittedTo
    low: FittedTo
    high: FittedTo
    kind: Literal["free", "nuisance"] = Field(description="a parameter of the model, or an unreported fact about the patient")


class Calibration(Strict):
    """How values of this scenario were found: written by `lesionlab calibrate`, never by hand."""

    to: Literal["case"]
    command: str
    date: Day
    code_version: str = Field(description="hash of the model's sources")
    seed: int
    budget_min: float = value("min", "wall time that was asked for, all sittings together", ge=0)
    trials: int = Field(description="trials that were tried, those stopped early included")
    replicates: int
    is_quick: bool
    until: Day | None = Field(default=None, description="findings after this date were left out")
    loss: float = Field(description="sum of the losses of the findings")
    losses: dict[Name, float] = Field(description="misfit of each fitted finding: 1 is one tolerance, squared; linear beyond three")
    values: dict[str, Fitted]


def stated_loss(found: Calibration) -> str:
    """Return the loss that a fit states, with what it was computed by; where the model has changed since, that it no longer holds."""
    how = f"{'quick sections' if found.is_quick else 'sections as in the file'}, {found.replicates} replicate{'s' * (found.replicates > 1)}"
    words = f"loss {found.loss:.2f} (model {found.code_version}, {how})"
    return words + "; the model has changed since: today's loss of these values is another" * (found.code_version != model_version())
