"""A VEGFR inhibitor's direct effect on division: the ratio of hazards at the level that its doses give.

Law: division x 1 / (1 + x C), C the total plasma concentration in uM, level over molar mass. Simulated: anlotinib, 12 mg daily for 60 days,
through `pharmacokinetics`, then `cell_cycle` with and without the drug. Judged: the mean concentration of the last day against
dose / (clearance x 24 h) / molar mass, and the ratio of hazards to single precision. Negative control: half the molar mass. Beside it: with
x = 0 the hazards are the same to the bit.
"""

import numpy as np

from lesionlab.sim.processes import cell_cycle, pharmacokinetics
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import DrugLevel, Orders, State
from lesionlab.sim.treatment.drug_library import library
from lesionlab.sim.verification import Check
from lesionlab.sim.verification.judging import Law
from lesionlab.sim.verification.specimens import bare_tissue, state_of

LAW = Law(17, "direct effect on division")
DOSE_MG, CLEARANCE_L_PER_H, MOLAR_MASS_G_PER_MOL, DAYS = 12.0, 9.26, 407.4, 60
PER_UM = (0.5, 1.0)


def treated(is_treated: bool, days: int) -> tuple[State, float]:
    """Return a state after some days with or without doses, and the mean concentration in uM over the last one."""
    tissue = bare_tissue((1, 20, 20))
    tissue.state.fill(CellState.PROLIFERATING)
    tissue.oxygen.fill(10.0)
    state, levels = state_of(tissue, seed=17), []
    state.systemic.drugs = [DrugLevel("anlotinib", "vegfr_tki")]
    for hour in range(24 * days):
        state.orders = Orders(doses=[(0, DOSE_MG)] if is_treated and hour % 24 == 0 else [])
        pharmacokinetics.update(state, {"anlotinib": library()["anlotinib"].kinetics}, Clock(hour, 1.0, 0))
        levels.append(state.systemic.drugs[0].concentration_uM)
    return state, float(np.mean(levels[-24:]))


def hazards(state: State, per_uM: float) -> np.ndarray:
    """Return the hazards of division and failed division of every site."""
    cell_cycle.update(state, cell_cycle.Parameters(tki_inhibition_per_uM=per_uM), Clock(0, 1.0, 0))
    return state.tissues[0].hazard[[Hazard.DIVISION, Hazard.FAILED_DIVISION]].copy()


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; an effort below 1 takes fewer days, at least 50."""
    days = max(round(DAYS * effort), 50)
    (with_drug, mean_uM), (without, _) = treated(True, days), treated(False, days)
    expected_uM = DOSE_MG / (24.0 * CLEARANCE_L_PER_H) * 1000.0 / MOLAR_MASS_G_PER_MOL
    found = [LAW.close(f"mean concentration after {days} days of 12 mg", mean_uM, expected_uM, 0.02, "uM")]
    now_uM = with_drug.systemic.drugs[0].level / MOLAR_MASS_G_PER_MOL
    for per_uM in PER_UM:
        ratio = float((hazards(with_drug, per_uM) / hazards(without, per_uM)).mean(dtype=np.float64))
        found.append(LAW.close(f"division with over without the drug, x = {per_uM:g} per uM", ratio, 1.0 / (1.0 + per_uM * now_uM), 1e-6))
    found.append(LAW.close(f"division with over without the drug, x = {per_uM:g} per uM, half the molar mass", ratio,
                           1.0 / (1.0 + 2.0 * per_uM * now_uM), 1e-6, is_control=True))
    differing = int((hazards(with_drug, 0.0) != hazards(without, 0.0)).sum())
    found.append(LAW.bounded("hazards that the drug changes, x = 0", differing, 0.0, 0.0))
    return tuple(found)
