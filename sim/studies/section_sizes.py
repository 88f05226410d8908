"""Bias by size of the section: the same drawn patients, each lesion cut into sections of several sizes.

A lesion of 5 cm has 10^10 cells; its section stands for them with some hundred to some ten thousand. What it does must not
depend on how many, but shapes of a few sites have no core, few T cells meet few cells, and weight control
(`population_control`) takes over at n_min clonogens whatever the section. The largest section is the measure of the others.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from math import log10, nan
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lesionlab.sim.measures.series import measure_tissue
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.arms import UNTREATED, keep
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.simulation import Simulation
from lesionlab.sim.studies.data_file import write_rows
from lesionlab.sim.studies.screen import Plan, day_zero, patient_of
from lesionlab.sim.studies.table import claim

SIZES = (500, 1000, 2000, 3000, 8000, 30000)
"""Cells of the sections; the last is the measure."""
READ_D = (28.0, 56.0, 112.0)
COURSE = "radiotherapy=[{lesion: tumour, start: 2024-01-08, fractions: 10, volumes: {mass: {dose_per_fraction_gy: 3}}}]"
"""Ten fractions of 3 Gy from the second week on: clonogens become few enough for weight control, and for clearance."""
ARMS = {UNTREATED: (), "both drugs": ("anti_pd1", "anlotinib"), "radiotherapy and both drugs": ("radiotherapy", "anti_pd1", "anlotinib")}
"""What each arm keeps of the patient's treatment."""
FILE = "section_sizes.csv"


class Cut(NamedTuple):
    """One arm of one patient in a section of some size: what is read of it on the days of READ_D (nan after death)."""

    patient: int
    arm: str
    section_cells: int
    death_d: float
    longest_diameter_cm_d56: float
    log10_clonogens_d56: float
    is_cleared_d112: float
    hypoxic_share_d28: float
    t_cells_per_mm2_d28: float
    perfused_vessels_per_mm2_d28: float


def cuts_of(plan: Plan, sizes: Sequence[int], patient: int) -> list[Cut]:
    """Return the arms of one patient in sections of every size; her draws and her rate of growth are those of the plan's section."""
    arms, _ = patient_of(plan, patient)
    whole = max(arms, key=lambda arm: (len(arm.radiotherapy), len(arm.drugs)))
    found = []
    for size in sizes:
        made = {name: keep(_of_size(whole, size), kept) for name, kept in ARMS.items()}
        start = day_zero(made[UNTREATED])
        found += [_cut(scenario, start, name, size, patient) for name, scenario in made.items()]
    return found


def _of_size(scenario: Scenario, section_cells: int) -> Scenario:
    lesions = {name: lesion.model_copy(update={"section_cells": section_cells}) for name, lesion in scenario.lesions.items()}
    return scenario.model_copy(update={"lesions": lesions})


def _cut(scenario: Scenario, start: Mapping[str, np.ndarray], arm: str, section_cells: int, patient: int) -> Cut:
    model = Simulation(scenario, until_d=READ_D[-1], checkpoint=start)
    tissue, read = model.state.tissues[0], {}
    while model.running:
        model.step()
        if model.time_d in READ_D and model.end_reason != "lethal burden":
            read[model.time_d] = measure_tissue(tissue)
    early, middle, late = (read.get(day) for day in READ_D)
    return Cut(
        patient, arm, section_cells,
        death_d=model.time_d if model.end_reason == "lethal burden" else nan,
        longest_diameter_cm_d56=middle["longest_diameter_cm"] if middle else nan,
        log10_clonogens_d56=log10(max(middle["clonogens"], 1.0)) if middle else nan,
        is_cleared_d112=float(late["clonogens"] < 1.0) if late else 0.0,
        hypoxic_share_d28=early["hypoxic_fraction_below_5_mmHg"] if early else nan,
        t_cells_per_mm2_d28=early["t_cells_per_mm2"] if early else nan,
        perfused_vessels_per_mm2_d28=early["perfused_vessels_per_mm2"] if early else nan)


def cut_table(plan: Plan, folder: Path, n_patients: int, pool: Executor, tell: Callable[[int, int], None] | None = None,
              sizes: Sequence[int] = SIZES) -> list[Cut]:
    """Return the cuts of the first patients, computed in a pool on top of what the folder's table holds.

    Raises:
        UserError: the scenario ends too early, or the table there is of other sizes, settings or sources.
    """
    path, (scenario, _) = folder / FILE, plan.loaded()
    if scenario.day(scenario.end) < READ_D[-1]:
        raise UserError(f"{plan.scenario}: must last {READ_D[-1]:g} days for outcomes by size of the section")
    claim(folder, plan)
    done = list(read_cuts(path)) if path.exists() else []
    if done and {cut.section_cells for cut in done} != set(sizes):
        raise UserError(f"{path}: holds sections of other sizes; choose another folder, or add --force to begin anew")
    found = {cut.patient for cut in done}
    waiting = [patient for patient in range(n_patients) if patient not in found]
    for number, cuts in enumerate(pool.map(partial(cuts_of, plan, tuple(sizes)), waiting), len(found) + 1):
        done += cuts
        write_rows(path, Cut._fields, done)
        if tell:
            tell(number, n_patients)
    return done


def read_cuts(path: Path) -> Iterator[Cut]:
    """Yield the cuts of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            patient, arm, cells, *numbers = row.values()
            yield Cut(int(patient), arm, int(cells), *(float(number or "nan") for number in numbers))
