"""Verbs lead on: lists of what there is, options that are guessed, and a comparison that goes on where it was stopped."""

from pathlib import Path

import pytest

from lesionlab.sim.cli import main
from lesionlab.sim.scenario.couplings import MECHANISMS
from tests.fake_simulation import SCENARIO, perform


def test_describe_lists_what_there_is_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    for asked, name, words in (("scenarios", "teaching", "one mass in a year"), ("mechanisms", "pd_1_to_killing", "helps T cells"),
                               ("scenario", "lesions.NAME.size_cm", "cm"), ("pd_1_to_killing", "pd_1_to_killing", "not held back by PD-1")):
        assert main(["describe", asked]) == 0
        line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{name} "))
        assert words in line
    assert {name for name, row in MECHANISMS.items() if row.without} == set(MECHANISMS)


def test_a_misspelt_option_is_guessed_and_a_strange_one_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "teaching", "-o", "out", "--replicate=2"]) == 2
    assert "did you mean '--replicates'?" in capsys.readouterr().err
    assert main(["compare", "teaching", "-o", "out", "--xyzzy"]) == 2
    assert "did you mean" not in capsys.readouterr().err


def test_a_stopped_comparison_goes_on_with_the_same_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                            capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("patient.yaml").write_text(SCENARIO)
    monkeypatch.setattr("lesionlab.sim.cli._attempts.drawings", lambda records: [])
    monkeypatch.setattr("lesionlab.sim.cli._attempts.findings_drawings", lambda *_: [])
    command = ["compare", "patient.yaml", "--replicates", "2", "-o", "out", "--no-animation", "--engine", "serial", "--set", "seed=11"]
    asked: list[int] = []

    def stopped(job: object, tell: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(job.scenario.seed)  # type: ignore[attr-defined]
        perform(job, tell)  # type: ignore[arg-type]

    monkeypatch.setattr("lesionlab.sim.runs.engines.perform", stopped)
    assert main(command) == 130 and asked == [11]
    monkeypatch.setattr("lesionlab.sim.runs.engines.perform", perform)
    assert main(command) == 0
    assert "1 of 2 runs are complete" in capsys.readouterr().err
    # A comparison that is done is not replaced unasked.
    assert main(command) == 2
