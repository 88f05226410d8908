"""The verb calibrate: a tiny patient fitted, gone on with, its file run and compared; every mistake one message."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lesionlab.sim.cli import main
from lesionlab.sim.scenario.load import load_scenario
from lesionlab.sim.studies.calibration import Best

ROOT = Path(__file__).resolve().parents[2]
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
def test_a_tiny_patient_is_fitted_gone_on_with_and_its_file_is_a_scenario(folder: Path, monkeypatch: pytest.MonkeyPatch,
                                                                           capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("lesionlab.sim.cli._attempts.drawings", lambda records: [])
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


@pytest.mark.slow
def test_of_two_calibrations_in_one_folder_the_second_says_so_and_the_first_loses_nothing(folder: Path,
                                                                                      capsys: pytest.CaptureFixture[str]) -> None:
    """Before, both wrote into one journal, and the second took the trials that the first had running for those of a dead process."""
    command = [sys.executable, str(ROOT / "run.py"), *CALIBRATE]
    first = subprocess.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
                             stdout=subprocess.DEVNULL)
    while not (folder / "results/calibrate_fitted/study.journal").exists() and first.poll() is None:
        time.sleep(0.05)
    assert main(CALIBRATE) == 2
    assert capsys.readouterr().err == ("error: results/calibrate_fitted: another run of LesionLab writes there just now; wait for it, or "
                                       "choose another folder\n")
    assert first.poll() is None and not Path("fitted.yaml").exists()
    said = first.communicate()[1]
    assert first.returncode == 0, said
    found = load_scenario("fitted.yaml").calibration
    assert found is not None and found.trials == 2 and "failed" not in said
    assert not any("writing" in name or "lesionlab-run" in name for name in (*os.listdir(), *os.listdir("results/calibrate_fitted")))


@pytest.mark.parametrize("is_forced", [False, True])
def test_a_file_that_another_calibration_wrote_meanwhile_is_replaced_by_force_only(
        folder: Path, monkeypatch: pytest.MonkeyPatch, is_forced: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Two in different folders, with different journals, may name one file."""
    from lesionlab.sim.studies.calibration import free_parameters

    class Finished:
        def __init__(self, *_: Any) -> None:
            self.trials = 0

        def run(self, *_: Any) -> Best:
            Path("fitted.yaml").write_text("the other's")
            return Best({parameter.path: parameter.start for parameter in free_parameters(load_scenario("tiny.yaml"))}, {"early": 1.0}, 1)

    monkeypatch.setattr("lesionlab.sim.cli.calibrate.Study", Finished)
    assert main([*CALIBRATE, *["--force"] * is_forced]) == (0 if is_forced else 2)
    message = "error: fitted.yaml: another program has written it meanwhile; choose another name or add --force"
    assert (capsys.readouterr().err.splitlines()[-1] == message) is not is_forced
    assert (Path("fitted.yaml").read_text() == "the other's") is not is_forced


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
