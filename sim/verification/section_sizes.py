"""The same lesion as sections of two sizes through treatment and regrowth: what it does must not depend on how it is cut.

A lesion of 3 cm receives 5 x 2 Gy: its section becomes weight-controlled, is released, and grows back beyond its
reference size. Few T cells are given, so that it regrows.
"""

import math

import numpy as np

from lesionlab.sim.measures import lesion_size
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.simulation import Simulation

SMALL, LARGE = 1000, 4000
DAYS = (0, 14, 30, 60, 90)
ARM = """
schema: 1
arm: section_sizes
start: 2024-01-01
end: 2024-03-31
seed: 13
burn_in_d: 10
lesions: {neck: {size_cm: [3, 3], measured: 2024-01-01, section_cells: 1000}}
radiotherapy: [{lesion: neck, start: 2024-01-01, fractions: 5, volumes: {mass: {dose_per_fraction_gy: 2}}}]
t_cell_entry: {entry_per_vessel_per_d: 0.03}
vessels: {rim_density_per_mm2: 60, core_density_per_mm2: 45}
mechanisms: {depth_to_vessels: false}
"""


def course(section_cells: int, replicate: int) -> np.ndarray:
    """Return (log10 clonogens, longest diameter in cm) on the days; float64 (2, days)."""
    arm = scenario_from_text(ARM, overrides=[f"lesions.neck.section_cells={section_cells}"])
    model = Simulation(arm, replicate)
    (tissue,), seen = model.state.tissues, []
    for day in DAYS:
        while model.running and model.time_d < day:
            model.step()
        seen.append((math.log10(max(tissue.weight * tissue.census()[0], 1.0)), lesion_size.diameters_cm(tissue)[0]))
    return np.array(seen).T
