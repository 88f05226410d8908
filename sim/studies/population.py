"""Virtual patients: which quantities vary between patients, by which distribution, and the values of one patient.

A patient's values are a pure function of (seed, patient, path): one uniform number a path goes through the inverse of
the distribution's cumulative function, so a path that is added or taken away changes no other. A distribution is cut
off at the prior range of its parameter, or the range given,
and taken anew within it (the inverse runs over the range's share only), which
is the same as drawing again until the value lies inside.
"""

from collections.abc import Mapping
from functools import cache
from itertools import accumulate, pairwise
from math import log
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from scipy import stats

from lesionlab.sim.numerics.random import RandomStream, draw, name_entity, seed_key, uniform
from lesionlab.sim.parameters.errors import UserError, did_you_mean
from lesionlab.sim.parameters.messages import Mistake, refuse
from lesionlab.sim.parameters.quantities import Evidence, Strict, describe_group
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.schedule import PARAMETERS
from lesionlab.sim.state.codes import Purpose
from lesionlab.sim.studies.data_file import read_as

DOUBLING_TIME = "doubling_time_d"
"""The one quantity that is no path of the scenario: the screen turns it into a share of failed divisions."""
FAILED_DIVISIONS = "cell_cycle.failed_division_share"


class Varying(Strict):
    """One quantity that varies between patients."""

    within: tuple[float, float] | None = Field(default=None, description="range that a value may lie in; a parameter's prior if left out")
    evidence: Evidence
    source: str = Field(min_length=1, description="where the distribution comes from")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.within is not None and self.within[0] >= self.within[1]:
            refuse([(("within",), "must name the smaller limit first")])
        return self

    def limits(self, path: str) -> tuple[float, float] | None:
        """Return the range that values of a path lie in: the one given, else the parameter's prior, None without either."""
        return self.within or limits_of(path)


class LogNormal(Varying):
    """A positive quantity whose logarithm is normal; the median is the model's default if left out."""

    kind: Literal["log_normal"]
    median: float | None = Field(default=None, gt=0)
    geometric_sd: float = Field(gt=1, le=10)

    def scaled(self, default: float) -> Any:
        """Return the distribution, its median the one given or the default."""
        return stats.lognorm(s=log(self.geometric_sd), scale=default if self.median is None else self.median)


class Beta(Varying):
    """A share; the mean is the model's default if left out, and a larger concentration makes it narrower."""

    kind: Literal["beta"]
    mean: float | None = Field(default=None, gt=0, lt=1)
    concentration: float = Field(gt=0, le=1000)

    def scaled(self, default: float) -> Any:
        """Return the distribution, its mean the one given or the default; a default of 0 gives 0 to all."""
        mean = default if self.mean is None else self.mean
        return _Classes(np.array([mean, mean]), np.array([0.0, 1.0])) if not 0.0 < mean < 1.0 else stats.beta(
            mean * self.concentration, (1.0 - mean) * self.concentration)


class Classes(Varying):
    """Classes between rising edges, each with its share of patients; values are even within a class."""

    kind: Literal["classes"]
    edges: tuple[float, ...] = Field(min_length=2)
    shares: tuple[float, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        refuse([(("shares",), "must have one share fewer than there are edges")] if len(self.shares) != len(self.edges) - 1 else [])
        refuse([(("shares",), f"must add up to 1 (got {sum(self.shares):g})")] if abs(sum(self.shares) - 1.0) > 1e-9 else [])
        refuse([(("edges",), "must rise")] if any(b <= a for a, b in pairwise(self.edges)) else [])
        return self

    def limits(self, path: str) -> tuple[float, float] | None:
        """Return the range that values of a path lie in; the edges bound it where nothing else does."""
        return super().limits(path) or (self.edges[0], self.edges[-1])

    def scaled(self, default: float) -> Any:  # noqa: ARG002 - all distributions are asked in one way
        """Return the distribution; the default plays no part."""
        return _Classes(np.array(self.edges), np.array([0.0, *accumulate(self.shares)]))


class _Classes:
    """A distribution that is even between edges."""

    def __init__(self, edges: np.ndarray, up_to: np.ndarray) -> None:
        self.edges, self.up_to = edges, up_to

    def cdf(self, value: float) -> float:
        """Return the share of patients up to a value."""
        return float(np.interp(value, self.edges, self.up_to))

    def ppf(self, share: float) -> float:
        """Return the value up to which a share of patients lies."""
        return float(np.interp(share, self.up_to, self.edges))


class FreeParameter(Strict):
    """Where the screen may look for a default."""

    low: float
    high: float
    is_log: bool = Field(default=False, description="points are even in the logarithm")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        refuse([(("high",), "must be above low")] if self.high <= self.low else [])
        refuse([(("low",), "must be positive on a logarithmic scale")] if self.is_log and self.low <= 0 else [])
        return self


Distribution = Annotated[LogNormal | Beta | Classes, Field(discriminator="kind")]


class Population(Strict):
    """What a population file may say."""

    schema_version: Literal[1] = Field(alias="schema")
    title: str
    varies: dict[str, Distribution] = Field(min_length=1, description="path of the scenario to its distribution between patients")
    choice: dict[str, FreeParameter] = Field(
        default_factory=dict, description="path of a default that the screen chooses to where it looks")


def read_population(path: Path, scenario: Scenario) -> Population:
    """Read a population file for a scenario; raises UserError with every mistake and its place."""
    population, document = read_as(path, Population)
    for block, entries in (("varies", population.varies), ("choice", population.choice)):
        for name in entries:
            if name == DOUBLING_TIME and block == "varies":
                continue
            if message := unknown_path(scenario, name):
                document.report(Mistake((block, name), message, is_key=True))
            elif block == "varies" and population.varies[name].limits(name) is None:
                document.report(Mistake((block, name), "needs `within`: the scenario declares no range for it"))
    if document.mistakes:
        raise UserError("\n".join(document.mistakes))
    return population


def unknown_path(scenario: Scenario, path: str) -> str:
    """Return what is wrong with a path that names no number of the scenario, "" if nothing is."""
    node: Any = scenario
    for part in path.split("."):
        keys = list(node) if isinstance(node, Mapping) else list(type(node).model_fields) if isinstance(node, Strict) else []
        if part not in keys:
            return f"the scenario has no '{part}' here" + did_you_mean(part, keys)
        node = node[part] if isinstance(node, Mapping) else getattr(node, part)
    return "" if isinstance(node, int | float) and not isinstance(node, bool) else "is not a number of the scenario"


def default_of(scenario: Scenario, path: str) -> float:
    """Return the number that stands at a path of the scenario."""
    node: Any = scenario
    for part in path.split("."):
        node = node[part] if isinstance(node, Mapping) else getattr(node, part)
    return float(node)


@cache
def limits_of(path: str) -> tuple[float, float] | None:
    """Return the prior range of a parameter of a rule by its path; None for any other path."""
    section, _, name = path.partition(".")
    found = [known for known in describe_group(PARAMETERS[section]) if known.name == name] if section in PARAMETERS else []
    return (found[0].prior_low, found[0].prior_high) if found else None


def values_of(population: Population, scenario: Scenario, seed: int, patient: int) -> dict[str, float]:
    """Return the values of one patient by path, medians taken from the scenario where the population names none."""
    key = seed_key(seed, patient, 0)
    values = {}
    for path, varying in population.varies.items():
        word = draw(RandomStream(*key, np.uint32(0), name_entity(path)), int(Purpose.VIRTUAL_PATIENT), np.uint32(0))[0]
        values[path] = quantile(varying, path, 1.0 if path == DOUBLING_TIME else default_of(scenario, path), uniform(word))
    return values


def quantile(varying: Distribution, path: str, default: float, share: float) -> float:
    """Return the value of a quantity below which a share of patients lies, the distribution cut off at its limits."""
    distribution = varying.scaled(default)
    low, high = varying.limits(path) or (-np.inf, np.inf)
    first, last = distribution.cdf(low), distribution.cdf(high)
    # Rounded as it is written, so that the table holds what was simulated.
    drawn = float(f"{distribution.ppf(first + (last - first) * share):.6g}")
    return min(max(drawn, low), high)
