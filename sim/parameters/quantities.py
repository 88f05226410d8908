"""Model parameters: each is declared with its unit, meaning, range, evidence and source.

A process declares `class Parameters(NamedTuple)` whose fields are `Annotated[float, quantity(...)]`. Numba accepts
the tuple directly; pydantic validates the values that a scenario sets.
"""

from typing import Annotated, Any, Literal, NamedTuple, Self, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, create_model, model_validator
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

from lesionlab.sim.parameters.errors import did_you_mean
from lesionlab.sim.parameters.messages import refuse

Evidence = Literal["case", "literature", "assumed"]
NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Marks = TypeAliasType("Marks", Annotated[
    Annotated[Evidence, Tag("<word>")] | Annotated[dict[str, Evidence], Tag("<map>")],
    Discriminator(lambda marks: "<map>" if isinstance(marks, dict) else "<word>"),
])


class Strict(BaseModel):
    """A block of a scenario: unknown keys, wrong types, nan and infinity are errors; `evidence` and `note` may stand anywhere."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, populate_by_name=True)
    evidence: Marks | None = Field(default=None, description="how far the values here can be trusted")
    note: str | None = Field(default=None, description="a remark that goes into the record")

    @model_validator(mode="after")
    def _marks_name_keys(self) -> Self:
        """Reject an evidence mark for a key that the block does not have."""
        keys = [field.alias or name for name, field in type(self).model_fields.items() if name not in ("evidence", "note")]
        marked = self.evidence if isinstance(self.evidence, dict) else {}
        refuse((("evidence", key), f"no key is called '{key}'" + did_you_mean(key, keys)) for key in marked if key not in keys)
        return self


def value(unit: str, meaning: str, default: Any = ..., **limits: float) -> Any:
    """Describe a value in a scenario block: its unit, its meaning and its limits (gt, ge, lt, le)."""
    return Field(default=default, description=meaning, json_schema_extra={"unit": unit}, **limits)  # type: ignore[call-overload]


def quantity(unit: str, meaning: str, low: float, high: float, evidence: Evidence, source: str,
             prior: tuple[float, float] | None = None) -> FieldInfo:
    """Describe one parameter: unit ("1" if dimensionless), meaning, evidence, source and two ranges.

    [low, high] is the physically meaningful range, which a scenario may set. `prior` is the range thought plausible for this
    patient; a calibration searches within it. It defaults to [low, high].
    """
    prior_low, prior_high = prior or (low, high)
    extra: dict[str, Any] = {"unit": unit, "low": low, "high": high, "prior_low": prior_low, "prior_high": prior_high,
                             "evidence": evidence, "source": source}
    field: FieldInfo = Field(ge=low, le=high, description=meaning, json_schema_extra=extra)
    return field


class Description(NamedTuple):
    """The description of one parameter, for printing; `default` has the type of the field."""

    name: str
    default: float
    unit: str
    meaning: str
    low: float
    high: float
    prior_low: float
    prior_high: float
    evidence: Evidence
    source: str

    @property
    def has_narrower_prior(self) -> bool:
        """Whether the prior differs from the range that a scenario may set."""
        return (self.prior_low, self.prior_high) != (self.low, self.high)

    def is_in_prior(self, value: float) -> bool:
        """Whether a value lies within the prior."""
        return self.prior_low <= value <= self.prior_high


def describe_group(group: Any) -> tuple[Description, ...]:
    """Return the descriptions of a parameter group's fields in their declared order."""
    hints = get_type_hints(group, include_extras=True)
    described = []
    for name in group._fields:
        field = get_args(hints[name])[1]
        extra = field.json_schema_extra
        described.append(Description(name, group._field_defaults[name], extra["unit"], field.description,
                                     extra["low"], extra["high"], extra["prior_low"], extra["prior_high"],
                                     extra["evidence"], extra["source"]))
    return tuple(described)


def group_model(name: str, group: Any) -> type[Strict]:
    """Return the strict pydantic model of a parameter group; its keys are the group's field names."""
    hints = get_type_hints(group, include_extras=True)
    fields: dict[str, Any] = {field: (hints[field], group._field_defaults[field]) for field in group._fields}
    model = create_model(name, __base__=Strict, **fields)
    return _in_order(model, group.ORDERED) if hasattr(group, "ORDERED") else model


def _in_order(model: type[Strict], pairs: tuple[tuple[str, str], ...]) -> type[Strict]:
    """Return a model that also requires the first parameter of each pair to be below the second."""

    class Ordered(model):  # type: ignore[valid-type, misc]
        @model_validator(mode="after")
        def _ordered(self) -> Self:
            refuse(((low,), f"must be below {high} (got {getattr(self, low):g} and {getattr(self, high):g})")
                   for low, high in pairs if getattr(self, low) >= getattr(self, high))
            return self

    Ordered.__name__ = model.__name__
    return Ordered


def build(group: Any, block: BaseModel) -> Any:
    """Return the parameter tuple of a validated block. Each value is cast to its declared type, so that kernels compile once."""
    hints = get_type_hints(group)
    return group(**{field: hints[field](getattr(block, field)) for field in group._fields})


__all__ = ["Annotated", "Description", "Evidence", "Name", "Strict", "build", "describe_group", "group_model", "quantity",
           "value"]
