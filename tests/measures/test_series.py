"""Series: every series counted by hand on a small section; measuring changes nothing."""

import math

import numpy as np
import pytest

from lesionlab.sim.measures import lesion_size
from lesionlab.sim.measures.measured_section import MeasuredSection
from lesionlab.sim.measures.registry import of_lesion
from lesionlab.sim.measures.series import LEAST_CELLS, MEASURES, measure, measure_patient, measure_tissue
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import SITES_PER_MM2, DrugLevel, Tissue
from tests.made_state import add_t_cells, bare_tissue, changed, fill_disc, remember, state_of


def counted() -> Tissue:
    """Return a disc of 113 cells: a row of 13 through the middle is dead, doomed or resting, everything marked by rows."""
    tissue = bare_tissue(weight=10.0, volume_weight=100.0)
    fill_disc(tissue, 6.0)
    tissue.oxygen.fill(20.0)
    lesion_size.fix_baseline(tissue, 11_300.0)
    tissue.state[0, 10, 4:17] = [CellState.NECROTIC] * 4 + [CellState.DOOMED] * 3 + [CellState.QUIESCENT] * 6
    return tissue


def test_cells_and_their_shares_are_counted() -> None:
    tissue = counted()
    tissue.weight = 50.0
    values = measure_tissue(tissue)
    assert (values["viable_cells"], values["doomed_cells"], values["dead_cells"]) == (106, 3, 4)
    assert values["clonogens"] == 106 * 50.0
    assert values["lesion_cells"] == 106 * 50.0 + 7 * 100.0
    assert values["growth_fraction"] == pytest.approx(100 / 106)
    assert (values["clonogen_weight"], values["scale"]) == (50.0, tissue.scale)


def test_oxygen_is_measured_on_living_cells_and_over_the_mass() -> None:
    tissue = counted()
    tissue.oxygen[0, 10] = 4.0
    tissue.oxygen[0, 9] = 8.0
    tissue.oxygen[0, :3] = 0.0
    values = measure_tissue(tissue)
    row_9 = int((tissue.state[0, 9] > 0).sum())
    assert values["hypoxic_fraction_below_5_mmHg"] == pytest.approx(9 / 109)
    assert values["hypoxic_fraction_below_10_mmHg"] == pytest.approx((9 + row_9) / 109)
    assert values["mean_oxygen_mmHg"] == pytest.approx((4.0 * 13 + 8.0 * row_9 + 20.0 * (100 - row_9)) / 113)


def test_core_and_rim_are_shown_apart() -> None:
    tissue = bare_tissue((1, 61, 61))
    fill_disc(tissue, 25.0)
    lesion_size.fix_baseline(tissue, 1e6)
    _, y, x = np.indices(tissue.state.shape)
    radius = np.hypot(y - 30, x - 30)
    tissue.oxygen[:] = np.where(radius < 12.0, 1.0, np.where(radius < 21.0, 4.0, 30.0))
    values = measure_tissue(tissue)
    assert values["hypoxic_fraction_core"] == 1.0
    assert values["hypoxic_fraction_rim"] == pytest.approx((21.0**2 - 20.0**2) / (25.0**2 - 20.0**2), rel=0.1)


def test_vessels_t_cells_and_pd_l1_are_those_of_the_mass() -> None:
    tissue = counted()
    tissue.vessel[0, 8, 8:12], tissue.maturity[0, 8, 8:12], tissue.perfusion[0, 8, 8:10] = 1, 0.4, 1.0
    tissue.vessel[0, 0, 0], tissue.perfusion[0, 0, 0] = 1, 1.0
    tissue.pd_l1[0, 7:9, 8:12] = 1
    add_t_cells(tissue, [8 * 21 + 10, 8 * 21 + 11], is_exhausted=1)
    add_t_cells(tissue, [8 * 21 + 10], is_specific=0)
    add_t_cells(tissue, [0])
    values = measure_tissue(tissue)
    per_mm2 = SITES_PER_MM2 / 113
    expected = {"vessels_per_mm2": 4 * per_mm2, "perfused_vessels_per_mm2": 2 * per_mm2, "vessel_maturity": 0.4,
                "pd_l1_positive_fraction": 8 / 109, "t_cells_per_mm2": 3 * per_mm2, "specific_t_cells_per_mm2": 2 * per_mm2,
                "exhausted_fraction": 2 / 3}
    assert {name: values[name] for name in expected} == pytest.approx(expected)


def test_deaths_are_those_of_the_ledger() -> None:
    tissue = counted()
    tissue.ledger[:] = np.arange(6.0)
    values = measure_tissue(tissue)
    for cause in Hazard:
        assert cause == Hazard.DIVISION or values[f"deaths_{cause.name.lower()}"] == float(cause)


def test_a_share_of_nothing_is_nan_and_a_count_of_nothing_is_nothing() -> None:
    tissue = counted()
    tissue.state.fill(CellState.STROMA)
    values = measure_tissue(tissue)
    assert all(math.isnan(values[name]) for name in ("growth_fraction", "mean_oxygen_mmHg", "t_cells_per_mm2", "vessel_maturity"))
    assert values["viable_cells"] == values["lesion_cells"] == values["longest_diameter_cm"] == 0.0


@pytest.mark.parametrize(("n", "is_measured"), [(LEAST_CELLS - 1, False), (LEAST_CELLS, True)])
def test_densities_over_hardly_any_tissue_are_left_out(n: int, is_measured: bool) -> None:
    tissue = counted()
    tissue.state.reshape(-1)[np.flatnonzero(tissue.state)[n:]] = CellState.STROMA
    values = measure_tissue(tissue)
    for name in ("vessels_per_mm2", "perfused_vessels_per_mm2", "t_cells_per_mm2", "specific_t_cells_per_mm2"):
        assert math.isnan(values[name]) != is_measured


def test_the_patient_is_her_pools_effects_and_burden() -> None:
    state = state_of(counted(), specific_blood=2.0, bystander_blood=3.0, memory=5.0, pd1_occupancy=0.25, antigen=np.array([1.0, 2.0, 7.0]))
    values = measure_patient(state)
    assert (values["effector_t_cells"], values["specific_effector_t_cells"], values["memory_t_cells"]) == (5.0, 2.0, 5.0)
    assert (values["pd1_occupancy"], values["antigen"], values["burden_cells"]) == (0.25, 7.0, lesion_size.burden(state))


def test_a_row_holds_every_declared_series_and_no_other() -> None:
    state = state_of(counted(), counted(), drugs=[DrugLevel("one", "anti_pd1", level=4.5)])
    row = measure(state)
    assert set(row) == {m.name for m in MEASURES} and len(row) == len(MEASURES)
    for m in MEASURES:
        assert len(row[m.name]) == {"lesion": 2, "drug": 1}[m.dimension] if m.dimension else isinstance(row[m.name], float)
        assert m.unit and m.long_name
    assert row["drug_level"] == [4.5]


def test_a_second_series_of_the_same_name_is_refused() -> None:
    def scale(section: MeasuredSection) -> float:
        return section.viable

    with pytest.raises(ValueError, match="scale: two series have this name"):
        of_lesion("1", "made for a test")(scale)
    assert measure_tissue(counted())["scale"] != 106, "the first one stands"


def test_a_dormant_deposit_has_sizes_and_nothing_else() -> None:
    tissue = counted()
    awake = measure_tissue(tissue)
    tissue.is_dormant = True
    asleep = measure_tissue(tissue)
    assert {name for name, value in asleep.items() if not math.isnan(value)} == {
        "viable_cells", "clonogens", "lesion_cells", "clonogen_weight", "scale", "longest_diameter_cm", "short_axis_cm"}
    assert asleep["lesion_cells"] == awake["lesion_cells"] and not math.isnan(awake["mean_oxygen_mmHg"])


def test_measuring_changes_nothing() -> None:
    tissue = counted()
    add_t_cells(tissue, [5])
    state = state_of(tissue)
    before = remember(state)
    measure(state)
    assert changed(before, state) == set()
