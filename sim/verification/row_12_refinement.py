"""Refinement: what a small lesion does in a month depends neither on the step nor on the box.

Law: endpoints of a converged simulation do not change when it is refined, but for Monte Carlo error. Simulated: one
lesion of 1000 section cells for 30 days in the whole model, with a fraction of 2 Gy and an anti-PD-1 drug, in 16
replicates each (4 for the control): steps of 0.5, 1 and 2 h; a margin of host tissue twice as wide (which frees VEGF
and interferon; how far around the cells oxygen is solved it does not change); a section of twice the cells, which is
another scaling of the same lesion. Endpoints: log clonogens, longest diameter. Judged against steps of 1 h: within
two standard errors of the difference and within 5 %. Tabulated, not judged, in 8 replicates: a slab of three layers
against the single layer, each layer with vessels of its own; a whole block in 3-D, whose supply, surface and core
weigh otherwise. Vessels do not fall with depth here: depth is that of the section, in which a larger one differs. Then a lesion
cut in two sizes through 5 x 2 Gy and regrowth (`section_sizes`): log clonogens within three standard errors, diameters
tabulated (weighted clonogens take sites of dead cells). Negative controls: a sixth more failed
divisions; a tenth of a decade. Intervals are 95 %, of Student's t.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

from lesionlab.sim.measures import lesion_size
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.simulation import Simulation
from lesionlab.sim.verification.judging import Check, Law, mean_and_error
from lesionlab.sim.verification.section_sizes import DAYS, LARGE, SMALL, course

LAW = Law(12, "refinement")
REPLICATES, SHOWN, FEW = 16, 8, 4
SIZED = 8
ARM = """
schema: 1
arm: refinement
start: 2024-01-01
end: 2024-01-31
seed: 12
burn_in_d: 3
lesions: {neck: {size_cm: [3, 3], measured: 2024-01-01, section_cells: 1000}}
radiotherapy: [{lesion: neck, start: 2024-01-03, fractions: 1, volumes: {mass: {dose_per_fraction_gy: 2}}}]
drugs:
  toripalimab: {class: anti_pd1, dose_mg: 240, start: 2024-01-03, interval_d: 21, until: 2024-01-31}
t_cell_entry: {entry_per_vessel_per_d: 0.1}
vessels: {rim_density_per_mm2: 60, core_density_per_mm2: 45}
mechanisms: {depth_to_vessels: false}
"""
ENDPOINTS = {"log clonogens": "1", "longest diameter": "cm"}
JUDGED = {"steps of 0.5 h": ("time_step_h=0.5",), "steps of 2 h": ("time_step_h=2",), "margin twice as wide": ("tissue.margin_sites=24",),
          "section of twice the cells": ("lesions.neck.section_cells=2000",)}
TABULATED = {"slab of three layers": ("lesions.neck.section_cells=3000", "lesions.neck.section_layers=3"),
             "block in 3-D": ("lesions.neck.section_cells=5000", "lesions.neck.section_shape=block")}
CONTROLS = {"a sixth more failed divisions": ("cell_cycle.failed_division_share=0.35",)}


class Endpoints(NamedTuple):
    """Mean, standard error and half the 95 % interval of each endpoint, float64 (endpoints,)."""

    mean: np.ndarray
    error: np.ndarray
    half_width: np.ndarray


def endpoints(replicates: int, *overrides: str) -> Endpoints:
    """Run replicates of the arm with overrides and return its endpoints."""
    arm = scenario_from_text(ARM, overrides=overrides)
    found = []
    for replicate in range(replicates):
        model = Simulation(arm, replicate)
        while model.running:
            model.step()
        (tissue,) = model.state.tissues
        clonogens = tissue.weight * tissue.census()[0]
        found.append((math.log(max(clonogens, 1.0)), lesion_size.diameters_cm(tissue)[0]))
    values = np.array(found)
    error = values.std(axis=0, ddof=1) / math.sqrt(replicates)
    return Endpoints(values.mean(axis=0), error, stats.t.ppf(0.975, replicates - 1) * error)


def _judge(name: str, refined: Endpoints, plain: Endpoints, relative: float, is_control: bool = False) -> list[Check]:
    found = []
    for k, (endpoint, unit) in enumerate(ENDPOINTS.items()):
        value, expected, half_width = float(refined.mean[k]), float(plain.mean[k]), float(refined.half_width[k])
        error = math.hypot(refined.error[k], plain.error[k])
        difference = abs(value - expected)
        holds = bool(difference <= 2.0 * error and difference <= relative * abs(expected))
        found.append(Check(LAW.row, LAW.name, f"{name}: {endpoint}", value, expected,
                           f"2 SE of {error:.2g} and {100.0 * relative:.3g} %", unit, holds != is_control, is_control, half_width))
    return found


def _tabulate(name: str, other: Endpoints, plain: Endpoints) -> list[Check]:
    return [LAW.tabulated(f"{name}: {endpoint}", other.mean[k], plain.mean[k], unit, float(other.half_width[k]))
            for k, (endpoint, unit) in enumerate(ENDPOINTS.items())]


def _sizes(replicates: int) -> list[Check]:
    """Judge the same lesion cut in two sizes on days through treatment and regrowth."""
    small, large = (np.array([course(cells, replicate) for replicate in range(replicates)]) for cells in (SMALL, LARGE))
    found, wide = [], stats.t.ppf(0.975, replicates - 1)
    for k, day in enumerate(DAYS):
        (value, error), (expected, other) = (mean_and_error(runs[:, 0, k]) for runs in (small, large))
        name = f"section of {SMALL} cells for {LARGE}, day {day}"
        found.append(LAW.within(f"{name}: log10 clonogens", value, expected, math.hypot(error, other))._replace(half_width=wide * error))
        size, size_error = mean_and_error(small[:, 1, k])
        found.append(LAW.tabulated(f"{name}: longest diameter", size, float(large[:, 1, k].mean()), "cm", wide * size_error))
    found.append(LAW.within(f"section of {SMALL} cells, day {DAYS[0]}, a tenth of a decade off", *mean_and_error(small[:, 0, 0])[:1],
                            float(large[:, 0, 0].mean()) + 0.1, mean_and_error(small[:, 0, 0])[1], is_control=True))
    return found


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; an effort below 1 takes fewer replicates, widens the relative bound with their error, and tabulates nothing."""
    replicates = max(round(REPLICATES * effort), FEW)
    relative = 0.05 * max(math.sqrt(REPLICATES / replicates), 1.0)
    plain = endpoints(replicates)
    found = _tabulate("steps of 1 h, single margin and layer", plain, plain)
    for name, overrides in JUDGED.items():
        found += _judge(name, endpoints(replicates, *overrides), plain, relative)
    for name, changed in CONTROLS.items():
        found += _judge(name, endpoints(FEW, *changed), plain, relative, is_control=True)
    for name, other in TABULATED.items() if effort >= 1.0 else ():
        found += _tabulate(name, endpoints(SHOWN, *other), plain)
    return tuple(found + _sizes(max(round(SIZED * effort), 3)))
