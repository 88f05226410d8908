"""A lesson as data: text, what to look at, questions, and the arms that its runs are made of.

    schema: 1
    title: Why low-dose radiotherapy and anti-PD-1 do more together
    scenario: mass.yaml                     # beside the lesson, or the bare name of a scenario that comes with LesionLab
    replicates: 3
    arms:
      both: {label: Both, set: {radiotherapy: [...], drugs: {...}}}
    steps:
      - title: Look first
        text: "... {both.t_cells_per_mm2@21} T cells per mm2 ..."
        holds: [both.t_cells_per_mm2@21 > 2 * untreated.t_cells_per_mm2@21]
        shows: {label: the two arms, arms: [untreated, both], layer: t_cells, day: 21}
        question: {asks: ..., choices: [{says: ..., is_right: true}, ...], answer: ...}

Numbers in texts come from the runs, and every claim in `holds` is checked against them whenever the lesson is made.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from lesionlab.analysis.figures import style
from lesionlab.analysis.records.record import Record, by_arm, load
from lesionlab.sim.page.document import alone
from lesionlab.sim.page.facts import Facts
from lesionlab.sim.page.play import Look, make_play
from lesionlab.sim.parameters.errors import UserError, did_you_mean
from lesionlab.sim.parameters.messages import Mistake
from lesionlab.sim.parameters.messages import Path as KeyPath
from lesionlab.sim.parameters.quantities import Name, Strict
from lesionlab.sim.runs.job import Job
from lesionlab.sim.scenario.load import load_scenario, scenario_folder
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.scenario.yaml_document import Document
from lesionlab.sim.studies.data_file import read_as

Text = Annotated[str, Field(min_length=1)]


class Arm(Strict):
    """One arm: how it is called, what it does differently, and the values that it sets in the lesson's scenario."""

    label: Text
    remark: str = Field(default="", description="shown under the label, such as which mechanism is off")
    set: dict[str, Any] = Field(default_factory=dict, description="dotted path to value, as --set takes them")


class Shows(Strict):
    """What the player is set to: arms, layer, lesion, day, and another day to compare with."""

    label: Text
    arms: tuple[str, ...] | None = Field(default=None, min_length=1, max_length=8)
    layer: Literal["tissue", "oxygen", "vessels", "t_cells"] | None = None
    lesion: str | None = None
    day: float | None = Field(default=None, ge=0)
    other_day: float | None = Field(default=None, ge=0)


class Choice(Strict):
    """One answer to choose, and what is said to who chose it."""

    says: Text
    is_right: bool = False
    reply: str = ""


class Question(Strict):
    """A question; its answer is shown after the student has chosen."""

    asks: Text
    choices: tuple[Choice, ...] = Field(min_length=2, max_length=6)
    answer: Text
    shows: Shows | None = None


class Step(Strict):
    """One step: a text, what it shows, what it claims of the runs, and perhaps a question."""

    title: Text
    text: Text
    holds: tuple[str, ...] = ()
    shows: Shows | None = None
    question: Question | None = None


class Lesson(Strict):
    """What a lesson file may say."""

    version: Literal[1] = Field(alias="schema")
    title: Text
    scenario: str = Field(description="the scenario file, relative to the lesson")
    replicates: int = Field(default=1, ge=1, le=20, description="runs of each arm; the first is pictured, curves are their median")
    arms: dict[Name, Arm] = Field(min_length=1, max_length=24)
    presets: tuple[Shows, ...] = ()
    steps: tuple[Step, ...] = Field(min_length=1, max_length=20)


def lesson_folder() -> Path:
    """Return the folder of the lessons that come with LesionLab."""
    return scenario_folder() / "lessons"


def read_lesson(path: Path) -> tuple[Lesson, dict[str, Scenario], Document, Path]:
    """Read a lesson, by its file or by the bare name of one that comes with LesionLab, and the scenario of each arm.

    Raises UserError with every mistake as `file:line:col: path: message`.
    """
    named = lesson_folder() / f"{path.stem}.yaml"
    found = named if not path.exists() and path.parent == Path() and named.exists() else path
    if not found.exists():
        known = [one.stem for one in lesson_folder().glob("*.yaml")]
        raise UserError(f"{path}: no such file or lesson{did_you_mean(path.stem, known)}")
    lesson, document = read_as(found, Lesson)
    _check_names(lesson, document)
    return lesson, _scenarios(lesson, document, found), document, found


def _check_names(lesson: Lesson, document: Document) -> None:
    """Report arms that no one has declared, and questions without a right answer."""
    for keys, shows in _shown(lesson):
        for place, arm in enumerate(shows.arms or ()):
            if arm not in lesson.arms:
                document.report(Mistake((*keys, "arms", place), f"no arm is called '{arm}'{did_you_mean(arm, lesson.arms)}"))
    for number, step in enumerate(lesson.steps):
        if step.question and sum(choice.is_right for choice in step.question.choices) != 1:
            document.report(Mistake(("steps", number, "question", "choices"), "one of them must be right (is_right: true)"))


def _shown(lesson: Lesson) -> Iterator[tuple[KeyPath, Shows]]:
    """Yield everything that a lesson shows, with its place."""
    yield from ((("presets", number), shows) for number, shows in enumerate(lesson.presets))
    for number, step in enumerate(lesson.steps):
        if step.shows:
            yield ("steps", number, "shows"), step.shows
        if step.question and step.question.shows:
            yield ("steps", number, "question", "shows"), step.question.shows


def _scenarios(lesson: Lesson, document: Document, path: Path) -> dict[str, Scenario]:
    """Return the scenario of each arm; raises UserError with every value that the scenario does not take."""
    beside = path.parent / lesson.scenario
    scenario = beside if beside.exists() or Path(lesson.scenario).parent != Path() else Path(lesson.scenario)
    found = {}
    for name, arm in lesson.arms.items():
        try:
            found[name] = load_scenario(scenario, [f"arm={name}", *(f"{key}={json.dumps(value)}" for key, value in arm.set.items())])
        except UserError as error:
            for line in str(error).splitlines():
                key = next((key for key in arm.set if line.startswith(f"--set {key}=")), None)
                keys = ("arms", name, "set", key) if key else ("scenario",)
                document.report(Mistake(keys, line.partition(": ")[2] if key else line))
    if document.mistakes:
        raise UserError("\n".join(document.mistakes))
    return found


def jobs_of(lesson: Lesson, scenarios: Mapping[str, Scenario], folder: Path) -> list[Job]:
    """Return the runs of a lesson; a record's name holds a hash of all that it depends on, so that nothing is computed again."""
    found = []
    for scenario in scenarios.values():
        for replicate in range(lesson.replicates):
            job = Job(scenario, replicate, folder)
            found.append(Job(scenario, replicate, folder / f"{job.run_id}.h5"))
    return found


def page_of(lesson: Lesson, document: Document, jobs: Sequence[Job]) -> str:
    """Return the lesson as one HTML page, its numbers filled in from its complete runs.

    Raises:
        UserError: a text names what the runs do not have, or claims what they do not show; with the place of each.
        RecordError: a record cannot be read.
    """
    records = [load(job.path) for job in jobs]
    looks = style.arm_styles(list(lesson.arms))
    play = make_play(records, {name: Look(arm.label, looks[name].colour, looks[name].line, arm.remark)
                               for name, arm in lesson.arms.items()})
    steps = _filled(lesson, document, records)
    extra = {"lesson": {"title": lesson.title, "steps": steps}, "presets": [_as_json(shows) for shows in lesson.presets]}
    return alone(play, lesson.title, extra)


def _filled(lesson: Lesson, document: Document, records: Sequence[Record]) -> list[dict[str, Any]]:
    facts = Facts(by_arm(records), records[0].lesions[0])

    def filled(text: str, *keys: str | int) -> str:
        try:
            return facts.filled(text)
        except ValueError as error:
            document.report(Mistake(keys, str(error)))
            return text

    for number, step in enumerate(lesson.steps):
        for place, claim in enumerate(step.holds):
            try:
                wrong = facts.refuted(claim)
            except ValueError as error:
                wrong = str(error)
            if wrong:
                document.report(Mistake(("steps", number, "holds", place), wrong))
    steps = [_step(step, number, filled) for number, step in enumerate(lesson.steps)]
    if document.mistakes:
        raise UserError("\n".join(document.mistakes))
    return steps


def _step(step: Step, number: int, filled: Any) -> dict[str, Any]:
    """Return a step as plain values, its texts filled in."""
    at, question = ("steps", number), step.question
    found: dict[str, Any] = {"title": step.title, "text": filled(step.text, *at, "text"), "shows": step.shows and _as_json(step.shows)}
    if question:
        below = (*at, "question")
        found["question"] = {
            "asks": filled(question.asks, *below, "asks"), "answer": filled(question.answer, *below, "answer"),
            "shows": question.shows and _as_json(question.shows),
            "choices": [{"is_right": choice.is_right, **{key: filled(getattr(choice, key), *below, "choices", place, key)
                                                         for key in ("says", "reply")}} for place, choice in enumerate(question.choices)]}
    return found


def _as_json(shows: Shows) -> dict[str, Any]:
    return shows.model_dump(exclude={"evidence", "note"}, mode="json")
