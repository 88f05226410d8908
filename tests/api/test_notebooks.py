"""The notebooks of the documentation: every code cell runs, at smallest size, and leaves what the text says.

The first and the third run the model; the two with many runs have a made-up engine in its place.
"""

import re
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib import pyplot

from tests.fake_simulation import perform

FOLDER = Path(__file__).resolve().parents[2] / "docs/notebooks"
CELL = re.compile(r"^```\{code-cell\} python\n(?P<options>(?::[^\n]*\n)*)(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
SHORT: dict[str, Any] = {"start": "2024-01-01", "burn_in_d": 1, "output": {"snapshots_every_d": 1}}
SMALL_NECK = {**SHORT, "lesions": {"neck": {"section_cells": 500}}}
SMALL_PATIENT = {**SHORT, "start": "2024-03-04", "lesions": {name: {"section_cells": 500} for name in ("lung", "adrenal")}}
SMALLEST: dict[str, dict[str, Any]] = {
    "1_first_run": {"changes": SMALL_NECK, "until": 2},
    "2_arms": {"until": 90, "replicates": 2, "day": 60},
    "3_another_patient": {"changes": SMALL_PATIENT, "until": 2},
    "4_sweep": {"until": 90, "cycle_times_h": [24, 36], "alphas_per_gy": [0.2], "replicates": 1},
}
"""What the cell tagged `parameters` is overridden with."""


def cells(text: str) -> list[tuple[str, str]]:
    """Return the options and the code of each cell."""
    return [(found["options"], found["code"]) for found in CELL.finditer(text)]


def run_notebook(name: str, sizes: dict[str, Any]) -> dict[str, Any]:
    """Execute the cells of a notebook in their order; after the one of parameters, override them."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for options, code in cells((FOLDER / f"{name}.md").read_text(encoding="utf-8")):
        exec(compile(code, f"{name}.md", "exec"), names)
        if "parameters" in options:
            assert set(sizes) <= set(names), "a parameter that the notebook no longer has"
            names.update(sizes)
    return names


MADE_UP = {"2_arms", "4_sweep"}


@pytest.fixture
def own_figures(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Draw without a screen, on this process's cores, and close what was drawn."""
    matplotlib.use("agg")
    monkeypatch.setattr("lesionlab.sim.runs.machine.available_cores", lambda: (1, "a test"))
    yield
    pyplot.close("all")


def test_each_notebook_is_run_and_has_one_cell_of_parameters() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(SMALLEST)
    for name in SMALLEST:
        found = cells((FOLDER / f"{name}.md").read_text(encoding="utf-8"))
        assert len(found) > 5 and sum("parameters" in options for options, _ in found) == 1, name


@pytest.mark.usefixtures("own_figures")
@pytest.mark.parametrize("name", SMALLEST)
def test_a_notebook_runs_from_top_to_bottom(name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if name in MADE_UP:
        monkeypatch.setattr("lesionlab.sim.runs.engines.perform", perform)
    left = run_notebook(name, SMALLEST[name])
    said = capsys.readouterr().out
    assert pyplot.get_fignums() and all(figure.axes for figure in map(pyplot.figure, pyplot.get_fignums()))
    expected = {"1_first_run": ["did you mean 'cycle_time_h'", "'units': '1'"], "2_arms": [],
                "3_another_patient": ["EQD2", "these are this case's"],
                "4_sweep": ["must lie between", "within points"]}[name]
    assert all(words in said for words in expected)
    records = left["both"] if name == "1_first_run" else left["records"]
    assert len(records) == {"1_first_run": 2, "2_arms": 8, "3_another_patient": 4, "4_sweep": 2}[name]
    assert all(record.committed_d == SMALLEST[name]["until"] for record in records)


def test_a_cell_that_fails_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "FOLDER", tmp_path)
    (tmp_path / "bad.md").write_text("text\n\n```{code-cell} python\n:tags: [parameters]\nn = 1\n```\n\n"
                                     "```{code-cell} python\n1 / (n - 2)\n```\n")
    with pytest.raises(ZeroDivisionError):
        run_notebook("bad", {"n": 2})
