"""What a scenario file or `--set` may hold: anything at all, and every mistake is one line with its place."""

import os
import time
from pathlib import Path

import pytest

from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.load import LARGEST_BYTES, load_scenario, scenario_from_text
from lesionlab.sim.scenario.yaml_document import MOST_VALUES
from tests.tiny_arm import TREATED

MISTAKES = {
    "<<: {seed: 1}": r"16:1: YAML 1\.2 has no merge keys",
    "? [a, b]\n: 1": r"16:3: a key must be a word",
    "? {a: 1}\n: 1": r"16:3: a key must be a word",
    '"[x]": 1': r"16:1: \[x\]: unknown key",
    '"<one>": x': r"16:1: <one>: unknown key",
    '"[key]": 1': r"16:1: \[key\]: unknown key",
    'title: !!int ""': r"16:8: title: '' is no int, as its tag says",
    "extra: !!bool": r"16:8: extra: '' is no bool, as its tag says",
    "title: !!float x": r"16:8: title: 'x' is no float, as its tag says",
    'title: "a\\0b"': r"16:8: title: holds the character U\+0000",
    'title: "\\ud800"': r"16:8: title: holds the character U\+D800",
    'title: "\\e[31m"': r"16:8: title: holds the character U\+001B",
    '"\\0": 1': r"16:1: a key holds the character U\+0000",
    "patient: 0x" + "f" * 6000: r"16:10: patient: is too large a number",
    "patient: 1e400": r"16:10: patient: must be a whole number \(got inf\)",
    "note: {2021-07-05: 1}": r"16:1: note: must be text",
    "note: &a [*a]": r"not readable as YAML: nested too deeply|found undefined alias",
    "title: *x": r"16:8: not readable as YAML: found undefined alias",
    "note: " + "[" * 3000: r"not readable as YAML",
    "t_cell_motion: {bias: {<x>: 1}}": r"16:1.*: t_cell_motion\.bias: must be a number",
}


@pytest.mark.parametrize("line", MISTAKES, ids=lambda line: line[:24])
def test_whatever_a_file_holds_is_shown_with_its_place(line: str) -> None:
    with pytest.raises(UserError, match=MISTAKES[line]) as caught:
        scenario_from_text(f"{TREATED}{line}\n")
    assert len(str(caught.value).splitlines()) == 1


def test_parts_of_a_path_that_look_like_marks_stay_in_it() -> None:
    text = TREATED.replace("toripalimab:", '"[key]":')
    with pytest.raises(UserError, match=r"drugs\.\[key\]: must be a name of lower-case letters"):
        scenario_from_text(text)
    with pytest.raises(UserError, match=r"lesions\.neck\.<size>: unknown key"):
        scenario_from_text(TREATED.replace("section_cells", '"<size>": 1, section_cells'))


def test_anchors_spelt_out_do_not_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]" for number in range(1, 10)]
    started = time.monotonic()
    with pytest.raises(UserError, match=f"more than {MOST_VALUES} values"):
        scenario_from_text("\n".join(lines))
    assert time.monotonic() - started < 20.0


@pytest.mark.parametrize(("named", "said"), [
    ('"a\\0b"', r"2:10: extends: holds the character U\+0000"), ('"\\ud800"', r"2:10: extends: holds the character U\+D800"),
    ("loop.yaml", "Too many levels of symbolic links"), ("pipe.yaml", "is no regular file"), ("/dev/zero", "is no regular file"),
    ("large.yaml", "is larger than 512 KiB"), (".", "is a folder"), ('""', "must name one file"), ("x" * 300, "File name too long"),
    ("self.yaml", "extends itself"), ("torn.yaml", "not a text file in UTF-8")])
def test_what_is_extended_must_be_a_file_of_ordinary_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, said: str) -> None:
    monkeypatch.chdir(tmp_path)
    os.symlink("loop.yaml", "loop.yaml")
    os.mkfifo("pipe.yaml")
    with open("large.yaml", "wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    Path("torn.yaml").write_bytes(b"\xff\xfe")
    Path("self.yaml").write_text(f"schema: 1\nextends: {named}\n")
    with pytest.raises(UserError, match=said):
        load_scenario("self.yaml")


@pytest.mark.parametrize("name", ["loop.yaml", "pipe.yaml", "/dev/zero", "large.yaml", "a\0b", "\udcff.yaml", "x" * 300, "."])
def test_what_is_named_must_be_such_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    os.symlink("loop.yaml", "loop.yaml")
    os.mkfifo("pipe.yaml")
    with open("large.yaml", "wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(UserError):
        load_scenario(name)


@pytest.mark.parametrize(("typed", "title"), [
    ("title=Trial #1: it is", "Trial #1: it is"), ("title=a: b", "a: b"), ("title=- a", "- a"), ("title=*x", "*x"),
    ('title="a # b"', "a # b"), ("title='it''s'", "it's"), ("title= spaced ", "spaced"), ("title=null", None), ("title=# x", "# x")])
def test_set_takes_a_text_as_it_stands(typed: str, title: str | None) -> None:
    assert scenario_from_text(f"{TREATED}title: before\n", overrides=[typed]).title == title


@pytest.mark.parametrize(("typed", "said"), [
    ("arm=a/b", r"arm: must be a name of letters, digits, _, \. and -, starting with a letter or a digit \(got 'a/b'\)"),
    ('title=!!float ""', "'' is no float"), ("radiotherapy[" + "9" * 5000 + "]=1", "must be path=value"),
    ("title=\udcff", r"holds the character U\+DCFF"), ("lesions.neck.size_cm=[1, 2", "not readable as YAML"),
    ("seed=0x" + "f" * 6000, "is too large a number"), ("seed=3 # three", "must be a whole number"), ("title.x=1", "is a single value"),
    ("radiotherapy[7]=1", "a list of 1"), ("=1", "must be path=value"), ("\u0663=1", "must be path=value")])
def test_set_tells_a_mistake_in_one_line(typed: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        scenario_from_text(f"{TREATED}title: before\n", overrides=[typed])
    assert len(str(caught.value).splitlines()) == 1
