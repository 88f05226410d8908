"""VEGF suppression: the share of pairs that PD-L1 or VEGF silences, arrivals at vessels, and a drug that does nothing else.

Law: s = s_PD1 + (1 - s_PD1) s_V with s_PD1 = (1 - RO) L^2 / (L^2 + K^2), s_V = q V_e / (V_e + V50), V_e = V (1 - inhibition). Of T cells
that enter at two kinds of vessel, a share in proportion to the sums of 1 - s_V comes to each. Simulated: tumour cells far apart, each
with a T cell that hits in every micro-step unless its pair is silenced; two groups of vessels in rich and in poor VEGF; the processes
`vegf_suppression`, `t_cell_killing` and `t_cell_entry`. Judged: silenced share and arrivals within 3 binomial standard errors. Negative
controls: the sum of both shares in place of the product's form; arrivals in proportion to vessels alone.

A small arm with and without anlotinib ends in the same bytes (but the drug's own) where q = 0 and the drug's other couplings are off; with
q = 0.6 as the control it does not.
"""

import math
from collections.abc import Sequence

import numpy as np

from lesionlab.sim.processes import t_cell_entry, t_cell_killing, vegf_suppression
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.simulation import Simulation
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.verification import Check
from lesionlab.sim.verification.judging import Law
from lesionlab.sim.verification.specimens import bare_tissue, place_t_cells, state_of

LAW = Law(14, "VEGF suppression")
SPACING, PER_EDGE, MICRO_STEPS = 3, 100, 5
LIMIT, HALF, PD_L1, PD_L1_HALF = 0.6, 2.0, 0.15, 0.1
CASES = ((4.0, 0.0, 0.0), (4.0, 0.95, 0.0), (4.0, 0.0, 1.0), (1.0, 0.5, 0.5))
"""VEGF, inhibition of VEGFR, PD-1 occupancy."""
RICH, POOR, ARRIVALS = 8.0, 0.5, 20_000
OTHER_COUPLINGS = ("normalisation_to_perfusion", "normalisation_to_entry", "blockade_to_pruning", "tki_to_division")
ARM = """
schema: 1
start: 2024-01-01
end: 2024-01-06
seed: 14
burn_in_d: 4
lesions: {neck: {size_cm: [4, 3], measured: 2024-01-01, section_cells: 500, t_cell_entry_factor: 20}}
"""
DRUG = "drugs: {anlotinib: {class: vegfr_tki, dose_mg: 12, start: 2024-01-01, interval_d: 1, until: 2024-01-06}}\n"
OF_THE_DRUG = ("systemic.drugs.", "systemic.vegfr_inhibition", "systemic.normalisation", "systemic.pruning", "systemic.vegf_half")


def by_vegf(vegf: float, inhibition: float) -> float:
    """Return the share that VEGF holds back."""
    acting = vegf * (1.0 - inhibition)
    return LIMIT * acting / (acting + HALF)


def by_pd_1(occupancy: float) -> float:
    """Return the share of pairs that PD-L1 silences."""
    return (1.0 - occupancy) * PD_L1**2 / (PD_L1**2 + PD_L1_HALF**2)


def silenced(vegf: float, inhibition: float, occupancy: float, effort: float) -> tuple[int, int]:
    """Return (tumour cells never hit, tumour cells) of pairs that hit in every micro-step unless they are silenced."""
    edge = SPACING * max(round(PER_EDGE * effort**0.5), 20)
    tissue = bare_tissue((1, edge, edge))
    tissue.state[:, 1::SPACING, 1::SPACING] = CellState.PROLIFERATING
    tissue.pd_l1_share.fill(PD_L1)
    tissue.vegf.fill(vegf)
    sites = np.flatnonzero(tissue.state)
    place_t_cells(tissue, sites, is_engaged=True)
    state = state_of(tissue, seed=14, pd1_occupancy=occupancy, vegfr_inhibition=inhibition)
    vegf_suppression.update(state, vegf_suppression.Parameters(silenced_fraction=LIMIT, vegf_half=HALF), Clock(0, 1.0, 0))
    p = t_cell_killing.Parameters(hit_rate_per_h=1e9, engagement_min=1e12, n_hits=200, suppression_half=PD_L1_HALF)
    for micro_step in range(MICRO_STEPS):
        t_cell_killing.update(state, p, Clock(0, 1.0, 0, micro_step))
    return int((tissue.hits.reshape(-1)[sites] == 0).sum()), len(sites)


def arrivals(inhibition: float, effort: float) -> tuple[int, int]:
    """Return (T cells that entered where VEGF is rich, all that entered), by as many vessels there as where it is poor."""
    tissue = bare_tissue((1, 40, 80))
    tissue.state.fill(CellState.PROLIFERATING)
    tissue.perfusion[:, ::4, ::4] = 1.0
    tissue.vegf[:, :, :40], tissue.vegf[:, :, 40:] = RICH, POOR
    state = state_of(tissue, seed=14, bystander_blood=1e9, vegfr_inhibition=inhibition)
    vegf_suppression.update(state, vegf_suppression.Parameters(silenced_fraction=LIMIT, vegf_half=HALF), Clock(0, 1.0, 10**6))
    step = 0
    while tissue.t_cells.n < max(ARRIVALS * effort, 2000):
        t_cell_entry.update(state, t_cell_entry.Parameters(entry_per_vessel_per_d=1.5), Clock(step, 1.0, 10**6))
        step += 1
    in_rich = tissue.t_cells.site[: tissue.t_cells.n] % 80 < 40
    return int(in_rich.sum()), tissue.t_cells.n


def differing(switched_off: Sequence[str], changed: str = "") -> int:
    """Return in how many arrays, the drug's own apart, an arm ends otherwise with anlotinib than without."""
    ends = []
    for text in (ARM, ARM + DRUG):
        model = Simulation(scenario_from_text(text + changed, overrides=[f"mechanisms.{name}=false" for name in switched_off]))
        while model.running:
            model.step()
        ends.append({name: array.tobytes() for name, array in model.state.arrays().items() if not name.startswith(OF_THE_DRUG)})
    return sum(ends[1][name] != kept for name, kept in ends[0].items())


def _judge(quantity: str, part: int, n: int, share: float, is_control: bool = False) -> Check:
    return LAW.within(quantity, part / n, share, math.sqrt(share * (1.0 - share) / n), is_control=is_control)


def _silenced_checks(effort: float) -> list[Check]:
    found = []
    for vegf, inhibition, occupancy in CASES:
        given = silenced(vegf, inhibition, occupancy, effort)
        s_pd_1, s_v = by_pd_1(occupancy), by_vegf(vegf, inhibition)
        what = f"silenced share, VEGF {vegf:g}, VEGFR inhibited {inhibition:g}, PD-1 occupied {occupancy:g}"
        found.append(_judge(what, *given, s_pd_1 + (1.0 - s_pd_1) * s_v))
        if s_pd_1 + s_v < 0.5 and occupancy < 1.0:
            found.append(_judge(f"{what}, as a sum", *given, s_pd_1 + s_v, True))
    return found


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; an effort below 1 takes fewer pairs and arrivals."""
    found = _silenced_checks(effort)
    for inhibition in (0.0, 0.95):
        open_rich, open_poor = 1.0 - by_vegf(RICH, inhibition), 1.0 - by_vegf(POOR, inhibition)
        given = arrivals(inhibition, effort)
        what = f"arrivals where VEGF is rich, VEGFR inhibited {inhibition:g}"
        found.append(_judge(what, *given, open_rich / (open_rich + open_poor)))
        if inhibition == 0.0:
            found.append(_judge(f"{what}, by vessels alone", *given, 0.5, True))
    off = ("vegf_to_t_cells", *OTHER_COUPLINGS)
    found += [LAW.bounded("arrays that anlotinib changes, q = 0", differing(off), 0.0, 0.0),
              LAW.bounded("arrays that anlotinib changes, q = 0.6", differing(OTHER_COUPLINGS), 0.0, 0.0, is_control=True)]
    return tuple(found)
