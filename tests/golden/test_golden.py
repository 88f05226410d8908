"""Golden runs: a tiny treated arm gives what it gave, integers equal and floats within 1e-6.

A file keeps the scenario with every parameter filled in, so a new default changes nothing here; a new rule does.
`tiny.json` is as version 0.1.0 gave it, with every coupling that came later turned off: off means as before. It is not renewed.
`pytest tests/golden --renew-golden` writes the other anew; say in the changelog why the numbers changed.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lesionlab.sim.measures.series import measure
from lesionlab.sim.model import TumourModel
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.state.codes import CellState
from tests.tiny_arm import TREATED

GOLDEN = Path(__file__).with_name("tiny.json")
COUPLED = Path(__file__).with_name("coupled.json")
TKI_ACTS = ("cell_cycle.tki_inhibition_per_uM=30", "drugs.anlotinib.pharmacokinetics.molar_mass_g_per_mol=407.4")
COUPLED_SINCE = ("vegf_independent_vessels", "vegf_to_t_cells", "size_to_perfusion", "depth_to_vessels", "tki_to_division")
Row = dict[str, Any]


def row_of(model: TumourModel) -> Row:
    """Return one day's measures and checksums of arrays; whole numbers as int."""
    tissue = model.state.tissues[0]
    t = tissue.t_cells
    places = np.arange(tissue.state.size)
    whole = {
        "states": np.bincount(tissue.state.reshape(-1), minlength=len(CellState)).tolist(),
        "state_places": int((tissue.state.reshape(-1).astype(np.int64) * places).sum()),
        "pd_l1_places": int((tissue.pd_l1.reshape(-1) * places).sum()), "vessel_places": int((tissue.vessel.reshape(-1) * places).sum()),
        "t_cells": [t.n, t.next_id, int(t.site[: t.n].sum()), int(t.kills[: t.n].sum()), int(t.is_exhausted[: t.n].sum())],
        "hits": int(tissue.hits.sum()), "events": len(model.events),
    }
    parts = {name: np.atleast_1d(values).tolist() for name, values in measure(model.state).items()}
    sums = {f"sum_{name}": float(getattr(tissue, name).sum(dtype=np.float64))
            for name in ("oxygen", "vegf", "chemoattractant", "ifn_gamma", "maturity")}
    return {"time_d": model.time_d, "whole": whole, "floats": parts | {name: [value] for name, value in sums.items()}}


def run(scenario_yaml: str, switched_off: tuple[str, ...] = (), *changed: str) -> list[Row]:
    """Return the rows of every day of the run, without some couplings and with some values changed."""
    overrides = [f"mechanisms.{name}=false" for name in switched_off] + list(changed)
    model = TumourModel(scenario_from_text(scenario_yaml, overrides=overrides))
    rows = [row_of(model)]
    while model.running:
        model.step()
        if model.clock.is_due(24.0):
            rows.append(row_of(model))
    return rows


def differences(now: list[Row], kept: list[Row]) -> list[str]:
    """Return what differs: integers at all, floats by more than 1e-6 of their value."""
    found = []
    for today, then in zip(now, kept, strict=True):
        found += [f"day {then['time_d']:g}: {name}: {today['whole'][name]} was {value}" for name, value in then["whole"].items()
                  if today["whole"][name] != value]
        found += [f"day {then['time_d']:g}: {name}: {today['floats'][name]} was {values}" for name, values in then["floats"].items()
                  if not np.allclose(today["floats"][name], values, rtol=1e-6, atol=0.0, equal_nan=True)]
    return found


def test_without_the_couplings_that_came_later_the_tiny_run_gives_what_version_0_1_0_gave() -> None:
    kept = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert differences(run(kept["scenario"], COUPLED_SINCE), kept["rows"]) == []


def test_with_every_coupling_the_tiny_run_gives_what_it_gave(renew_golden: bool) -> None:
    if renew_golden:
        text = scenario_from_text(TREATED).resolved_yaml()
        COUPLED.write_text(json.dumps({"scenario": text, "rows": run(text)}, indent=1) + "\n", encoding="utf-8")
        pytest.skip("written anew")
    kept = json.loads(COUPLED.read_text(encoding="utf-8"))
    assert differences(run(kept["scenario"]), kept["rows"]) == []


@pytest.mark.parametrize("name", COUPLED_SINCE)
def test_each_coupling_that_came_later_changes_the_tiny_run(name: str) -> None:
    """The control of the first test: none of them idles there. The kept scenario states no molar mass, and the direct effect on division is
    too small to see in three days."""
    kept = json.loads(GOLDEN.read_text(encoding="utf-8"))
    others = tuple(other for other in COUPLED_SINCE if other != name)
    assert differences(run(kept["scenario"], others, *TKI_ACTS), kept["rows"]) != []


def test_a_difference_would_be_seen() -> None:
    rows = json.loads(GOLDEN.read_text(encoding="utf-8"))["rows"]
    changed = json.loads(GOLDEN.read_text(encoding="utf-8"))["rows"]
    changed[1]["whole"]["hits"] += 1
    changed[2]["floats"]["burden_cells"][0] *= 1.00001
    assert [line.split(":")[1] for line in differences(changed, rows)] == [" hits", " burden_cells"]
    assert differences(rows, rows) == []


@pytest.mark.parametrize("path", [GOLDEN, COUPLED], ids=lambda path: path.stem)
def test_the_golden_run_exercises_what_it_guards(path: Path) -> None:
    """T cells arrive, engage and hit, radiation dooms, drugs act; else the file would guard little."""
    last = json.loads(path.read_text(encoding="utf-8"))["rows"][-1]
    assert last["whole"]["t_cells"][0] > 10 and last["whole"]["states"][CellState.DOOMED] > 10
    assert last["floats"]["deaths_apoptosis"][0] > 0.0 and last["floats"]["vegfr_inhibition"][0] > 0.5
