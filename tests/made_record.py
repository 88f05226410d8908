"""A small synthetic record, written through the real writer: plausible curves, no simulation.

`make_record(path, arm)` knows the arms by the words in their names. Growth is exponential with a rate that the
drugs lower, radiotherapy removes a share of a lesion at the end of its course; the untreated arm dies early.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lesionlab.sim.record.writer import DrugHeader, Header, LesionHeader, RecordWriter, Series, hash_arrays

START, END_D = date(2021, 7, 6), 1333.0
SCANS_D = (0.0, 66.0, 132.0, 283.0, 739.0, 923.0, 1014.0, 1320.0)
SHAPE = (1, 40, 48)
LETHAL_CELLS = 1e12
LESIONS = {"neck": ("target", False, False, 10.0), "mediastinum": ("target", True, False, 8.3),
           "pelvis": ("not_evaluable", False, False, 3.0), "liver": ("non_target", False, True, 0.1)}
COURSES = {"neck": (0.0, 10, 3.0, 4.0, 0.4), "mediastinum": (0.0, 5, 2.0, np.nan, 0.6), "pelvis": (69.0, 15, 3.0, 4.0, 0.3)}
DRUGS = {"toripalimab": ("anti_pd1", "mg/L", 0.0, 21, 240.0), "anlotinib": ("vegfr_tki", "ng/mL", 26.0, 1, 12.0)}

PER_LESION = {
    "viable_cells": "1", "doomed_cells": "1", "dead_cells": "1", "clonogens": "1", "lesion_cells": "1", "clonogen_weight": "1",
    "scale": "1", "hypoxic_fraction_below_5_mmHg": "1", "hypoxic_fraction_below_10_mmHg": "1", "hypoxic_fraction_core": "1",
    "hypoxic_fraction_rim": "1", "mean_oxygen_mmHg": "mmHg", "growth_fraction": "1", "perfused_vessels_per_mm2": "mm-2",
    "vessels_per_mm2": "mm-2", "vessel_maturity": "1", "t_cells_per_mm2": "mm-2", "specific_t_cells_per_mm2": "mm-2",
    "pd_l1_positive_fraction": "1", "exhausted_fraction": "1", "low_dose_entry_gain": "1", "longest_diameter_cm": "cm",
    "short_axis_cm": "cm", "deaths_radiation": "1", "deaths_t_cell": "1", "deaths_hypoxia": "1", "deaths_apoptosis": "1",
    "deaths_failed_division": "1", "oxygen_residual": "1"}
SYSTEMIC = {"pd1_occupancy": "1", "vegfr_inhibition": "1", "effector_t_cells": "1", "specific_effector_t_cells": "1",
            "memory_t_cells": "1", "antigen": "1", "burden_cells": "1"}
SERIES = (*(Series(name, unit, name.replace("_", " "), ("time", "lesion")) for name, unit in PER_LESION.items()),
          *(Series(name, unit, name.replace("_", " "), ("time",)) for name, unit in SYSTEMIC.items()),
          Series("drug_level", "1", "level of the drug in plasma", ("time", "drug")))


def modalities(arm: str) -> tuple[bool, bool, bool]:
    """Return whether an arm has radiotherapy, anti-PD-1, anlotinib, from the words in its name."""
    is_all = any(word in arm for word in ("combined", "case", "low_dose", "boost", "largest"))
    return is_all or "radiotherapy" in arm, is_all or "anti_pd1" in arm, is_all or "anlotinib" in arm


def diameters_cm(arm: str, times_d: NDArray[np.float64], replicate: int, lesions: Sequence[str]) -> NDArray[np.float64]:
    """Return made-up longest diameters (time, lesion) in cm."""
    has_radiotherapy, has_anti_pd1, has_anlotinib = modalities(arm)
    stream = 1 + 0.02 * np.sin(replicate * 2.4 + 1)
    rate_per_d = stream * np.log(2) / 3 / (55 * (1 + 1.5 * has_anti_pd1) * (1 + 1.5 * has_anlotinib) * (1 + 0.4 * has_radiotherapy))
    sizes = []
    for name in lesions:
        _, _, is_occult, baseline_cm = LESIONS[name]
        log_size = np.log(baseline_cm) + rate_per_d * times_d * (1.9 if is_occult else 1.0)
        if has_radiotherapy and name in COURSES:
            start_d, *_, kept = COURSES[name]
            log_size = log_size + np.log(kept) * np.clip((times_d - start_d) / 90, 0, 1)
        sizes.append(np.exp(log_size))
    return np.stack(sizes, axis=1)


def make_record(path: Path | str, arm: str = "combined", *, replicate: int = 0, every_d: float = 7.0, end_d: float = END_D,
                snapshot_every_d: float = 28.0, sizes_cm: NDArray[np.float64] | None = None, is_finished: bool = True,
                lesions: Sequence[str] = tuple(LESIONS)) -> Path:
    """Write the record of an arm to `path` (replaced if it exists) and return its path.

    Rows stand every `every_d` days and on each scan day; `sizes_cm` (time, lesion) replaces the made-up diameters and
    needs one row per day of `row_times_d`. With `is_finished=False` the record stays `interrupted`. It holds the named
    `lesions` of LESIONS, in that order.
    """
    times_d = row_times_d(every_d, end_d)
    sizes = diameters_cm(arm, times_d, replicate, lesions) if sizes_cm is None else np.asarray(sizes_cm, dtype=np.float64)
    burden = (1e8 * np.pi / 6 * 0.6 * sizes**3).sum(axis=1)
    dead = np.flatnonzero(burden >= LETHAL_CELLS)
    n_rows = dead[0] + 1 if len(dead) else len(times_d)
    with RecordWriter(path, _header(arm, replicate, lesions), is_forced=True) as writer:
        snapshot_d = 0.0
        for row in range(n_rows):
            time_d = float(times_d[row])
            writer.append(time_d, _row(arm, time_d, sizes[row], burden[row]))
            if time_d >= snapshot_d:
                snapshot_d += snapshot_every_d
                for index, lesion in enumerate(lesions):
                    writer.snapshot(lesion, time_d, **_snapshot(sizes[row, index], row + index))
        for event in sorted(_events(arm, lesions), key=lambda event: event[0]):
            if event[0] <= times_d[n_rows - 1]:
                writer.event(*event)
        if len(dead):
            writer.event(float(times_d[dead[0]]), "lethal_burden")
        checkpoint = {"neck/cell_state": np.ones(SHAPE, np.uint8), "step": np.array(n_rows * 24)}
        writer.commit(checkpoint, hash_arrays(checkpoint), float(times_d[n_rows - 1]))
        if is_finished:
            writer.finish("lethal burden" if len(dead) else "end of calendar")
    return Path(path)


def row_times_d(every_d: float = 7.0, end_d: float = END_D) -> NDArray[np.float64]:
    """Return the times of the rows (d): every `every_d` days, the scan days and the end."""
    scans = [scan for scan in SCANS_D if scan <= end_d]
    return np.unique(np.concatenate([np.arange(0.0, end_d, every_d), scans, [end_d]]))


def _header(arm: str, replicate: int, lesions: Sequence[str]) -> Header:
    headers = tuple(LesionHeader(name, *LESIONS[name], SHAPE, 20.0) for name in lesions)
    drugs = tuple(DrugHeader(name, DRUGS[name][0], DRUGS[name][1]) for name in _drugs(arm))
    attributes: dict[str, Any] = {
        "arm": arm, "title": f"made {arm}", "seed": 20210706, "patient": 0, "replicate": replicate, "is_quick": 1,
        "start_date": START.isoformat(), "end_date": (START + timedelta(days=END_D)).isoformat(), "code_version": "0.0.0",
        "provenance": '{"python": "3.11"}', "drug_classes": _classes(arm), "detection_limit_cm": 0.2, "lethal_burden_cells": LETHAL_CELLS}
    return Header(attributes, _scenario(arm, lesions), headers, drugs, SERIES)


def _classes(arm: str) -> str:
    """Return the classes of drugs as a run names them."""
    rows = (("anti_pd1", "anti-PD-1", "anti_pd1"), ("vegfr_tki", "anti-angiogenic", None))
    return json.dumps([{"name": name, "label": label, "component": component,
                        "drugs": {drug: drug for drug in _drugs(arm) if DRUGS[drug][0] == name}} for name, label, component in rows])


def _scenario(arm: str, lesions: Sequence[str]) -> str:
    """Return the part of the resolved scenario that says what an arm is given."""
    lines = ["schema: 1", f"arm: {arm}"]
    if modalities(arm)[0]:
        lines += ["radiotherapy:", *(f"- {{lesion: {lesion}, fractions: {fractions}}}"
                                     for lesion, (_, fractions, *_) in COURSES.items() if lesion in lesions)]
    lines += ["drugs:", *(f"  {name}: {{class: {DRUGS[name][0]}, dose_mg: {DRUGS[name][4]:g}}}" for name in _drugs(arm))]
    return "\n".join(lines) + "\n"


def _drugs(arm: str) -> Sequence[str]:
    return [name for name, is_given in zip(DRUGS, modalities(arm)[1:], strict=True) if is_given]


def _events(arm: str, lesions: Sequence[str]) -> list[tuple[Any, ...]]:
    events: list[tuple[Any, ...]] = [(scan_d, "scan") for scan_d in SCANS_D]
    if modalities(arm)[0]:
        for lesion, (start_d, fractions, mass_gy, core_gy, _) in COURSES.items():
            if lesion not in lesions:
                continue
            days = [start_d + k + 2 * (k // 5) for k in range(fractions)]
            events += [(day, "fraction", lesion, f"{lesion} course", mass_gy, core_gy) for day in days]
    for name in _drugs(arm):
        _, _, start_d, interval_d, dose_mg = DRUGS[name]
        events += [(float(day), "dose", "", name, dose_mg) for day in np.arange(start_d, END_D, interval_d)]
    return events


def _row(arm: str, time_d: float, sizes_cm: NDArray[np.float64], burden: float) -> Mapping[str, Any]:
    has_radiotherapy, has_anti_pd1, has_anlotinib = modalities(arm)
    cells = 1e8 * np.pi / 6 * 0.6 * sizes_cm**3
    hypoxic = np.clip(0.15 + 0.02 * sizes_cm - 0.1 * has_anlotinib * min(time_d / 60, 1), 0.02, 0.9)
    inflamed = 1 + 2.0 * has_anti_pd1 + has_radiotherapy * np.exp(-time_d / 60)
    vessels = 60 - 25 * has_anlotinib * min(time_d / 60, 1)
    values = dict.fromkeys(PER_LESION, np.zeros(len(sizes_cm)))
    values |= {name: cells * share * time_d / 1000 for name, share in zip(
        ("deaths_radiation", "deaths_t_cell", "deaths_hypoxia", "deaths_apoptosis", "deaths_failed_division"),
        (0.5 * has_radiotherapy, 0.1 * inflamed, 0.1, 0.2, 0.3), strict=True)}
    values |= {name: np.full(len(sizes_cm), value) for name, value in {
        "viable_cells": 1200.0, "doomed_cells": 40.0, "dead_cells": 160.0, "vessels_per_mm2": vessels, "vessel_maturity": 0.5,
        "perfused_vessels_per_mm2": vessels * 0.7, "low_dose_entry_gain": 1.0, "t_cells_per_mm2": 80 * inflamed,
        "specific_t_cells_per_mm2": 8 * inflamed, "pd_l1_positive_fraction": 0.2 + 0.05 * inflamed,
        "exhausted_fraction": 0.5 - 0.2 * has_anti_pd1}.items()}
    values |= {
        "clonogens": cells * 0.9, "lesion_cells": cells, "clonogen_weight": cells / 1200, "scale": sizes_cm / 0.08,
        "hypoxic_fraction_below_5_mmHg": hypoxic, "hypoxic_fraction_below_10_mmHg": hypoxic * 1.5,
        "hypoxic_fraction_core": hypoxic * 1.4, "hypoxic_fraction_rim": hypoxic * 0.6, "mean_oxygen_mmHg": 25 - 20 * hypoxic,
        "growth_fraction": 0.5 - 0.4 * hypoxic, "longest_diameter_cm": sizes_cm, "short_axis_cm": sizes_cm * 0.6}
    systemic = {"pd1_occupancy": 0.9 * has_anti_pd1, "vegfr_inhibition": 0.6 * has_anlotinib * (time_d >= 26), "antigen": 1.0,
                "effector_t_cells": 1e9, "specific_effector_t_cells": 1e7, "memory_t_cells": 1e8, "burden_cells": burden}
    levels = [60.0 if name == "toripalimab" else 20.0 * (time_d >= 26) for name in _drugs(arm)]
    return values | systemic | {"drug_level": levels}


def _snapshot(size_cm: float, seed: int) -> dict[str, Any]:
    """Return a disc with a necrotic core, vessels outside it and a few T cells: arrays of SHAPE."""
    stream = np.random.default_rng(seed)
    y, x = np.mgrid[:SHAPE[1], :SHAPE[2]]
    radius = np.hypot(y - (SHAPE[1] - 1) / 2, x - (SHAPE[2] - 1) / 2)[np.newaxis]
    mass = min(15.0, 4 + size_cm)
    state = np.where(radius < mass, np.where(stream.random(SHAPE) < 0.6, 1, 2), 0)
    state[(radius < mass) & (stream.random(SHAPE) < 0.1)] = 3
    state[radius < mass / 3] = 7
    vessels = np.where(stream.random(SHAPE) < 0.03, stream.integers(1, 3, SHAPE), 0)
    oxygen = 40 * np.clip((radius - mass / 3) / 15, 0.01, 1)
    t_cells = stream.random(SHAPE) < 0.04
    return {"cell_state": state, "oxygen": oxygen, "t_cells": t_cells, "vessels": vessels, "scale": size_cm / (mass * 0.004)}
