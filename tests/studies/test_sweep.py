"""Sweeps: what a design file stands for, how a stopped sweep goes on, and the bundle of its records."""

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest

from lesionlab.sim.cli import main
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.bundle import Packed, pack
from lesionlab.sim.runs.job import Job
from lesionlab.sim.studies.sweep import expand, read_design
from tests.fake_simulation import SCENARIO, perform
from tests.made_record import make_record

DESIGN = """\
scenario: patient.yaml
grid:
  apoptosis.rate_per_d: [0.1, 0.2]
  lesions.neck.section_cells: [500, 600]
replicates: 2
"""


@pytest.fixture
def design(tmp_path: Path) -> Path:
    """A design file beside a small patient."""
    (tmp_path / "patient.yaml").write_text(SCENARIO)
    return write(tmp_path, DESIGN)


def write(folder: Path, text: str) -> Path:
    (folder / "patient.yaml").write_text(SCENARIO)
    (folder / "design.yaml").write_text(text)
    return folder / "design.yaml"


@pytest.fixture(autouse=True)
def fake_engine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put a made-up engine in the real one's place; the returned list notes the runs it was asked for."""
    asked: list[str] = []

    def noted(job: Job, tell: object) -> None:
        asked.append(job.path.name)
        perform(job, tell)

    monkeypatch.setattr("lesionlab.sim.runs.engines.perform", noted)
    monkeypatch.setattr("lesionlab.sim.cli._runs._forecast", lambda jobs, options: None)
    return asked


def test_the_grid_gives_every_combination_and_replicate(design: Path, tmp_path: Path) -> None:
    sweep = expand(design, tmp_path / "out")
    assert len(sweep.runs) == 8 == len({run.job.path for run in sweep.runs})
    assert sweep.varied == ("apoptosis.rate_per_d", "lesions.neck.section_cells")
    last = sweep.runs[-1]
    assert last.job.scenario.lesions["neck"].section_cells == 600 and last.job.replicate == 1
    assert last.job.path == tmp_path / "out" / "records" / f"{last.job.run_id}.h5"
    assert {run.status for run in sweep.runs} == {"missing"}


def test_entries_of_the_list_are_combined_with_the_grid_and_win_over_it(tmp_path: Path) -> None:
    text = "scenario: patient.yaml\ngrid: {seed: [1, 2]}\nlist: [{lesions.neck.section_cells: 700}, {seed: 3}]\n"
    with pytest.raises(UserError, match="two points of the design are the same run"):
        expand(write(tmp_path, text), tmp_path)
    text = "scenario: patient.yaml\ngrid: {seed: [1, 2]}\nlist: [{lesions.neck.section_cells: 700}, {}]\n"
    sweep = expand(write(tmp_path, text), tmp_path)
    assert [(run.job.scenario.seed, run.job.scenario.lesions["neck"].section_cells) for run in sweep.runs] == [
        (1, 700), (2, 700), (1, 500), (2, 500)]


def test_arms_are_made_at_every_point(tmp_path: Path) -> None:
    sweep = expand(write(tmp_path, "scenario: patient.yaml\narms: leave-one-out\ngrid: {seed: [1, 2]}\n"), tmp_path, until="30")
    assert len(sweep.runs) == 8
    assert {run.job.days for run in sweep.runs} == {30.0}


def test_an_arm_without_what_varies_is_run_once_and_has_no_value_of_it(tmp_path: Path) -> None:
    text = "scenario: case\narms: monotherapy\ngrid: {'radiotherapy[0].fractions': [8, 10], seed: [1, 2]}\n"
    sweep = expand(write(tmp_path, text), tmp_path)
    points = {arm: [dict(run.point) for run in sweep.runs if run.job.scenario.arm == arm] for arm in ("untreated", "radiotherapy")}
    assert points["untreated"] == [{"seed": 1}, {"seed": 2}]
    assert len(points["radiotherapy"]) == 4 and all(len(point) == 2 for point in points["radiotherapy"])
    assert len({run.job.path for run in sweep.runs}) == len(sweep.runs)


def test_a_run_has_the_same_name_whatever_the_rest_of_the_design(design: Path, tmp_path: Path) -> None:
    names = {run.job.run_id for run in expand(design, tmp_path).runs}
    one = write(tmp_path, "scenario: patient.yaml\nlist: [{apoptosis.rate_per_d: 0.2, lesions.neck.section_cells: 600}]\n")
    assert expand(one, tmp_path).runs[0].job.run_id in names
    assert expand(one, tmp_path, is_quick=True).runs[0].job.run_id not in names


@pytest.mark.parametrize(("text", "said"), [
    ("scenario: patient.yaml\ngrid: {apoptosis.rte_per_d: [1]}\n",
     "design.yaml:2:30: grid.apoptosis.rte_per_d[0]: unknown key; did you mean 'rate_per_d'?"),
    ("scenario: patient.yaml\ngrid:\n  lesions.neck.section_cells: [500, 3]\n",
     "design.yaml:3:37: grid.lesions.neck.section_cells[1]: must be"),
    ("scenario: patient.yaml\nlist:\n  - {seed: -1}\n", "design.yaml:3:12: list[0].seed: must be at least 0 (got -1)"),
    ("scenario: patient.yaml\ngrid: {seed: []}\n", "design.yaml:2:8: grid.seed: needs at least one value"),
    ("scenario: patient.yaml\nreplicate: 3\n", "design.yaml:2:1: replicate: unknown key; did you mean 'replicates'?"),
    ("scenario: patient.yaml\nreplicates: 0\n", "design.yaml:2:13: replicates: must be at least 1 (got 0)"),
    ("scenario: patint.yaml\n", "design.yaml:1:11: scenario:"),
    ("grid: {seed: [1]}\n", "design.yaml:1:1: scenario: must be given"),
    ("scenario: [\n", "design.yaml:2:1: not readable as YAML"),
])
def test_mistakes_are_shown_with_their_place(text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "plan", str(write(tmp_path, text)), "-o", str(tmp_path / "out")]) == 2
    seen = capsys.readouterr().err
    assert said in seen and "Traceback" not in seen
    assert not (tmp_path / "out").exists()


def test_a_missing_design_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        read_design(tmp_path / "none.yaml")


def test_a_sweep_is_planned_run_continued_and_packed(design: Path, tmp_path: Path, fake_engine: list[str],
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    common = [str(design), "-o", str(folder), "--engine", "serial"]
    assert main(["sweep", "plan", *common]) == 0
    assert capsys.readouterr().out.count("missing") == 8 and not folder.exists()
    assert main(["sweep", "run", *common]) == 0
    assert len(fake_engine) == 8
    next((folder / "records").glob("*.h5")).unlink()
    assert main(["sweep", "run", *common]) == 0
    assert len(fake_engine) == 9
    assert "7 complete already, 1 to compute" in capsys.readouterr().out
    assert main(["sweep", "status", *common]) == 0
    assert "8 of 8 complete, 0 failed, 0 missing" in capsys.readouterr().out
    with (folder / "index.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["status"] for row in rows} == {"complete"} and all((folder / row["record"]).exists() for row in rows)
    assert main(["sweep", "pack", *common]) == 0
    assert main(["sweep", "pack", *common]) == 2
    assert main(["sweep", "pack", *common, "--force"]) == 0
    with h5py.File(folder / "sweep.h5") as bundle:
        assert bundle["longest_diameter_cm"].shape[0] == 8
        assert sorted(bundle["point_apoptosis.rate_per_d"][:]) == [0.1] * 4 + [0.2] * 4


def test_failures_are_listed_and_the_rest_is_computed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    design = write(tmp_path, "scenario: patient.yaml\ngrid: {title: [works, fails]}\n")
    common = [str(design), "-o", str(tmp_path / "out"), "--engine", "serial"]
    assert main(["sweep", "run", *common]) == 1
    seen = capsys.readouterr()
    assert "1 of 2 runs failed" in seen.err and "the numbers went wrong" in seen.err and "1 computed" in seen.out
    assert "RuntimeError" in (tmp_path / "out" / "index.csv").read_text()
    assert main(["sweep", "pack", *common]) == 0
    assert "1 not complete and left out" in capsys.readouterr().out


def test_a_bundle_holds_nan_where_an_arm_had_ended(tmp_path: Path) -> None:
    runs = [Packed(arm, make_record(tmp_path / f"{arm}.h5", arm, every_d=30.0), {"arm": arm, "n": n})
            for n, arm in enumerate(("untreated", "combined"))]
    pack(runs, tmp_path / "bundle.h5")
    with h5py.File(tmp_path / "bundle.h5") as bundle, h5py.File(runs[0].path) as short, h5py.File(runs[1].path) as long:
        sizes, n_rows = bundle["longest_diameter_cm"][:], len(short["time"])
        assert n_rows < len(long["time"]) == len(bundle["time"])
        np.testing.assert_array_equal(sizes[0, :n_rows], short["longest_diameter_cm"][:])
        assert np.isnan(sizes[0, n_rows:]).all()
        np.testing.assert_array_equal(sizes[1], long["longest_diameter_cm"][:])
        assert np.isnan(bundle["drug_level"][0]).all() and np.isfinite(bundle["drug_level"][1]).all()
        assert bundle["point_n"][:].tolist() == [0, 1]
        assert [axis[0].name for axis in bundle["longest_diameter_cm"].dims] == ["/run", "/time", "/lesion"]


def test_a_bundle_opens_in_xarray(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    pack([Packed("a", make_record(tmp_path / "a.h5", "combined", every_d=60.0), {"seed": 1})], tmp_path / "bundle.h5")
    with xarray.open_dataset(tmp_path / "bundle.h5", engine="h5netcdf") as data:
        assert data["longest_diameter_cm"].dims == ("run", "time", "lesion")
        assert data["longest_diameter_cm"].attrs["units"] == "cm"


def test_rows_that_do_not_fit_are_refused_with_the_files_name(tmp_path: Path) -> None:
    runs = [Packed(str(every), make_record(tmp_path / f"{every:g}.h5", every_d=every), {}) for every in (30.0, 31.0)]
    with pytest.raises(UserError, match=r"3[01]\.h5: its rows are spaced otherwise"):
        pack(runs, tmp_path / "bundle.h5")
    assert not (tmp_path / "bundle.h5").exists()
    with pytest.raises(UserError, match="nothing to pack"):
        pack([], tmp_path / "bundle.h5")
