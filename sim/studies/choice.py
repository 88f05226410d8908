"""Defaults chosen by an explicit search: points in a stated box, each a small screen of either drug alone, judged by a stated distance.

The box stands in the population file (`choice`), the anchors in a file beside it. The distance of a point is the mean over the
anchors of use `choose` of z^2, z = (simulated - reported) / half the width of the reported interval; where only limits are
given, z counts from the nearer limit. Points are a Sobol sequence; all see the same patients on the same streams. The best points
of a first round are run on more patients, and the nearest of these is chosen. No arm with both drugs is ever run here.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator
from scipy.stats import qmc

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.parameters.messages import refuse
from lesionlab.sim.parameters.quantities import Strict
from lesionlab.sim.studies.data_file import read_as
from lesionlab.sim.studies.population import FreeParameter
from lesionlab.sim.studies.screen import IsOver, Plan
from lesionlab.sim.studies.table import Tell, compute

ALONE = ("anlotinib", "anti_pd1")
RESULT = "choice.json"
Settings = tuple[str, ...]
Simulated = Callable[[Path], Mapping[str, float]]
"""Returns the simulated quantities by name from the folder of a screen."""


class Anchor(Strict):
    """One reported number, or a pair of limits, and the simulated quantity that it stands against."""

    quantity: str
    what: str = Field(min_length=1, description="the words for it")
    value: float | None = None
    low: float
    high: float
    use: Literal["choose", "report"]
    source: str = Field(min_length=1)
    reading: str | None = Field(default=None, description="what a miss is put down to, for the page")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        refuse([(("high",), "must be above low")] if self.high <= self.low else [])
        return self

    def z(self, simulated: float) -> float:
        """Return how far a simulated value lies off, in halves of the interval's width."""
        nearest = self.value if self.value is not None else min(max(simulated, self.low), self.high)
        return (simulated - nearest) / (0.5 * (self.high - self.low))


class Anchors(Strict):
    """What a file of anchors may say."""

    schema_version: Literal[1] = Field(alias="schema")
    title: str
    anchors: dict[str, Anchor] = Field(min_length=1)


class Point(NamedTuple):
    """One point of the search: its settings, the patients it was judged on, what was simulated, its distance."""

    settings: Settings
    n: int
    simulated: Mapping[str, float]
    distance: float


def read_anchors(path: Path) -> Anchors:
    """Read a file of anchors; raises UserError with every mistake and its place, and where a combination is to be chosen by."""
    anchors, document = read_as(path, Anchors)
    both = [name for name, anchor in anchors.anchors.items() if anchor.use == "choose" and anchor.quantity.split(".")[0] not in ALONE]
    if both:
        place = document.places[("anchors", both[0], "use")][1]
        raise UserError(f"{place}: anchors.{both[0]}.use: defaults are chosen by either drug alone: this must be report")
    return anchors


def distance(anchors: Mapping[str, Anchor], simulated: Mapping[str, float]) -> float:
    """Return the mean of z^2 over the anchors of use `choose`; infinite where one was not simulated."""
    squares = [anchor.z(simulated.get(anchor.quantity, math.nan)) ** 2 for anchor in anchors.values() if anchor.use == "choose"]
    mean = sum(squares) / max(len(squares), 1)
    return math.inf if math.isnan(mean) else mean


def points_of(box: Mapping[str, FreeParameter], n: int, seed: int) -> list[Settings]:
    """Return the settings of n points, a scrambled Sobol sequence over the box."""
    if not box:
        raise UserError("the population file has no `choice`: there is nothing to choose")
    unit = qmc.Sobol(len(box), scramble=True, rng=seed).random(n)
    return [tuple(f"{path}={_at(span, share):.3g}" for (path, span), share in zip(box.items(), row, strict=True)) for row in unit]


def _at(span: FreeParameter, share: float) -> float:
    if span.is_log:
        return math.exp(math.log(span.low) + share * (math.log(span.high) - math.log(span.low)))
    return span.low + share * (span.high - span.low)


def read_points(folder: Path) -> list[Point]:
    """Return the points that a folder's searches have judged, the chosen first; none before the first search."""
    path = folder / RESULT
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return [Point(tuple(entry["settings"]), entry["n"], entry["simulated"], entry["distance"]) for entry in kept]


class Search:
    """The search of one plan in a folder; a search that was stopped goes on, since each point's screen does."""

    def __init__(self, plan: Plan, folder: Path, anchors: Mapping[str, Anchor], simulated: Simulated, is_over: IsOver,
                 pool: Executor | None = None) -> None:
        self.plan, self.folder, self.anchors = replace(plan, arms=ALONE, is_brief=True), folder, anchors
        self.simulated, self.is_over, self.pool = simulated, is_over, pool

    def judge(self, settings: Settings, n: int, tell: Tell | None = None) -> Point:
        """Run a point's screen up to n patients and return how far it lies from the anchors."""
        plan = replace(self.plan, settings=(*self.plan.settings, *settings))
        folder = self.folder / "_".join(setting.partition("=")[2] for setting in settings)
        compute(plan, folder, n, self.is_over, self.pool, tell)
        simulated = dict(self.simulated(folder))
        return Point(settings, n, simulated, distance(self.anchors, simulated))

    def run(self, box: Mapping[str, FreeParameter], rounds: Sequence[tuple[int, int]], seed: int,
            tell: Callable[[Point], None] | None = None) -> list[Point]:
        """Run rounds of (points, patients), each with the best points of the one before; return all points of the folder, the chosen first.

        Points of an earlier search in the same folder, over another box, stay among them.
        """
        settings = points_of(box, rounds[0][0], seed)
        judged: dict[Settings, Point] = {}
        for n_points, n_patients in rounds:
            for chosen in settings[:n_points]:
                judged[chosen] = self.judge(chosen, n_patients)
                if tell:
                    tell(judged[chosen])
            # The best of a round are those run on its patients; a point left behind on fewer is not compared with them.
            settings = [point.settings for point in sorted(judged.values(), key=lambda point: (-point.n, point.distance))]
        judged = {point.settings: point for point in read_points(self.folder)} | judged
        ranked = sorted(judged.values(), key=lambda point: (-point.n, point.distance))
        (self.folder / RESULT).write_text(json.dumps([point._asdict() for point in ranked], indent=1) + "\n", encoding="utf-8")
        return ranked
