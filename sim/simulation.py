"""One arm from the first state to its record."""

import json
import platform
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sim.measures import MEASURES, measure
from sim.model import TumourModel
from sim.processes.pharmacokinetics import level_unit
from sim.provenance import model_version
from sim.record import DrugHeader, Header, LesionHeader, RecordWriter, Series, hash_arrays
from sim.scenario import Scenario
from sim.state import SITE_UM, Tissue

COMMIT_EVERY_D = 30.0
PROGRESS_EVERY_D = 1.0
QUICK_CELLS = 5000
_RECORDED_WITH = ("numpy", "numba", "scipy", "mesa", "h5py")


def quick(scenario: Scenario) -> Scenario:
    """Return the scenario with sections of at most 5000 cells: for a look, not for a result."""
    lesions = {name: lesion.model_copy(update={"section_cells": min(lesion.section_cells, QUICK_CELLS)})
               for name, lesion in scenario.lesions.items()}
    return scenario.model_copy(update={"lesions": lesions})


def simulate(scenario: Scenario, path: Path | str, *, replicate: int = 0, until_d: float | None = None, is_quick: bool = False,
             is_forced: bool = False, on_progress: Callable[[float, float], None] | None = None) -> dict[str, Any]:
    """Run one arm and write its record.

    Args:
        path: the record; an existing one is replaced only if `is_forced`.
        until_d: days after which to stop; None for the scenario's end.
        is_quick: small sections; the record says so.
        on_progress: called with (days done, days in all) about once a simulated day.

    Returns: path, status, arm, replicate, end_reason, days and state_sha256.

    Raises:
        UserError: the record exists or cannot be written.
    """
    chosen = quick(scenario) if is_quick else scenario
    with RecordWriter(path, _header(chosen, replicate, is_quick), is_forced) as writer:
        model = TumourModel(chosen, replicate, until_d, COMMIT_EVERY_D)
        digest = _run(model, writer, on_progress or (lambda *_: None))
        writer.finish(model.end_reason)
    return {"path": str(path), "status": "complete", "arm": chosen.arm, "replicate": replicate, "end_reason": model.end_reason,
            "days": model.time_d, "state_sha256": digest}


def _run(model: TumourModel, writer: RecordWriter, on_progress: Callable[[float, float], None]) -> str:
    """Step to the end; write rows, events, snapshots and commits on their days; return the hash of the last state."""
    output = model.arm.output
    noted, last_row_d = 0, model.time_d
    _write_row(model, writer)
    _write_snapshots(model, writer)
    _commit(model, writer)
    while model.running:
        model.step()
        clock, is_last = model.clock, not model.running
        for event in model.events[noted:]:
            writer.event(*event)
        noted = len(model.events)
        if (clock.is_due(output.scalars_every_h) or is_last) and model.time_d > last_row_d:
            _write_row(model, writer)
            last_row_d = model.time_d
        if clock.is_due(24.0 * output.snapshots_every_d) or is_last:
            _write_snapshots(model, writer)
        if clock.is_due(24.0 * PROGRESS_EVERY_D):
            on_progress(model.time_d, model.days)
        if clock.is_due(24.0 * COMMIT_EVERY_D) and not is_last:
            _commit(model, writer)
    on_progress(model.days, model.days)
    return _commit(model, writer)


def _commit(model: TumourModel, writer: RecordWriter) -> str:
    arrays = model.state.arrays() | {"clock.step": np.array(model.clock.step)}
    digest = hash_arrays(arrays)
    writer.commit(arrays, digest, model.time_d)
    return digest


def _write_row(model: TumourModel, writer: RecordWriter) -> None:
    writer.append(model.time_d, measure(model.state))


def _write_snapshots(model: TumourModel, writer: RecordWriter) -> None:
    for tissue in model.state.tissues:
        writer.snapshot(tissue.name, model.time_d, cell_state=tissue.state, oxygen=tissue.oxygen,
                        t_cells=tissue.t_count, vessels=_vessel_codes(tissue), scale=tissue.scale)


def _vessel_codes(tissue: Tissue) -> np.ndarray:
    """Return uint8: 0 no vessel, 1 not perfused, 2 perfused."""
    return tissue.vessel + (tissue.perfusion > 0.0)


def _header(scenario: Scenario, replicate: int, is_quick: bool) -> Header:
    """Return what is known before the first step."""
    provenance = {"python": platform.python_version(), "platform": platform.platform(), **{name: version(name) for name in _RECORDED_WITH}}
    attributes = {
        "arm": scenario.arm, "title": scenario.title or "", "seed": scenario.seed, "patient": scenario.patient, "replicate": replicate,
        "is_quick": int(is_quick), "start_date": scenario.start.isoformat(), "end_date": scenario.end.isoformat(),
        "code_version": model_version(), "provenance": json.dumps(provenance),
        "detection_limit_cm": scenario.parameters("clinic").detection_limit_cm}
    lesions = tuple(LesionHeader(name, lesion.role, lesion.nodal, lesion.is_occult, lesion.size_cm[0], shape, SITE_UM)
                    for (name, lesion), shape in zip(scenario.lesions.items(), _shapes(scenario), strict=True))
    drugs = tuple(DrugHeader(name, drug.drug_class, level_unit(drug.pharmacokinetics)) for name, drug in scenario.drugs.items())
    dimensions = {"": ("time",), "lesion": ("time", "lesion"), "drug": ("time", "drug")}
    series = tuple(Series(m.name, m.unit, m.long_name, dimensions[m.dimension]) for m in MEASURES)
    return Header(attributes, scenario.resolved_yaml(), lesions, drugs, series)


def _shapes(scenario: Scenario) -> list[tuple[int, int, int]]:
    """Return the shape of every lesion's section."""
    margin = scenario.parameters("tissue").margin_sites
    return [lesion.section.shape(margin) for lesion in scenario.lesions.values()]


_WARM_UP = """
schema: 1
arm: warm_up
start: 2021-07-05
end: 2021-07-08
burn_in_d: 1
lesions: {tiny: {size_cm: [4, 4], measured: 2021-07-05, section_cells: 500}}
radiotherapy: [{lesion: tiny, start: 2021-07-05, fractions: 2, volumes: {core: {dose_per_fraction_gy: 4}, mass: {dose_per_fraction_gy: 3}}}]
drugs:
  toripalimab: {class: anti_pd1, dose_mg: 240, start: 2021-07-05, interval_d: 21, until: 2021-07-08}
  anlotinib: {class: vegfr_tki, dose_mg: 12, start: 2021-07-05, interval_d: 1, until: 2021-07-08}
"""


def warm_kernels() -> None:
    """Compile every kernel by a tiny run, so that workers find the cache warm and do not race to fill it."""
    from sim.scenario_file import scenario_from_text

    with tempfile.TemporaryDirectory() as folder:
        simulate(scenario_from_text(_WARM_UP), Path(folder) / "warm_up.h5", until_d=2.0)
