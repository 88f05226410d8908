"""Refinement: what a small lesion does in a month depends neither on the step nor on the box.

Law: endpoints of a converged simulation do not change when it is refined, but for Monte Carlo error. Simulated: one
lesion of 500 section cells for 30 days in the whole model, with three fractions of 2 Gy and an anti-PD-1 drug, in 16
replicates each (4 where nothing is judged, and for the control): steps of 0.5, 1 and 2 h; a margin of host tissue
twice as wide. Endpoints: log clonogens, longest diameter. Judged against steps of 1 h: within two standard errors of
the difference and within 5 %. Tabulated, not judged: a section of twice the cells, which is another scaling of the
same lesion, and a slab of three layers, each with vessels of its own, against the single layer. Negative control: a
sixth more failed divisions.

A slab's rays end at its upper and lower face, so births push cells out of view there before the section is full.
"""

import math
from typing import NamedTuple

import numpy as np

from sim import clinic
from sim.model import TumourModel
from sim.processes import oxygen
from sim.scenario_file import scenario_from_text
from sim.state import State, Tissue
from sim.tissue import seed as seed_tissue
from sim.verification import Check
from sim.verification.judging import Law

LAW = Law(12, "refinement")
REPLICATES, FEW, LAYERS = 16, 4, 3
ARM = """
schema: 1
arm: refinement
start: 2024-01-01
end: 2024-01-31
seed: 12
burn_in_d: 3
lesions: {neck: {size_cm: [3, 3], measured: 2024-01-01, section_cells: 500}}
radiotherapy: [{lesion: neck, start: 2024-01-03, fractions: 3, volumes: {mass: {dose_per_fraction_gy: 2}}}]
drugs:
  toripalimab: {class: anti_pd1, dose_mg: 240, start: 2024-01-03, interval_d: 21, until: 2024-01-31}
"""
ENDPOINTS = {"log clonogens": "1", "longest diameter": "cm"}
JUDGED = {"steps of 0.5 h": "time_step_h=0.5", "steps of 2 h": "time_step_h=2", "margin twice as wide": "tissue.margin_sites=24"}
TABULATED = {"section of twice the cells": "lesions.neck.section_cells=1000"}
CONTROLS = {"a sixth more failed divisions": "cell_cycle.failed_division_share=0.42"}


class SlabModel(TumourModel):
    """The model with a section of several layers, each seeded as a layer of its own."""

    def _first_state(self) -> State:
        state = super()._first_state()
        (flat,), (lesion,) = state.tissues, self.arm.lesions.values()
        description = (lesion.size_cm, lesion.section_cells, lesion.t_cell_entry_factor, lesion.vessel_density_factor)
        layers = [flat, *(seed_tissue(f"layer {z}", description, self.parameters, state.key) for z in range(1, LAYERS))]
        slab = Tissue.blank(flat.name, flat.entity, (LAYERS, *flat.state.shape[1:]), size_cm=flat.size_cm, capacity=1,
                            t_cell_entry_factor=flat.t_cell_entry_factor, vessel_density_factor=flat.vessel_density_factor)
        for name in ("state", "pd_l1", "vessel", "maturity", "perfusion", "oxygen"):
            getattr(slab, name)[:] = np.concatenate([getattr(layer, name) for layer in layers])
        oxygen.solve(slab, self.parameters["oxygen"])
        clinic.fix_baseline(slab, clinic.lesion_cells_of(lesion.size_cm))
        state.tissues = [slab]
        return state


class Endpoints(NamedTuple):
    """Mean and standard error of each endpoint, float64 (endpoints,)."""

    mean: np.ndarray
    error: np.ndarray


def endpoints(replicates: int, *overrides: str, kind: type[TumourModel] = TumourModel) -> Endpoints:
    """Run replicates of the arm with overrides and return its endpoints."""
    arm = scenario_from_text(ARM, overrides=overrides)
    found = []
    for replicate in range(replicates):
        model = kind(arm, replicate, collect_every_d=30.0)
        while model.running:
            model.step()
        (tissue,) = model.state.tissues
        clonogens = tissue.weight * clinic.census(tissue)[0]
        found.append((math.log(max(clonogens, 1.0)), clinic.diameters_cm(tissue)[0]))
    values = np.array(found)
    return Endpoints(values.mean(axis=0), values.std(axis=0, ddof=1) / math.sqrt(replicates))


def _judge(name: str, refined: Endpoints, plain: Endpoints, relative: float, is_control: bool = False) -> list[Check]:
    found = []
    for k, (endpoint, unit) in enumerate(ENDPOINTS.items()):
        error = math.hypot(refined.error[k], plain.error[k])
        difference = abs(refined.mean[k] - plain.mean[k])
        holds = bool(difference <= 2.0 * error and difference <= relative * abs(plain.mean[k]))
        found.append(Check(LAW.row, LAW.name, f"{name}: {endpoint}", float(refined.mean[k]), float(plain.mean[k]),
                           f"2 SE of {error:.2g} and {100.0 * relative:.3g} %", unit, holds != is_control, is_control))
    return found


def _tabulate(name: str, other: Endpoints, plain: Endpoints) -> list[Check]:
    pairs = zip(ENDPOINTS.items(), other.mean, plain.mean, strict=True)
    return [LAW.tabulated(f"{name}: {endpoint}", value, expected, unit) for (endpoint, unit), value, expected in pairs]


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; an effort below 1 takes fewer replicates and widens the relative bound with their error."""
    replicates = max(round(REPLICATES * effort), 4)
    relative = 0.05 * max(math.sqrt(REPLICATES / replicates), 1.0)
    plain = endpoints(replicates)
    found = [check for name, override in JUDGED.items() for check in _judge(name, endpoints(replicates, override), plain, relative)]
    for name, override in CONTROLS.items():
        found += _judge(name, endpoints(FEW, override), plain, relative, is_control=True)
    for name, override in TABULATED.items():
        found += _tabulate(name, endpoints(FEW, override), plain)
    return tuple(found + _tabulate("slab of three layers", endpoints(FEW, kind=SlabModel), plain))
