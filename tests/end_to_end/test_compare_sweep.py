"""compare and sweep as a user meets them: what they write, print, refuse and use again; once with the true engine."""

import csv
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import pytest

from lesionlab.analysis.animation.animate import animate
from lesionlab.analysis.records.record import load
from lesionlab.sim.cli import _attempts, main
from lesionlab.sim.runs.job import Job
from tests.fake_simulation import SCENARIO, perform
from tests.made_record import make_record
from tests.resealed import resealed


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in a folder with a patient, a made-up engine in the real one's place; note the runs it is asked for."""
    noted: list[str] = []

    def engine(job: Job, tell: object) -> None:
        noted.append(job.path.name)
        perform(job, tell)

    monkeypatch.setattr("lesionlab.sim.runs.engines.perform", engine)
    monkeypatch.setattr("lesionlab.sim.cli._runs._forecast", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    Path("patient.yaml").write_text(SCENARIO)
    return noted


@pytest.fixture
def draw_only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Leave out the figures that a test is not about: each takes a second."""
    def chosen(make: Callable[..., list[Any]], stems: tuple[str, ...], *given: Any) -> list[Any]:
        return [drawing for drawing in make(*given) if drawing[0] in stems]

    def keep(*stems: str) -> None:
        for name in ("drawings", "findings_drawings"):
            monkeypatch.setattr(_attempts, name, partial(chosen, getattr(_attempts, name), stems))

    return keep


@pytest.fixture
def no_figures(draw_only: Callable[..., None]) -> None:
    draw_only()


def compare(*arguments: str) -> int:
    return main(["compare", *arguments, "--no-animation", "--engine", "serial"])


def test_compare_writes_all_it_promises(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "patient.yaml", "--arms", "monotherapy", "--quick", "--until", "100", "-o", "out", "--engine", "serial"]) == 0
    names = {"combined", "untreated", "radiotherapy", "anti_pd1", "anlotinib"}
    assert {path.name for path in Path("out/records").iterdir()} == {f"{name}_r0.h5" for name in names} == set(asked)
    written = {path.name for path in Path("out").iterdir()}
    assert written == {"records", "figures", "plan.json", "arms.csv", "scans.csv", "series.csv", "deaths.csv", "survival.csv",
                       "synergy.csv", "summary.json", "arms.gif", "arms.html", "report.html"}
    assert list(Path("out/figures").glob("*.png"))
    seen = json.loads(Path("out/summary.json").read_text())
    assert set(seen["arms"]) == names and seen["is_quick"]
    said = capsys.readouterr()
    assert all(name in said.out for name in names) and "QUICK" in said.out and "report.html" in said.out
    assert "5 of 5 runs ended" in said.err
    with Path("out/arms.csv").open() as file:
        assert {row["is_quick"] for row in csv.DictReader(file)} == {"1"}
    assert "Quick" in Path("out/report.html").read_text()


@pytest.mark.usefixtures("no_figures")
def test_complete_runs_are_used_again_and_only_with_force(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert compare("patient.yaml", "--replicates", "2", "-o", "out") == 0
    assert sorted(asked) == ["combined_r0.h5", "combined_r1.h5"]
    assert compare("patient.yaml", "-o", "out") == 2
    assert "add --force" in capsys.readouterr().err
    Path("out/mine.txt").write_text("keep this")
    assert compare("patient.yaml", "--replicates", "2", "-o", "out", "--force") == 0
    assert len(asked) == 2 and "2 of 2 runs are complete" in capsys.readouterr().err
    assert compare("patient.yaml", "--seed", "5", "-o", "out", "--force") == 0
    assert len(asked) == 3 and Path("out/mine.txt").read_text() == "keep this"


@pytest.mark.usefixtures("no_figures")
def test_force_removes_the_records_it_made_of_other_runs_and_nothing_else(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert compare("patient.yaml", "--arms", "monotherapy", "-o", "out") == 0
    made_by_hand = make_record("out/records/mine_r0.h5", "mine", every_d=60.0)
    copied = Path("out/records/anlotinib_r0.h5")
    make_record(copied, "anlotinib", every_d=60.0)
    with resealed(copied) as record:
        record.attrs["run_identity"] = "of another run"
    Path("out/figures").mkdir(exist_ok=True)
    Path("out/figures/mine.png").write_text("keep this")
    with resealed("out/records/radiotherapy_r0.h5") as record:
        del record.attrs["run_identity"]
        record.attrs["status"] = "interrupted"
    plan = json.loads(Path("out/plan.json").read_text())
    plan["records"].append({"record": "../patient.yaml", "run_identity": None})
    Path("out/plan.json").write_text(json.dumps(plan))
    assert compare("patient.yaml", "--arms", "leave-one-out", "-o", "out", "--force") == 0
    left = {path.name for path in Path("out/records").iterdir()}
    assert left == {"combined_r0.h5", "anti_pd1_anlotinib_r0.h5", "radiotherapy_anlotinib_r0.h5", "radiotherapy_anti_pd1_r0.h5",
                    made_by_hand.name, copied.name}
    said = capsys.readouterr().err
    assert "removed what an earlier comparison made" in said and "untreated_r0.h5" in said
    assert Path("patient.yaml").exists() and Path("out/figures/mine.png").exists()
    assert {entry["arm"] for entry in json.loads(Path("out/plan.json").read_text())["records"]} == set(
        json.loads(Path("out/summary.json").read_text())["arms"])


@pytest.mark.usefixtures("no_figures")
def test_records_that_are_compared_again_where_they_lie_are_not_removed(asked: list[str]) -> None:
    assert compare("patient.yaml", "--arms", "monotherapy", "-o", "out") == 0
    kept = sorted(map(str, Path("out/records").glob("a*.h5")))
    assert len(kept) == 2 and compare(*kept, "-o", "out", "--force") == 0
    assert sorted(map(str, Path("out/records").iterdir())) == kept


def test_force_leaves_no_figure_or_animation_of_the_comparison_before(asked: list[str], draw_only: Callable[..., None],
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    draw_only("diameter", "synergy")
    monkeypatch.setattr("lesionlab.sim.cli.compare.animate", partial(animate, frames=2))
    assert main(["compare", "patient.yaml", "--arms", "factorial", "-o", "out", "--engine", "serial"]) == 0
    assert {"arms.gif", "figures"} <= {path.name for path in Path("out").iterdir()} and Path("out/figures/synergy.png").exists()
    assert compare("patient.yaml", "-o", "out", "--force") == 0
    assert not Path("out/arms.gif").exists() and not Path("out/figures/synergy.png").exists() and Path("out/figures/diameter.png").exists()


def test_an_attribution_runs_walks_shares_kill_out_and_goes_on_where_it_was(asked: list[str], draw_only: Callable[..., None],
                                                                            capsys: pytest.CaptureFixture[str]) -> None:
    draw_only("attribution")
    command = ("patient.yaml", "--attribution", "--couplings", "memory,oxygen_effect", "--replicates", "2", "-o", "out")
    assert compare(*command, "--walks", "2") == 0
    said = capsys.readouterr()
    assert "runs to compute" in said.err and "oxygen effect" in said.out and "Shares on day 42" in said.out
    seen = json.loads(Path("out/summary.json").read_text())["attribution"]
    assert seen["n_walks"] == 2 and seen["day_d"] == 42
    assert set(seen["treatments"]["kill"]["shares"]) == {"radiotherapy", "anti_pd1", "anlotinib"}
    for outcome in ("kill", "synergy"):
        shares = seen["couplings"][outcome]
        total = shares["nothing"]["mean"] + sum(share["mean"] for share in shares["shares"].values())
        assert set(shares["shares"]) == {"memory", "oxygen_effect"} and total == pytest.approx(shares["whole"]["mean"])
    assert Path("out/figures/attribution.png").exists() and list(Path("out/records/attribution").glob("combined_r1_*.h5"))
    n_before = len(asked)
    assert compare(*command, "--walks", "4", "--force") == 0
    kept = capsys.readouterr().err
    assert 0 < len(asked) - n_before < n_before and "are complete" in kept
    assert json.loads(Path("out/summary.json").read_text())["attribution"]["couplings"]["kill"]["whole"]["n"] == 4


@pytest.mark.usefixtures("no_figures")
def test_courses_are_taken_away_one_by_one(asked: list[str]) -> None:
    assert compare("patient.yaml", "--arms", "leave-one-out", "--components", "courses", "-o", "out") == 0
    assert sorted(asked) == ["anti_pd1_anlotinib_r0.h5", "combined_r0.h5", "radiotherapy_neck_anlotinib_r0.h5",
                             "radiotherapy_neck_anti_pd1_r0.h5"]


@pytest.mark.usefixtures("no_figures")
def test_replicates_are_shown_as_medians_and_quantiles(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert compare("patient.yaml", "--replicates", "3", "-o", "out") == 0
    assert "Medians of up to 3 replicates" in capsys.readouterr().out and len(asked) == 3
    number = json.loads(Path("out/summary.json").read_text())["arms"]["combined"]["patient"]["nadir_sum_cm"]
    assert number["n"] == 3 and number["low"] <= number["median"] <= number["high"]


@pytest.mark.usefixtures("no_figures")
def test_records_are_compared_as_they_are(asked: list[str]) -> None:
    make_record("a.h5", "anlotinib", every_d=30.0)
    before = Path("a.h5").read_bytes()
    assert compare("a.h5", str(make_record("b.h5", "untreated", every_d=30.0)), "-o", "out") == 0
    assert asked == [] and Path("a.h5").read_bytes() == before and not Path("out/records").exists()


@pytest.mark.usefixtures("no_figures")
def test_a_failed_run_is_listed_and_the_others_are_compared(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken.yaml").write_text("extends: patient.yaml\ntitle: fails\n")
    assert compare("patient.yaml", "broken.yaml", "-o", "out") == 1
    said = capsys.readouterr()
    assert "1 of 2 runs failed" in said.err and "broken r0: RuntimeError: the numbers went wrong" in said.err
    assert set(json.loads(Path("out/summary.json").read_text())["arms"]) == {"combined"}
    assert compare("broken.yaml", "-o", "none") == 1 and len(asked) == 3


@pytest.mark.parametrize(("arguments", "said"), [
    (["patient.yaml", "patient.yaml", "-o", "out"], "more than one arm is called combined"),
    (["a.h5", "--quick", "--seed", "1", "-o", "out"], "--seed, --quick: for scenarios only"),
    (["patient.yaml", "--replicates", "0", "-o", "out"], "--replicates 0: at least one is needed"),
    (["patient.yaml", "--workers", "0", "-o", "out"], "--workers 0: at least one worker"),
    (["patient.yaml", "--until", "soon", "-o", "out"], "--until soon: must be a date"),
    (["patient.yaml", "--arms", "all", "-o", "out"], "invalid choice"),
    (["patient.yaml", "--seed", "-4", "-o", "out"], "seed: must be at least 0"),
    (["missing.yaml", "-o", "out"], "no such file"),
    (["missing.h5", "-o", "out"], "no such file"),
    (["patient.yaml", "-o", "patient.yaml"], "must be a folder"),
    (["patient.yaml", "a.h5", "-o", "out"], "a.h5: is a run of the arm combined too"),
    (["b.h5", "--day", "soon", "-o", "out"], "--day soon: must be a date"),
    (["patient.yaml"], "required"),
    (["other.yaml", "patient.yaml", "-o", "out"], "its lesions (neck, pelvis) are not those of other (neck)"),
    (["b.h5", "patient.yaml", "-o", "out"], "its lesions (neck, pelvis) are not those of b.h5 (neck, mediastinum, pelvis, liver)"),
    (["patient.yaml", "--attribution", "--arms", "monotherapy", "-o", "out"], "--arms factorial, not monotherapy"),
    (["patient.yaml", "--attribution", "--couplings", "memori", "-o", "out"], "did you mean 'memory'"),
    (["patient.yaml", "--attribution", "--walks", "0", "-o", "out"], "--walks 0: at least one"),
    (["patient.yaml", "other.yaml", "--attribution", "-o", "out"], "--attribution takes one scenario, not 2"),
    (["patient.yaml", "--walks", "3", "-o", "out"], "belong to --attribution"),
    (["patient.yaml", "--attribution", "--components", "courses", "-o", "out"], "leave out --components"),
    (["patient.yaml", "--components", "courses", "-o", "out"], "add --arms"),
    (["patient.yaml", "--day", "2030-01-01", "-o", "out"], "--day 2030-01-01: must lie after the start"),
    (["a.h5", "--attribution", "-o", "out"], "--attribution: for scenarios only"),
])
def test_mistakes_end_with_one_message_and_write_nothing(arguments: list[str], said: str, asked: list[str],
                                                         capsys: pytest.CaptureFixture[str]) -> None:
    make_record("a.h5", "combined", every_d=60.0)
    make_record("b.h5", "b", every_d=60.0)
    Path("other.yaml").write_text("extends: patient.yaml\nlesions: {pelvis: null}\n")
    assert compare(*arguments) == 2
    seen = capsys.readouterr()
    assert said in seen.err and seen.err.startswith("error: ") and "Traceback" not in seen.err and seen.out == ""
    assert not Path("out").exists() and asked == []


def test_an_unknown_engine_is_a_mistake(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "patient.yaml", "--engine", "cloud", "-o", "out"]) == 2
    assert "the engines are serial, local and tcp://HOST:PORT" in capsys.readouterr().err
    assert not Path("out").exists() and asked == []


TINY = """
schema: 1
arm: combined
start: 2021-07-05
end: 2021-07-12
burn_in_d: 1
lesions: {neck: {size_cm: [4, 4], measured: 2021-07-05, section_cells: 500}}
radiotherapy: [{lesion: neck, start: 2021-07-06, fractions: 2, volumes: {mass: {dose_per_fraction_gy: 3}}}]
drugs:
  anlotinib: {class: vegfr_tki, dose_mg: 12, start: 2021-07-06, interval_d: 1, until: 2021-07-12}
scans: [2021-07-05, 2021-07-09]
"""


@pytest.mark.slow
@pytest.mark.usefixtures("no_figures")
def test_the_true_engine_gives_the_same_states_on_workers_as_in_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(TINY)
    for engine, extra in (("local", ["--workers", "2"]), ("serial", [])):
        assert main(["compare", "tiny.yaml", "--arms", "monotherapy", "--until", "3", "--engine", engine, *extra,
                     "--no-animation", "-o", engine]) == 0
    hashes = [{path.name: load(path).attributes["state_sha256"] for path in sorted((tmp_path / engine / "records").iterdir())}
              for engine in ("local", "serial")]
    assert hashes[0] == hashes[1] and len(hashes[0]) == 4
    assert len(set(hashes[0].values())) == 4
    Path("design.yaml").write_text("scenario: tiny.yaml\ngrid: {apoptosis.rate_per_d: [0.05, 0.1]}\nreplicates: 2\n")
    for action in ("run", "status", "pack"):
        assert main(["sweep", action, "design.yaml", "-o", "sweep", "--engine", "local", "--until", "2"]) == 0
    with h5py.File("sweep/sweep.h5") as bundle:
        assert bundle["viable_cells"].shape[0] == 4 and os.environ.get("NUMBA_NUM_THREADS") is None
