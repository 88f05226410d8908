"""One arm from the first state to its record."""

import json
import platform
from collections.abc import Callable
from importlib.metadata import version
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from lesionlab.sim.measures.series import MEASURES, measure
from lesionlab.sim.model import TumourModel
from lesionlab.sim.parameters.version import model_version
from lesionlab.sim.processes.oxygen import whole_field
from lesionlab.sim.processes.pharmacokinetics import level_unit
from lesionlab.sim.record.files import temporary_folder, uninterrupted
from lesionlab.sim.record.reader import Past
from lesionlab.sim.record.schema import Attribute, Part
from lesionlab.sim.record.writer import DrugHeader, Header, LesionHeader, RecordWriter, Series, hash_arrays
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.state import SITE_UM, Tissue

COMMIT_EVERY_D, COMMIT_EVERY_S = 30.0, 60.0
COMMIT_SHARE, LARGEST_COMMIT_SHARE = 0.03, 0.1
"""Limits on the share of time spent on commits. Monthly commits are left out where they would exceed the first, all others
where they would exceed the second: a section of millions of cells takes longer than a minute to write."""
PROGRESS_EVERY_D = 1.0
QUICK_CELLS = 5000
OnProgress = Callable[[float, float], None]
_RECORDED_WITH = ("numpy", "numba", "scipy", "mesa", "h5py")


def quick(scenario: Scenario) -> Scenario:
    """Return the scenario with sections of at most 5000 cells: for a first look, not for a result."""
    lesions = {name: lesion.model_copy(update={"section_cells": min(lesion.section_cells, QUICK_CELLS)})
               for name, lesion in scenario.lesions.items()}
    return scenario.model_copy(update={"lesions": lesions})


def simulate(scenario: Scenario, path: Path | str, *, replicate: int = 0, until_d: float | None = None, is_quick: bool = False,
             is_forced: bool = False, on_progress: OnProgress | None = None) -> dict[str, Any]:
    """Run one arm and write its record.

    Args:
        path: the record; an existing one is replaced only if `is_forced`.
        until_d: days after which to stop; None for the scenario's end.
        is_quick: small sections; the record says so.
        on_progress: called with (days done, negative in the burn-in; days in all) about once a simulated day.

    Returns: path, status, arm, replicate, end_reason, days and state_sha256.

    Raises:
        UserError: the record exists or cannot be written.
    """
    chosen = quick(scenario) if is_quick else scenario
    with RecordWriter(path, describe_run(chosen, replicate, is_quick, until_d), is_forced) as writer:
        model = TumourModel(chosen, replicate, until_d, COMMIT_EVERY_D, on_burn_in=on_progress)
        return run_to_end(model, writer, on_progress)


def run_to_end(model: TumourModel, writer: RecordWriter, on_progress: OnProgress | None = None, past: Past | None = None) -> dict[str, Any]:
    """Step to the end; write rows, events, snapshots and commits when they are due; return what `simulate` returns.

    Args:
        past: what the writer takes over from an earlier record; without it the first row and pictures are written here.
    """
    noted, last_row_d, last_pictures_d = 0, model.time_d, model.time_d
    if past is None:
        _write_row(model, writer)
        _write_snapshots(model, writer)
    else:
        last_row_d, last_pictures_d = (model.time_d if has else -inf for has in (past.has_row, past.has_snapshots))
    pace = _Pace()
    pace.commit(model, writer, is_fork=past is not None and not past.is_same_run)
    # Ctrl-C lets the current step end, so that nothing of the run is lost; a second Ctrl-C stops at once.
    with uninterrupted(patience=1) as pressed:
        while model.running and not pressed:
            model.step()
            is_last = not model.running
            for event in model.events[noted:]:
                writer.event(*event)
            noted = len(model.events)
            if (has_row(model.arm, model.clock) or is_last) and model.time_d > last_row_d:
                _write_row(model, writer)
                last_row_d = model.time_d
            if (has_snapshots(model.arm, model.clock) or is_last) and model.time_d > last_pictures_d:
                _write_snapshots(model, writer)
                last_pictures_d = model.time_d
            if on_progress and model.clock.is_due(24.0 * PROGRESS_EVERY_D):
                on_progress(model.time_d, model.days)
            if not is_last and (is_kept(model.arm, model.clock) or pace.is_due(model.clock)):
                pace.commit(model, writer)
        if on_progress and not model.running:
            on_progress(model.days, model.days)
        # The last commit of a finished run completes its record, even after Ctrl-C.
        digest = _commit(model, writer)
    return {"path": str(writer.path), "status": "complete", "arm": model.arm.arm, "replicate": model.replicate,
            "end_reason": model.end_reason, "days": model.time_d, "state_sha256": digest}


class _Pace:
    """Decides when to commit: by the calendar where that is cheap, and always by the wall clock."""

    def __init__(self) -> None:
        self.ended_s, self.took_s = monotonic(), 0.0

    def commit(self, model: TumourModel, writer: RecordWriter, is_fork: bool = False) -> None:
        """Commit, and remember when and how long it took."""
        started_s = monotonic()
        _commit(model, writer, is_fork)
        self.ended_s = monotonic()
        self.took_s = self.ended_s - started_s

    def is_due(self, clock: Clock) -> bool:
        """Return whether a commit is due."""
        since_s = monotonic() - self.ended_s
        if since_s > COMMIT_EVERY_S:
            return since_s * LARGEST_COMMIT_SHARE > self.took_s
        return clock.is_due(24.0 * COMMIT_EVERY_D) and since_s * COMMIT_SHARE > self.took_s


def has_row(scenario: Scenario, clock: Clock) -> bool:
    """Return whether a row of the series is due at the clock's time."""
    return clock.is_due(scenario.output.scalars_every_h)


def has_snapshots(scenario: Scenario, clock: Clock) -> bool:
    """Return whether pictures of the sections are due."""
    return clock.is_due(24.0 * scenario.output.snapshots_every_d)


def is_kept(scenario: Scenario, clock: Clock) -> bool:
    """Return whether the record keeps the checkpoint of the clock's time: that of day 0, where arms part, and those asked for."""
    return clock.t_h == 0.0 or clock.t_h / 24.0 in {scenario.day(day) for day in scenario.output.checkpoints}


def _commit(model: TumourModel, writer: RecordWriter, is_fork: bool = False) -> str:
    arrays = model.state.arrays() | {"clock.step": np.array(model.clock.step)}
    digest = hash_arrays(arrays)
    writer.commit(arrays, digest, model.time_d, is_kept=is_fork or is_kept(model.arm, model.clock), end_reason=model.end_reason)
    return digest


def _write_row(model: TumourModel, writer: RecordWriter) -> None:
    writer.append(model.time_d, measure(model.state))


def _write_snapshots(model: TumourModel, writer: RecordWriter) -> None:
    for tissue in model.state.tissues:
        writer.snapshot(tissue.name, model.time_d, cell_state=tissue.state, oxygen=whole_field(tissue, model.parameters["oxygen"]),
                        t_cells=tissue.t_count, vessels=_vessel_codes(tissue), scale=tissue.scale)


def _vessel_codes(tissue: Tissue) -> np.ndarray:
    """Return uint8: 0 no vessel, 1 not perfused, 2 perfused."""
    return tissue.vessel + (tissue.perfusion > 0.0)


def describe_run(scenario: Scenario, replicate: int, is_quick: bool, until_d: float | None) -> Header:
    """Return the header of a record before the first step of its run."""
    days = scenario.day(scenario.end)
    attributes = {
        Attribute.ARM: scenario.arm, Attribute.TITLE: scenario.title or "", Attribute.SEED: scenario.seed,
        Attribute.PATIENT: scenario.patient, Attribute.REPLICATE: replicate, Attribute.IS_QUICK: int(is_quick),
        Attribute.START_DATE: scenario.start.isoformat(), Attribute.END_DATE: scenario.end.isoformat(),
        Attribute.UNTIL: days if until_d is None else min(days, float(until_d)),
        Attribute.CODE_VERSION: model_version(), Attribute.PROVENANCE: provenance(),
        Attribute.DETECTION_LIMIT: scenario.parameters("clinic").detection_limit_cm}
    lesions = tuple(LesionHeader(name, lesion.role, lesion.nodal, lesion.is_occult, lesion.size_cm[0], shape, SITE_UM)
                    for (name, lesion), shape in zip(scenario.lesions.items(), _shapes(scenario), strict=True))
    drugs = tuple(DrugHeader(name, drug.drug_class, level_unit(drug.pharmacokinetics)) for name, drug in scenario.drugs.items())
    series = tuple(Series(m.name, m.unit, m.long_name, (Part.TIME, m.dimension) if m.dimension else (Part.TIME,)) for m in MEASURES)
    return Header({str(name): value for name, value in attributes.items()}, scenario.resolved_yaml(), lesions, drugs, series)


def provenance() -> str:
    """Return, as JSON, the versions of the software that computes here."""
    libraries = {name: version(name) for name in _RECORDED_WITH}
    return json.dumps({"python": platform.python_version(), "platform": platform.platform(), **libraries})


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
    with temporary_folder() as folder:
        simulate(scenario_from_text(_WARM_UP), folder / "warm_up.h5", until_d=2.0)
