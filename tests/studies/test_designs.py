"""Designs beside grid and list: samples that fill a space, points of a table, and parts of a sweep for several machines."""

from pathlib import Path

import numpy as np
import pytest

from lesionlab.sim.cli import main
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.studies.sweep import Sweep, expand, shard_of
from tests.fake_simulation import SCENARIO, perform

SAMPLE = """\
scenario: patient.yaml
sample:
  method: {method}
  points: {points}
  seed: 3
  values:
    radiobiology.alpha_per_gy: {{low: 0.1, high: 0.4, is_log: true}}
    lesions.neck.section_cells: {{low: 500, high: 900}}
    pd_l1.baseline_share: {{kind: beta, concentration: 6, mean: 0.3, within: [0, 0.8], evidence: assumed, source: a test}}
"""


def spelt_out(folder: Path, design: str, **tables: str) -> Sweep:
    (folder / "patient.yaml").write_text(SCENARIO)
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "design.yaml").write_text(design)
    return expand(folder / "design.yaml", folder / "out")


def refusal(folder: Path, design: str, **tables: str) -> str:
    with pytest.raises(UserError) as caught:
        spelt_out(folder, design, **tables)
    return str(caught.value)


@pytest.mark.parametrize("method", ["latin_hypercube", "sobol"])
def test_a_sample_fills_every_range_evenly_and_is_the_same_each_time(method: str, tmp_path: Path) -> None:
    sweep = spelt_out(tmp_path, SAMPLE.format(method=method, points=16))
    alphas = np.array([run.point["radiobiology.alpha_per_gy"] for run in sweep.runs])
    # Both put one point into each sixteenth of a range; ranges are even in the logarithm here.
    strata = np.floor(16 * np.log(alphas / 0.1) / np.log(4.0)).astype(int)
    assert sorted(strata) == list(range(16))
    cells = [run.point["lesions.neck.section_cells"] for run in sweep.runs]
    assert all(isinstance(value, int) and 500 <= value <= 900 for value in cells)
    shares = [run.point["pd_l1.baseline_share"] for run in sweep.runs]
    assert max(shares) <= 0.8 and np.mean(shares) == pytest.approx(0.3, abs=0.05)
    again = spelt_out(tmp_path, SAMPLE.format(method=method, points=16))
    assert [run.job.run_id for run in again.runs] == [run.job.run_id for run in sweep.runs]
    other = spelt_out(tmp_path, SAMPLE.format(method=method, points=16).replace("seed: 3", "seed: 4"))
    assert not {run.job.run_id for run in other.runs} & {run.job.run_id for run in sweep.runs}


def test_a_longer_sobol_sequence_begins_with_the_shorter(tmp_path: Path) -> None:
    short, long = ([run.job.run_id for run in spelt_out(tmp_path, SAMPLE.format(method="sobol", points=points)).runs] for points in (8, 16))
    assert long[:8] == short and len(set(long)) == 16


def test_a_table_gives_points_and_combines_with_grid_sample_and_replicates(tmp_path: Path) -> None:
    design = SAMPLE.format(method="sobol", points=2) + "points: rows.csv\ngrid: {apoptosis.rate_per_d: [0.1, 0.2]}\nreplicates: 2\n"
    sweep = spelt_out(tmp_path, design, rows="cell_cycle.cycle_time_h,arm,seed\n30,fast,\n\n48,slow,9\n")
    fast, slow = ([run.point for run in sweep.runs if run.job.scenario.arm == arm] for arm in ("fast", "slow"))
    assert len(fast) == 1 * 2 * 2 * 2 and {point["apoptosis.rate_per_d"] for point in fast} == {0.1, 0.2}
    assert {point["cell_cycle.cycle_time_h"] for point in slow} == {48} and "radiobiology.alpha_per_gy" in slow[0]
    assert "seed" not in fast[0] and {run.job.scenario.seed for run in sweep.runs if run.job.scenario.arm == "slow"} == {9}
    said = refusal(tmp_path, design, rows="arm,apoptosis.rate_per_d\nfast,0.3\n")
    assert "two points of the design are the same run" in said


def test_mistakes_in_designs_have_their_place_and_a_way_out(tmp_path: Path) -> None:
    assert refusal(tmp_path, SAMPLE.format(method="sobol", points=12)).endswith(
        "design.yaml:4:11: sample.points: must be a power of 2 for a Sobol sequence: 8 or 16 (got 12)")
    said = refusal(tmp_path, SAMPLE.format(method="sobol", points=2).replace("alpha_per_gy", "alpha_per_g"))
    assert "design.yaml:7:5: sample.values.radiobiology.alpha_per_g: the scenario has no 'alpha_per_g' here" in said
    assert "did you mean 'alpha_per_gy'" in said
    said = refusal(tmp_path, SAMPLE.format(method="latin_hypercube", points=4).replace("high: 0.4", "high: 40"))
    assert "design.yaml:7:5: sample.values.radiobiology.alpha_per_gy: must lie between" in said
    said = refusal(tmp_path, SAMPLE.format(method="latin", points=4))
    assert "design.yaml:3:11: sample.method: must be" in said and "did you mean" in said
    said = refusal(tmp_path, SAMPLE.format(method="sobol", points=2).replace("low: 500, high: 900", "low: 900, high: 500"))
    assert "sample.values.lesions.neck.section_cells" in said and "must be above low" in said
    rows = "cell_cycle.cycle_time_h,apoptosi.rate_per_d\n30,0.1\n3000,0.1\n"
    said = refusal(tmp_path, "scenario: patient.yaml\npoints: rows.csv\n", rows=rows)
    assert "rows.csv:2: apoptosi.rate_per_d: apoptosi: unknown key; did you mean 'apoptosis'?" in said
    assert "rows.csv:3: cell_cycle.cycle_time_h: must lie between" in said and len(said.splitlines()) == 2
    said = refusal(tmp_path, "scenario: patient.yaml\npoints: rows.csv\n", rows="a,b\n1\n")
    assert "rows.csv:2: has 1 cells under a heading of 2" in said
    assert "none.csv: cannot be read" in refusal(tmp_path, "scenario: patient.yaml\npoints: none.csv\n")


def test_the_parts_of_a_sweep_share_no_run_and_are_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                           capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str] = []
    monkeypatch.setattr("lesionlab.sim.runs.engines.perform", lambda job, tell: (asked.append(job.run_id), perform(job, tell)))
    sweep = spelt_out(tmp_path, "scenario: patient.yaml\ngrid: {apoptosis.rate_per_d: [0.1, 0.2, 0.3]}\nreplicates: 2\n")
    parts = [[run.job.run_id for run in shard_of(sweep, f"{number}/4").runs] for number in range(1, 5)]
    assert [len(part) for part in parts] == [2, 2, 1, 1]
    assert sorted(name for part in parts for name in part) == sorted(run.job.run_id for run in sweep.runs)
    command = ["sweep", "run", str(tmp_path / "design.yaml"), "-o", str(tmp_path / "out"), "--engine", "serial"]
    for number in (3, 1, 2, 4):
        assert main([*command, "--shard", f"{number}/4"]) == 0
        assert not (tmp_path / "out/index.csv").exists()
    assert sorted(asked) == sorted(name for part in parts for name in part)
    assert "the same command without --shard" in capsys.readouterr().out
    assert main(command) == 0 and len(asked) == 6 and (tmp_path / "out/outcomes.csv").exists()
    for wrong in ("0/4", "5/4", "1", "1/4/2"):
        assert main([*command, "--shard", wrong]) == 2
