"""Lessons: those that come with LesionLab are sound, a lesson's mistakes are named with their place, and its claims are checked."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lesionlab.sim.cli import main
from lesionlab.sim.page.facts import FILLED, TERM
from lesionlab.sim.page.lesson import jobs_of, lesson_folder, read_lesson
from lesionlab.sim.parameters.errors import UserError
from tests.tiny_arm import UNTREATED

NAMES = ("fractions", "low_dose", "window")
TINY = """schema: 1
title: A tiny lesson
scenario: tiny.yaml
arms:
  untreated: {label: No treatment}
  treated:
    {label: Treated, set: {radiotherapy: [{lesion: neck, start: 2021-07-06, fractions: 2, volumes: {mass: {dose_per_fraction_gy: 3}}}]}}
steps:
  - title: Only step
    text: "{treated.clonogens@3 / untreated.clonogens@3 | %} are left."
    holds: [treated.clonogens@3 < untreated.clonogens@3]
    shows: {label: both, arms: [untreated, treated]}
    question: {asks: More or fewer?, answer: Fewer., choices: [{says: more}, {says: fewer, is_right: true}]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tiny.yaml").write_text(UNTREATED)
    (tmp_path / "lesson.yaml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_every_lesson_can_be_read_and_each_claims_something_in_every_step_but_the_last(name: str) -> None:
    lesson, scenarios, document, _ = read_lesson(Path(name))
    assert document.mistakes == [] and set(scenarios) == set(lesson.arms)
    assert all(step.holds for step in lesson.steps[:-1])
    assert sum(step.question is not None for step in lesson.steps) >= 3
    assert len(jobs_of(lesson, scenarios, Path("runs"))) == lesson.replicates * len(lesson.arms)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_and_claim_names_an_arm_of_its_lesson(name: str) -> None:
    lesson, _, _, path = read_lesson(Path(name))
    terms = TERM.findall(path.read_text(encoding="utf-8"))
    assert len(terms) > 15 and {arm for arm, _, _ in terms} <= set(lesson.arms)
    assert all(TERM.search(found[1]) for step in lesson.steps for found in FILLED.finditer(step.text))


def test_every_lesson_has_a_teachers_page() -> None:
    docs = Path(__file__).parents[2] / "docs"
    text = (docs / "lessons.md").read_text(encoding="utf-8")
    assert {path.stem for path in lesson_folder().glob("*.yaml")} - {"mass", "mass_daily"} == set(NAMES)
    assert all(re.search(rf"^## .*`{name}`", text, re.MULTILINE) for name in NAMES)


def test_a_lesson_becomes_one_page_and_its_runs_are_used_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lesson", "lesson.yaml", "-o", "lesson.html", "--engine", "serial"]) == 0
    page = (folder / "lesson.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    assert re.fullmatch(r"\d+ % are left\.", data["lesson"]["steps"][0]["text"])
    assert [arm["label"] for arm in data["arms"]] == ["No treatment", "Treated"]
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "lesson_runs").glob("*.h5")}
    assert main(["lesson", "lesson.yaml", "-o", "lesson.html"]) == 2
    assert main(["lesson", "lesson.yaml", "-o", "lesson.html", "--force"]) == 0
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "lesson_runs").glob("*.h5")} == before and len(before) == 2

    (folder / "lesson.yaml").write_text(TINY.replace("treated.clonogens@3 < untreated", "treated.clonogens@3 > untreated"))
    (folder / "lesson.html").unlink()
    capsys.readouterr()
    assert main(["lesson", "lesson.yaml", "-o", "lesson.html"]) == 2
    assert re.search(r"lesson\.yaml:11:13: steps\[0\]\.holds\[0\]: does not hold in these runs", capsys.readouterr().err)
    assert not (folder / "lesson.html").exists()


@pytest.mark.parametrize(("old", "new", "message"), [
    ("arms: [untreated, treated]}", "arms: [untreated, treatd]}",
     r"lesson\.yaml:12:\d+: steps\[0\]\.shows\.arms\[1\]: no arm is called 'treatd'.*treated"),
    ("is_right: true", "is_right: false", r"steps\[0\]\.question\.choices: one of them must be right"),
    ("set: {radio", "set: {rado", r"arms\.treated\.set\.radotherapy: .*unknown key.*radiotherapy"),
    ("title: Only", "titel: Only", r"steps\[0\]\.titel: unknown key.*title"),
    ("scenario: tiny", "scenario: tine", r"scenario: .*no such file"),
    ("dose_per_fraction_gy: 3", "dose_per_fraction_gy: 300", r"must be at most 30 Gy"),
])
def test_a_mistake_is_named_with_its_place(folder: Path, old: str, new: str, message: str) -> None:
    assert old in TINY
    (folder / "lesson.yaml").write_text(TINY.replace(old, new))
    with pytest.raises(UserError, match=message):
        read_lesson(Path("lesson.yaml"))


def test_an_unknown_lesson_is_refused_with_the_nearest(folder: Path) -> None:
    with pytest.raises(UserError, match=r"no such file or lesson.*low_dose"):
        read_lesson(Path("low_doze"))
