"""The Python door: every public name is documented and typed, costs nothing before it is used, and gives what the command line gives."""

import ast
import inspect
import pydoc
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

import lesionlab
from lesionlab.analysis.clinical.response import assess
from lesionlab.analysis.clinical.scans import read_scans
from lesionlab.analysis.records.export import tidy_rows
from lesionlab.sim.runs.lifecycle import simulate
from lesionlab.sim.scenario.load import scenario_from_text
from tests.fake_simulation import SCENARIO, perform
from tests.made_record import make_record
from tests.tiny_arm import TREATED

ARMS = ("untreated", "radiotherapy", "anti_pd1", "radiotherapy_anti_pd1")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[lesionlab.Record]:
    """Four made-up arms with four replicates each."""
    folder = tmp_path_factory.mktemp("arms") / "records"
    folder.mkdir()
    return [lesionlab.read(make_record(folder / f"{arm}_r{number}.h5", arm, replicate=number, every_d=60.0, snapshot_every_d=400.0))
            for arm in ARMS for number in range(4)]


@pytest.fixture
def tiny() -> lesionlab.Scenario:
    return lesionlab.Scenario.from_yaml(TREATED)


def test_every_public_name_is_documented_typed_and_seen_by_type_checkers() -> None:
    tree = ast.parse(Path(str(lesionlab.__file__)).read_text())
    checked = {alias.name for node in ast.walk(tree) if isinstance(node, ast.If) for line in node.body
               if isinstance(line, ast.ImportFrom) for alias in line.names}
    assert checked == set(lesionlab.__all__) == set(dir(lesionlab)) and list(lesionlab.__all__) == sorted(lesionlab.__all__)
    page = (Path(__file__).resolve().parents[2] / "docs/python.md").read_text(encoding="utf-8")
    for name in set(lesionlab.__all__) - {"__version__"}:
        assert f"`{name}" in page, name
        public = getattr(lesionlab, name)
        assert public.__doc__, name
        if inspect.isfunction(public):
            signature = inspect.signature(public)
            assert signature.return_annotation is not inspect.Signature.empty, name
            assert all(one.annotation is not inspect.Parameter.empty for one in signature.parameters.values()), name
            assert f"`{name}`" in str(lesionlab.__doc__), name
    with pytest.raises(AttributeError, match="lesionlab has no 'simulat'"):
        _ = lesionlab.simulat


def test_help_shows_each_name_with_its_words() -> None:
    shown = pydoc.plain(pydoc.render_doc(lesionlab))
    assert all(f"{name}(" in shown or f"class {name}" in shown for name in set(lesionlab.__all__) - {"__version__"})
    assert "Simulate one arm and return its record" in shown and "differences(self, arm" in shown


def test_the_import_alone_loads_no_numerical_package() -> None:
    code = "import sys, lesionlab; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"numpy", "pandas", "numba", "matplotlib", "h5py", "pydantic", "lesionlab.sim"} & set(loaded) == set()


def test_a_scenario_is_changed_into_another_and_stays_as_it_was(tiny: lesionlab.Scenario) -> None:
    slower = tiny.with_({"cell_cycle.cycle_time_h": 36}, arm="slower", cell_cycle={"failed_division_share": 0.1}, radiotherapy=None)
    assert (slower.arm, slower.parameter("cell_cycle.cycle_time_h"), slower.parameter("cell_cycle.failed_division_share")) == (
        "slower", 36.0, 0.1)
    assert slower.radiotherapy == () and set(slower.drugs) == {"toripalimab", "anlotinib"} and slower.with_(drugs={}).drugs == {}
    assert tiny.arm == "tiny" and tiny.radiotherapy and tiny.parameter("cell_cycle.cycle_time_h") != 36.0
    assert tiny.with_(lesions={"neck": {"size_cm": np.array([5.0, 3.0])}}).lesions["neck"].size_cm == (5.0, 3.0)
    assert lesionlab.Scenario.from_yaml(slower.to_yaml()) == slower != tiny
    assert [arm.arm for arm in tiny.arms("monotherapy")] == ["tiny", "untreated", "radiotherapy", "anti_pd1", "anlotinib"]
    assert tiny.arms("monotherapy")[1].with_(arm="nothing").drugs == {}
    assert "EQD2" in str(tiny) and repr(tiny) == "<Scenario tiny: neck; radiotherapy + toripalimab + anlotinib; 2021-07-05 to 2021-07-08>"


def test_mistakes_are_said_in_the_words_of_python(tiny: lesionlab.Scenario, tmp_path: Path) -> None:
    with pytest.raises(lesionlab.UserError, match=r"^cell_cycl\.x=1: cell_cycl: unknown key; did you mean 'cell_cycle'\?$"):
        tiny.with_(cell_cycl={"x": 1})
    with pytest.raises(lesionlab.UserError, match=r"^until 400: must lie after"):
        lesionlab.run(tiny, until=400)
    (tmp_path / "r.h5").touch()
    with pytest.raises(lesionlab.UserError, match=r"pass overwrite=True$"):
        lesionlab.run(tiny, tmp_path / "r.h5")
    with pytest.raises(lesionlab.UserError, match="did you mean 'teaching"):
        lesionlab.load_scenario("teachin")
    with pytest.raises(lesionlab.UserError, match="more than one arm is called tiny"):
        lesionlab.run_arms([tiny, tiny])


def test_runs_are_those_of_the_command_line_and_can_be_stopped_led_on_and_forked(tiny: lesionlab.Scenario, tmp_path: Path) -> None:
    days: list[tuple[float, float]] = []
    whole = lesionlab.run(tiny, progress=lambda day, of: days.append((day, of)))
    assert whole.state_sha256 == simulate(scenario_from_text(TREATED), tmp_path / "own.h5")["state_sha256"]
    assert days == [(0.0, 3.0), (1.0, 3.0), (2.0, 3.0), (3.0, 3.0)]
    part = lesionlab.run(tiny, tmp_path / "part.h5", until="2021-07-07", progress=False)
    assert part.committed_d == 2.0 and lesionlab.resume(part, until=3, progress=False).state_sha256 == whole.state_sha256
    stopped = lesionlab.fork(whole, tiny.with_(arm="stopped", drugs=None), at=0, until=1, progress=False)
    assert stopped.arm == "stopped" and stopped.committed_d == 1.0


def test_arms_are_run_once_and_used_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []
    monkeypatch.setattr("lesionlab.sim.runs.engines.perform", lambda job, tell: (asked.append(job.path.name), perform(job, tell)))
    patient = lesionlab.Scenario.from_yaml(SCENARIO)
    first = lesionlab.run_arms(patient, replicates=2, folder=tmp_path / "arms", engine="serial", progress=False)
    again = lesionlab.run_arms([patient], replicates=3, folder=tmp_path / "arms", engine="serial", progress=False)
    assert sorted(asked) == ["combined_r0.h5", "combined_r1.h5", "combined_r2.h5"] and [one.replicate for one in again] == [0, 1, 2]
    assert [one.path for one in lesionlab.read_folder(tmp_path / "arms")] == [one.path for one in again] and first[0].path == again[0].path
    with pytest.raises(lesionlab.UserError, match="holds another run of this name"):
        lesionlab.run_arms(patient.with_(seed=5), folder=tmp_path / "arms", engine="serial", progress=False)
    with pytest.raises(lesionlab.UserError, match=r"1 of 1 runs failed.*\ncombined r0: RuntimeError: the numbers went wrong"):
        lesionlab.run_arms(patient.with_(title="fails"), engine="serial", progress=False)


def test_a_sweep_computes_what_is_missing_and_returns_its_outcomes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []
    monkeypatch.setattr("lesionlab.sim.runs.engines.perform", lambda job, tell: (asked.append(job.path.name), perform(job, tell)))
    design = {"scenario": lesionlab.Scenario.from_yaml(SCENARIO), "grid": {"apoptosis.rate_per_d": [0.1, 0.2]}, "replicates": 2}
    table = lesionlab.run_sweep(design, tmp_path / "sweep", engine="serial", progress=False)
    assert table["apoptosis.rate_per_d"].tolist() == [0.1, 0.1, 0.2, 0.2] and len(asked) == 4
    more = lesionlab.run_sweep({**design, "replicates": 3}, tmp_path / "sweep", engine="serial", progress=False)
    assert len(more) == 6 == len(asked) and (tmp_path / "sweep/index.csv").exists()
    assert len(lesionlab.read_folder(tmp_path / "sweep")) == 6
    with pytest.raises(lesionlab.UserError, match=r"design\.yaml:2:.*unknown key"):
        lesionlab.run_sweep({**design, "grid": {"apoptosi.rate_per_d": [1]}}, tmp_path / "other")


def test_arrays_and_tables_hold_what_the_records_hold(records: list[lesionlab.Record]) -> None:
    arrays, first = lesionlab.to_xarray(records), records[0]
    assert arrays["longest_diameter_cm"].dims == ("run", "time", "lesion") and arrays.sizes["run"] == 16
    assert arrays["longest_diameter_cm"].attrs == {"units": "cm", "long_name": "longest diameter cm"}
    for number, record in enumerate(records):
        own = arrays["clonogens"][number].dropna("time", how="all")
        np.testing.assert_array_equal(own["time"], record.time_d)
        np.testing.assert_array_equal(own.sel(lesion="liver"), record.of_lesion("clonogens", "liver"))
    died = arrays["burden_cells"].isel(run=0)
    assert np.isnan(died[-1]) and np.isfinite(arrays["burden_cells"].isel(run=12)[-1])
    single = lesionlab.to_xarray(first, ["clonogens"])
    assert list(single) == ["clonogens"] and single["clonogens"].dims == ("time", "lesion") and single.attrs["arm"] == "untreated"
    assert str(single["date"][0].values)[:10] == "2021-07-06"
    tidy = lesionlab.to_pandas(records[:2])
    expected = pd.DataFrame([row for record in records[:2] for row in tidy_rows(record)])
    words = dict.fromkeys(("arm", "lesion", "quantity", "unit"), object)
    pd.testing.assert_frame_equal(tidy.astype(words), expected.astype(words))
    given = lesionlab.events(records[4])
    assert given.query("kind == 'fraction' and lesion == 'neck'")["value"].tolist() == [3.0] * 10
    pictures = lesionlab.snapshots(first, "neck")
    assert pictures["oxygen"].dims == ("snapshot_time", "z", "y", "x") and pictures["oxygen"].attrs["units"] == "mmHg"
    with pytest.raises(lesionlab.RecordError, match="no series clonogen;"):
        lesionlab.to_xarray(records, ["clonogen"])


def test_clinical_readings_are_those_of_the_report(records: list[lesionlab.Record]) -> None:
    read = lesionlab.assess(records[4:6], "strict")
    visits = assess(read_scans(records[4]), "strict")
    assert read[read["replicate"] == 0]["overall"].tolist() == [visit.overall for visit in visits]
    table = lesionlab.outcomes(records)
    assert table["arm"].tolist() == [record.arm for record in records] and table.attrs["units"]["nadir_sum_cm"] == "cm"
    assert table.query("arm == 'untreated'")["is_alive_at_end"].sum() == 0.0


def test_every_pair_of_arms_is_compared_with_an_interval(records: list[lesionlab.Record]) -> None:
    found = lesionlab.compare(records, day=60)
    pairs = found.differences()
    assert len(pairs) == 6 * 5 and found.arms == ARMS
    one, other = (found.differences(*names).query("quantity == 'death'").iloc[0] for names in (ARMS[:2], ARMS[1::-1]))
    assert one["mean"] == -other["mean"] != 0.0 and one["n"] == 4 and one["low"] == pytest.approx(-other["high"])
    assert set(found.differences(reference="untreated")["arm"]) == set(ARMS[1:])
    assert {"bliss", "hsa", "interaction"} == set(found.synergy(60)["kind"]) and set(found.synergy(60)["time_d"]) == {60.0}
    assert found.survival().query("event == 'death' and arm == 'untreated'")["n_events"].item() == 4
    assert "untreated" in str(found).lower() and repr(found).startswith("<Comparison: untreated (n = 4), ")
    assert 0.0 <= found.log_rank("death", "untreated", "radiotherapy") <= 1.0
    assert lesionlab.compare(records[:8]).synergy().empty
    with pytest.raises(lesionlab.UserError, match="untreate: no such arm; did you mean 'untreated'"):
        found.differences("untreate")


def test_figures_are_drawn_on_axes_of_ones_own_and_leave_settings_alone(records: list[lesionlab.Record], tmp_path: Path) -> None:
    before, figure = dict(rcParams), Figure(figsize=(12, 8))
    axes = figure.subplots(3, 3).ravel()
    comparison = lesionlab.compare(records)
    lesionlab.draw_series(axes[0], records, "t_cells_per_mm2", "neck")
    assert [line.get_label() for line in axes[0].lines if line.get_label() in ("Untreated", "Radiotherapy alone")]
    assert axes[0].get_ylabel().endswith("(mm-2)")
    lesionlab.draw_calendar(axes[1], records)
    image = lesionlab.draw_section(axes[2], records[0], "neck", layer="oxygen")
    assert image.get_clim() == (0.0, 40.0)
    lesionlab.draw_section(axes[3], records[0])
    assert "tumour, proliferating" in [text.get_text() for text in axes[3].get_legend().get_texts()]
    lesionlab.draw_survival(axes[4], comparison, "death")
    lesionlab.draw_differences(axes[5], comparison, "death", "radiotherapy")
    assert axes[5].get_xlabel() == "difference from radiotherapy alone (d)" and len(axes[5].get_yticks()) == 3
    lesionlab.draw_synergy(axes[6], comparison)
    lesionlab.draw_deaths(axes[7], records, "neck")
    table = pd.DataFrame({"run": list("abcd"), "arm": "case", "replicate": 0, "rate": [1, 1, 2, 2], "time": [3, 4, 3, 4],
                          "nadir_change": [0.1, 0.2, 0.3, 0.4]})
    lesionlab.draw_sweep(axes[8], table, "nadir_change", "rate", "time")
    assert axes[8].images[0].get_array().tolist() == [[0.1, 0.3], [0.2, 0.4]]
    assert lesionlab.save(figure, tmp_path / "mine.png").stat().st_size > 10_000
    with pytest.raises(lesionlab.RecordError, match="pass overwrite=True"):
        lesionlab.save(figure, tmp_path / "mine.png")
    with pytest.raises(lesionlab.RecordError, match="no series t_cell_per_mm2; did you mean"):
        lesionlab.draw_series(axes[0], records, "t_cell_per_mm2")
    with pytest.raises(lesionlab.UserError, match="no factorial"):
        lesionlab.draw_synergy(axes[6], lesionlab.compare(records[:4]))
    assert dict(rcParams) == before
    assert lesionlab.animate(records, tmp_path / "arms.gif", frames=2).read_bytes()[:3] == b"GIF"
