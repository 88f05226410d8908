"""`lesionlab new` writes a scenario that is whole, explains itself and names the next command."""

import re
from pathlib import Path

import pytest

from lesionlab.sim.cli import main
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.scenario.scenario import scenario_model


def test_new_writes_a_commented_scenario_that_passes_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                              capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "my lung.yaml"]) == 0
    assert capsys.readouterr().out == "my lung.yaml\nnext: lesionlab check 'my lung.yaml'\n"
    assert main(["check", "my lung.yaml"]) == 0
    scenario = load_scenario("my lung.yaml")
    assert scenario.arm == "my_lung" and scenario.radiotherapy and scenario.drugs and len(scenario.scans) > 1
    # The numbers that it shows as defaults are the defaults.
    for section in ("cell_cycle", "apoptosis", "radiobiology"):
        assert scenario.parameters(section) == load_scenario("teaching").parameters(section)


def test_what_it_shows_in_comments_is_valid_too(tmp_path: Path) -> None:
    assert main(["new", str(tmp_path / "all.yaml")]) == 0
    text = (tmp_path / "all.yaml").read_text()
    woken, n = re.subn(r"^( *)# (?=(nodal|t_cell_entry_factor|hours|anlotinib|output|mechanisms|seed):)", r"\1", text, flags=re.MULTILINE)
    assert n == 7
    (tmp_path / "all.yaml").write_text(woken)
    scenario = load_scenario(tmp_path / "all.yaml")
    assert scenario.lesions["primary"].nodal and set(scenario.drugs) == {"toripalimab", "anlotinib"}
    assert set(scenario.mechanisms) and set(re.findall(r"^(\w+):", woken, re.MULTILINE)) <= {"schema", *scenario_model().model_fields}


def test_new_replaces_nothing_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("keep this")
    assert main(["new", str(path)]) == 2 and path.read_text() == "keep this" and "add --force" in capsys.readouterr().err
    assert main(["new", str(path), "--force"]) == 0 and "schema: 1" in path.read_text()
    assert main(["new", str(tmp_path / "mine.txt")]) == 2
