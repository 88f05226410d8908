"""Points of a design that fill a space: a Latin hypercube or a Sobol sequence, mapped to ranges or distributions; points of a table.

Both are scrambled with a seed of the design, so that the same file gives the same points. A longer Sobol sequence begins with the
shorter one: a design can grow without a run being repeated.
"""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from math import exp, log
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Discriminator, Field, Tag, model_validator
from scipy.stats import qmc

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.parameters.messages import Mistake, refuse
from lesionlab.sim.parameters.quantities import Strict
from lesionlab.sim.scenario.load import text_of
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.scenario.yaml_document import Document
from lesionlab.sim.studies.population import Distribution, FreeParameter, default_of, quantile, unknown_path

MOST_POINTS = 100_000
Spread = Annotated[
    Annotated[FreeParameter, Tag("<range>")] | Annotated[Distribution, Tag("<distribution>")],
    Discriminator(lambda block: "<distribution>" if isinstance(block, dict) and "kind" in block else "<range>"),
]


class Sample(Strict):
    """A sample of a space: how, how many points, and what each value ranges over."""

    method: Literal["latin_hypercube", "sobol"]
    points: int = Field(ge=1, le=MOST_POINTS, description="how many; of a Sobol sequence a power of 2")
    seed: int = Field(default=0, ge=0, lt=2**63, description="of the scrambling; another seed gives other points")
    values: dict[str, Spread] = Field(min_length=1, description="dotted path to a range, low and high, or a distribution of a population")

    @model_validator(mode="after")
    def _is_balanced(self) -> Self:
        if self.method == "sobol" and self.points & (self.points - 1):
            below = 2 ** (self.points.bit_length() - 1)
            refuse([(("points",), f"must be a power of 2 for a Sobol sequence: {below} or {2 * below} (got {self.points})")])
        return self


def drawn(sample: Sample, scenario: Scenario, document: Document) -> list[dict[str, float | int]]:
    """Return the points of a sample; a path that is no number of the scenario is reported with its place in the design."""
    is_wrong = False
    for path, spread in sample.values.items():
        wrong = unknown_path(scenario, path)
        if not wrong and not isinstance(spread, FreeParameter) and spread.limits(path) is None:
            wrong = "needs `within`: the scenario declares no range for it"
        if wrong:
            is_wrong = True
            document.report(Mistake(("sample", "values", path), wrong, is_key=True))
    if is_wrong:
        return []
    kind = qmc.LatinHypercube if sample.method == "latin_hypercube" else qmc.Sobol
    shares = kind(len(sample.values), scramble=True, rng=np.random.default_rng(sample.seed)).random(sample.points)
    return [{path: _value(spread, path, scenario, float(share)) for (path, spread), share in zip(sample.values.items(), row, strict=True)}
            for row in shares]


def _value(spread: FreeParameter | Distribution, path: str, scenario: Scenario, share: float) -> float | int:
    """Return the value at a share of a range or distribution, whole where the scenario has a whole number."""
    if not isinstance(spread, FreeParameter):
        found = quantile(spread, path, default_of(scenario, path), share)
    elif spread.is_log:
        found = exp(log(spread.low) + share * (log(spread.high) - log(spread.low)))
    else:
        found = spread.low + share * (spread.high - spread.low)
    return round(found) if isinstance(scenario_value(scenario, path), int) else float(f"{found:.6g}")


def scenario_value(scenario: Scenario, path: str) -> Any:
    """Return what stands at a dotted path of a scenario."""
    node: Any = scenario
    for part in path.split("."):
        node = node[part] if isinstance(node, dict) else getattr(node, part)
    return node


def listed_in(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the points of a CSV, each with its line: a heading of dotted paths, a row a point; an empty cell is left as it is.

    Raises:
        UserError: the table cannot be read, or a row does not have the columns of the heading.
    """
    try:
        rows = csv.reader(StringIO(text_of(path)))
        heading = [name.strip() for name in next(rows, [])]
        for row in rows:
            if len(row) not in (0, len(heading)):
                raise UserError(f"{path}:{rows.line_num}: has {len(row)} cells under a heading of {len(heading)}")
            if row:
                yield rows.line_num, {name: _cell(text) for name, text in zip(heading, row, strict=True) if text.strip()}
    except FileNotFoundError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except csv.Error as error:
        raise UserError(f"{path}: not readable as CSV: {error}") from None


def _cell(text: str) -> Any:
    """Return a cell as a number, a truth or a list where it is one, else as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()
