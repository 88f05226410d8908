"""Runs watched while they are computed: days of every arm in turn, and forks of the present moment.

One thread computes; it alone touches the models. What it has kept (rows, pictures, events) is only added to, under a lock, and the
server reads it. A fork begins at the day that its parent has reached, on a copy of its state, and keeps its parent's past; the parent
goes on with the old future. Nothing is written to disk.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date, timedelta
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lesionlab.analysis.figures import calendar, style
from lesionlab.analysis.figures.sections import View
from lesionlab.analysis.records.record import Event, Record
from lesionlab.analysis.records.treatments import read_classes
from lesionlab.sim.page.layers import oxygen_levels, sites
from lesionlab.sim.page.packing import Shape, averaged, deflated, thinned
from lesionlab.sim.page.play import Look, Play, as_json
from lesionlab.sim.page.sections import shapes
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.processes.oxygen import whole_field
from lesionlab.sim.record.schema import Attribute
from lesionlab.sim.runs.job import Job, header_of
from lesionlab.sim.runs.lifecycle import Life, model_of, steps
from lesionlab.sim.runs.reporters import Regular, Rows, vessel_codes
from lesionlab.sim.runs.switching import with_washout
from lesionlab.sim.scenario.couplings import MECHANISMS
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.simulation import Simulation
from lesionlab.sim.state.state import SITE_UM, Tissue
from lesionlab.sim.treatment.drug_library import library

MOST_LIVE_ARMS = 8
FAST = 1
ANSWER_S = 120.0
_SPECIFIC, _EXHAUSTED, _BYSTANDER = 3, 4, 2
"""Codes of `layers.T_CELL_STATES`."""


@dataclass(frozen=True)
class Picture:
    """One lesion on one day: its planes, uint8 (height, width), and its scale."""

    planes: Mapping[str, NDArray[np.uint8]]
    scale: float


def t_cell_codes(tissue: Tissue) -> NDArray[np.uint8]:
    """Return for each site (z, y, x) the kind of its T cells, the first that applies: specific, exhausted, not specific; 0 without."""
    table = tissue.t_cells
    codes = np.zeros(tissue.state.size, dtype=np.uint8)
    site, is_specific = table.site[:table.n], table.is_specific[:table.n] == 1
    is_exhausted = table.is_exhausted[:table.n] == 1
    for code, is_kind in ((_BYSTANDER, ~is_specific), (_EXHAUSTED, is_specific & is_exhausted), (_SPECIFIC, is_specific & ~is_exhausted)):
        codes[site[is_kind]] = code
    return codes.reshape(tissue.state.shape)


def picture_of(tissue: Tissue, oxygen: NDArray[np.floating]) -> Picture:
    """Return the picture of a section's middle layer; oxygen (z, y, x) in mmHg."""
    middle = tissue.state.shape[0] // 2
    view = shapes(1, _whole(tissue.state.shape[1:]))
    codes = sites(tissue.state[middle], oxygen[middle], vessel_codes(tissue)[middle], t_cell_codes(tissue)[middle])
    planes = {"sites": thinned(codes, view["sites"].step), "oxygen": oxygen_levels(averaged(oxygen[middle], view["oxygen"].step))}
    return Picture(planes, float(tissue.scale))


def _whole(shape: tuple[int, ...]) -> View:
    return View(slice(0, shape[0]), slice(0, shape[1]))


class LiveArm:
    """One arm that is computed: its scenario, the steps to come, and what is kept of those that were taken."""

    def __init__(self, name: str, label: str, scenario: Scenario, checkpoint: Mapping[str, NDArray[Any]] | None = None,
                 past: "LiveArm | None" = None) -> None:
        """Begin anew, or at a checkpoint with the past of another arm."""
        self.name, self.label, self.scenario = name, label, scenario
        job = Job(scenario, 0, Path(name))
        self._header = header_of(job)
        self.model: Simulation = model_of(job, checkpoint)
        self.days: list[float] = list(past.days) if past else []
        self.rows: list[tuple[float, Mapping[str, Any]]] = list(past.rows) if past else []
        self.pictures: dict[str, list[Picture]] = {lesion: list(past.pictures[lesion]) if past else [] for lesion in scenario.lesions}
        self.earlier: list[Any] = list(past.model.events) + past.earlier if past else []
        last_d = self.days[-1] if self.days else -inf
        rows = Rows(lambda time_d, row: self.rows.append((time_d, row)), 24.0, last_d)
        self._life: Life = steps(self.model, (rows, Regular(self.film, 24.0, last_d)))
        self.n_steps = 0

    @property
    def is_running(self) -> bool:
        """Whether there are days to come."""
        return bool(self.model.running)

    def advance(self) -> None:
        """Take steps to the beginning of the next day, or to the end."""
        for step in self._life:
            self.n_steps += 1
            if step.model.clock.is_due(24.0) and (not self.days or self.n_steps > 1):
                return

    def film(self, model: Simulation) -> None:
        """Keep a picture of every lesion."""
        for tissue in model.state.tissues:
            self.pictures[tissue.name].append(picture_of(tissue, whole_field(tissue, model.parameters["oxygen"])))
        self.days.append(model.time_d)

    def record(self) -> Record:
        """Return what a record of the run so far would say, without its pictures."""
        # One look at a list that grows meanwhile: all series must have one length.
        header, rows, events = self._header, list(self.rows), [*self.earlier, *list(self.model.events)]
        names = list(rows[0][1]) if rows else []
        series = {name: np.array([row[name] for _, row in rows], dtype=np.float64) for name in names}
        drugs = tuple(drug.name for drug in header.drugs)
        classes = tuple(drug.drug_class for drug in header.drugs)
        attributes = {**header.attributes, str(Attribute.STATUS): "running" if self.is_running else "complete",
                      str(Attribute.END_REASON): self.model.end_reason}
        if len(drugs) != (series["drug_level"].shape[1] if "drug_level" in series and series["drug_level"].ndim > 1 else 0):
            series.pop("drug_level", None)
        return Record(
            path=Path(self.name), attributes=attributes, scenario_yaml=header.scenario_yaml,
            time_d=np.array([time_d for time_d, _ in rows]), lesions=tuple(lesion.name for lesion in header.lesions),
            roles=tuple(lesion.role for lesion in header.lesions), nodal=tuple(lesion.is_nodal for lesion in header.lesions),
            occult=tuple(lesion.is_occult for lesion in header.lesions),
            baseline_cm=np.array([lesion.baseline_cm for lesion in header.lesions]), drugs=drugs, drug_classes=classes,
            drug_level_units=tuple(drug.level_unit for drug in header.drugs),
            classes=read_classes(str(header.attributes.get(Attribute.DRUG_CLASSES, "")), drugs, classes), series=series,
            units={s.name: s.unit for s in header.series}, long_names={s.name: s.long_name for s in header.series},
            events=[Event(*event) for event in events])


@dataclass(frozen=True)
class LiveSection:
    """The pictures of one lesion of a live arm so far; each is a chunk of its own."""

    pictures: Sequence[Picture]

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shape of each plane."""
        first = self.pictures[0].planes
        steps_of = {name: max(1, first["sites"].shape[0] // max(plane.shape[0], 1)) for name, plane in first.items()}
        return {name: Shape(len(self.pictures), plane.shape[0], plane.shape[1], steps_of[name], most=1) for name, plane in first.items()}

    def packed(self) -> dict[str, list[bytes]]:
        """Return every chunk of every plane, deflated."""
        return {name: [deflated(picture.planes[name][np.newaxis]) for picture in self.pictures] for name in self.pictures[0].planes}

    def as_json(self) -> dict[str, Any]:
        """Return what the page must know of the section, without the bytes."""
        return {"site_um": SITE_UM, "scale": [float(f"{picture.scale:.4g}") for picture in self.pictures],
                "planes": {name: shape.as_json() for name, shape in self.shapes.items()}}


class Live:
    """A source for the server: one scenario that is computed while it is watched, and the arms that fork from it."""

    def __init__(self, scenario: Scenario, title: str = "") -> None:
        """Prepare a scenario; `start` begins to compute it."""
        self.title = title or scenario.title or f"{style.words(scenario.arm)}, live"
        self.arms = [LiveArm(scenario.arm, style.words(scenario.arm), scenario)]
        self.is_running, self.days_asked = True, 0
        self.days_per_s, self.steps_per_s = 0.0, 0.0
        self.failure = ""
        self._lock, self._wake, self._is_closed = threading.Lock(), threading.Condition(), False
        self._asked: list[tuple[Mapping[str, Any], Future[str]]] = []
        self._thread = threading.Thread(target=self._work, name="live", daemon=True)

    def start(self) -> None:
        """Begin to compute."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the day that is being computed."""
        with self._wake:
            self._is_closed = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(ANSWER_S)

    def _work(self) -> None:
        try:
            while not self._is_closed:
                self._fork_as_asked()
                arm = self._next()
                if arm is None:
                    with self._wake:
                        self._wake.wait(0.2)
                    continue
                started_s, before = perf_counter(), arm.n_steps
                arm.advance()
                took_s = max(perf_counter() - started_s, 1e-9)
                self.days_per_s, self.steps_per_s = 1.0 / took_s, (arm.n_steps - before) / took_s
                self.days_asked = max(0, self.days_asked - (arm is self.arms[-1]))
        except UserError as error:
            self.failure = str(error)

    def _next(self) -> LiveArm | None:
        """Return the arm that is furthest behind; none while the clock stands."""
        alive = [arm for arm in self.arms if arm.is_running]
        return min(alive, key=lambda arm: arm.model.time_d) if alive and (self.is_running or self.days_asked) else None

    def _fork_as_asked(self) -> None:
        while self._asked:
            content, answer = self._asked.pop(0)
            try:
                answer.set_result(self._fork(content))
            except (UserError, ValueError, KeyError, TypeError) as error:
                answer.set_exception(ValueError(str(error)))

    def _fork(self, content: Mapping[str, Any]) -> str:
        """Add an arm with another future and return its name."""
        parent = next((arm for arm in self.arms if arm.name == content.get("arm")), None)
        if parent is None or not parent.days or not parent.is_running:
            raise ValueError("this arm has no future to change")
        if len(self.arms) >= MOST_LIVE_ARMS:
            raise ValueError(f"{MOST_LIVE_ARMS} arms fit side by side")
        at_d = parent.model.time_d
        words, scenario = changed(parent.scenario, content, at_d)
        name = f"{self.arms[0].name}_{len(self.arms)}"
        arrays = {key: np.array(value) for key, value in parent.model.checkpoint().items()}
        scenario = with_washout(scenario.model_copy(update={"arm": name}), parent.scenario, arrays, at_d)
        arm = LiveArm(name, f"{parent.label}, day {at_d:.0f}: {words}", scenario, arrays, parent)
        with self._lock:
            self.arms.append(arm)
        return name

    def data(self) -> Mapping[str, Any]:
        """Return the data of the page; before day 0 only how far the burn-in is."""
        with self._lock:
            arms = list(self.arms)
        state = {"day": arms[0].model.time_d, "is_running": self.is_running, "days_per_s": self.days_per_s, "failure": self.failure,
                 "steps_per_s": self.steps_per_s, "is_over": not any(arm.is_running for arm in arms)}
        if not arms[0].days:
            return {"live": state, "is_settling": True}
        records = {arm.name: [arm.record()] for arm in arms}
        looks = {arm.name: Look(arm.label, look.colour, look.line) for arm, look in zip(arms, style.arm_styles(list(records)).values(),
                                                                                         strict=True)}
        end_d = float((self.arms[0].scenario.end - self.arms[0].scenario.start).days)
        days_of = {arm.name: list(arm.days) for arm in arms}
        # A day is shown once every arm that goes on has reached it.
        reached_d = min((days_of[arm.name][-1] for arm in arms if arm.is_running), default=inf)
        days = sorted({day for own in days_of.values() for day in own if day <= reached_d})
        taken = {(arm.name, lesion): tuple(pictures[:len(days_of[arm.name])]) for arm in arms for lesion, pictures in arm.pictures.items()}
        sections = {key: LiveSection(pictures) for key, pictures in taken.items()}
        shown_at = {(name, lesion): np.clip(np.searchsorted(days_of[name], np.array(days) + 1e-6) - 1, 0, None).tolist()
                    for name, lesion in taken}
        play = Play(records, looks, calendar.Clock(end_d, end_d), np.array(days), sections, shown_at)
        return {**as_json(play, self.title, has_t_cell_states=True), "live": {**state, **choices(arms[0].scenario)}}

    def chunk(self, arm: str, lesion: str, plane: str, number: int) -> bytes:
        """Return a deflated picture; raises LookupError where there is none."""
        found = next((one for one in self.arms if one.name == arm), None)
        if found is None:
            raise LookupError(arm)
        return deflated(found.pictures[lesion][number].planes[plane][np.newaxis], FAST)

    def answer(self, asked: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """Obey a command: run, pause, step, fork; raises LookupError for another, ValueError for a fork that is refused."""
        if asked in ("run", "pause"):
            self.is_running, self.days_asked = asked == "run", 0
        elif asked == "step":
            self.is_running, self.days_asked = False, 1
        elif asked == "fork":
            answer: Future[str] = Future()
            self._asked.append((content, answer))
        else:
            raise LookupError(asked)
        with self._wake:
            self._wake.notify_all()
        return {"arm": answer.result(ANSWER_S)} if asked == "fork" else {"is_running": self.is_running}


def choices(scenario: Scenario) -> dict[str, Any]:
    """Return what a fork may change: drugs to give or stop, courses to give, mechanisms to switch off."""
    drugs = [{"name": drug.name, "label": drug.file.label} for drug in library().values()]
    mechanisms = [{"name": name, "label": row.meaning} for name, row in MECHANISMS.items()]
    return {"drugs": drugs, "lesions": list(scenario.lesions), "given": list(scenario.drugs), "mechanisms": mechanisms}


def changed(scenario: Scenario, content: Mapping[str, Any], at_d: float) -> tuple[str, Scenario]:
    """Return another future of a scenario from a day on, and words for the change.

    Raises:
        UserError: the scenario does not take it.
        ValueError: no such change.
    """
    plan = json.loads(scenario.model_dump_json(by_alias=True, exclude_none=True))
    today: date = scenario.start + timedelta(days=round(at_d))
    match content.get("change"):
        case "radiotherapy":
            n, gy = int(content["fractions"]), float(content["dose_gy"])
            course = {"lesion": str(content["lesion"]), "start": today.isoformat(), "fractions": n,
                      "volumes": {"mass": {"dose_per_fraction_gy": gy}}}
            plan["radiotherapy"] = [*plan.get("radiotherapy", []), course]
            words = f"+ {n} × {gy:g} Gy"
        case "drug":
            name = str(content["drug"])
            plan.setdefault("drugs", {})[name] = {"dose_mg": float(content["dose_mg"]), "start": today.isoformat(),
                                                  "interval_d": int(content["interval_d"]), "until": scenario.end.isoformat()}
            words = f"+ {style.words(name).lower()}"
        case "stop":
            name = str(content["drug"])
            del plan["drugs"][name]
            words = f"{style.words(name).lower()} stopped"
        case "switch":
            plan.setdefault("mechanisms", {})[str(content["mechanism"])] = False
            words = f"off: {style.coupling_label(str(content['mechanism']))}"
        case _:
            raise ValueError("choose what to change")
    return words, scenario_from_text(json.dumps(plan), "the new future")
