"""The verb calibrate: a tiny patient fitted, gone on with, its file run and compared; every mistake one message."""

from pathlib import Path

import pytest

from lesionlab.sim.cli import main
from lesionlab.sim.scenario.load import load_scenario

PATIENT = """
schema: 1
arm: tiny
start: 2021-07-05
end: 2021-07-25
seed: 7
burn_in_d: 1
lesions: {neck: {size_cm: [4, 3], measured: 2021-07-05, section_cells: 500}}
scans: [2021-07-05, 2021-07-08, 2021-07-25]
radiotherapy: [{lesion: neck, start: 2021-07-05, fractions: 2, volumes: {mass: {dose_per_fraction_gy: 3}}}]
reported:
  early: {arm: tiny, date: 2021-07-08, lesion: neck, quantity: longest_diameter_cm, value: 4, tolerance: 1, status: fitted}
  late: {arm: tiny, date: 2021-07-25, lesion: neck, quantity: longest_diameter_change_percent, value: -10, tolerance: 30, status: fitted}
  held: {arm: tiny, date: 2021-07-25, lesion: neck, quantity: control, value: 0.5, bound: at_least, status: predicted}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the patient's scenario, as the current one."""
    (tmp_path / "tiny.yaml").write_text(PATIENT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


CALIBRATE = ["calibrate", "tiny.yaml", "--to", "case", "--engine", "serial", "--workers", "1", "--budget", "0", "-o", "fitted.yaml"]


@pytest.mark.slow
def test_a_tiny_patient_is_fitted_gone_on_with_and_its_file_is_a_scenario(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(CALIBRATE) == 0
    printed = capsys.readouterr()
    assert "2 trials, least loss" in printed.err and "none of them is a prediction" in printed.out and "held" not in printed.out
    first = load_scenario("fitted.yaml").calibration
    assert first is not None and first.trials == 2 and set(first.losses) == {"early", "late"}
    assert main(CALIBRATE) == 2
    assert "fitted.yaml: exists already" in capsys.readouterr().err
    assert main([*CALIBRATE, "--force"]) == 0
    assert "going on with 2 trials" in capsys.readouterr().err
    second = load_scenario("fitted.yaml").calibration
    assert second is not None and second.trials == 4 and second.loss <= first.loss
    assert main(["check", "tiny.yaml", "fitted.yaml"]) == 0
    seen = capsys.readouterr().out
    assert "3 findings, 2 for fitting, 1 predicted; nothing is fitted yet" in seen and "fitted to the case on" in seen
    assert main(["compare", "fitted.yaml", "-o", "out", "--no-animation"]) == 0
    out = capsys.readouterr().out
    assert "The case against its report" in out and "values fitted to the case" in out and "predicted" in out
    assert {path.name for path in (folder / "out").iterdir()} >= {"case_table.csv", "summary.json", "report.html"}
    assert (folder / "out/figures/case.png").exists() and "The case against its report" in (folder / "out/report.html").read_text()


@pytest.mark.parametrize(("arguments", "message"), [
    (["--to", "cohort"], "--to cohort: is not built yet; known: case"),
    (["--to", "cas"], "--to cas: is no target; did you mean 'case'?"),
    (["--budget", "-1"], "--budget -1: must be minutes"),
    (["--replicates", "0"], "--replicates 0: at least one is needed"),
    (["--seed", "-3"], "--seed -3: must be a number"),
    (["--engine", "magic"], "--engine magic: the engines are"),
    (["-o", "fitted.h5"], "fitted.h5: must end in .yaml"),
    (["-o", "nowhere/fitted.yaml"], "there is no folder nowhere"),
    (["--until", "2020-01-01"], "--until 2020-01-01: must lie after the start"),
    (["--until", "2"], "all findings marked fitted are after day 2"),
])
def test_each_mistake_is_one_message_and_nothing_is_written(folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str],
                                                            message: str) -> None:
    assert main([*CALIBRATE, *arguments]) == 2
    printed = capsys.readouterr()
    assert message in printed.err and len(printed.err.splitlines()) == 1 and printed.out == ""
    assert [path.name for path in folder.iterdir()] == ["tiny.yaml"]


def test_a_scenario_without_findings_has_nothing_to_fit_to(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "teaching", "--to", "case"]) == 2
    assert "nothing to fit to: the scenario's block `reported` has no finding of the arm teaching" in capsys.readouterr().err
