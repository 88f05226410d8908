"""Clinic: sizes at baseline are those of the scenario; they follow cells lost, growth of the view and the weight of clonogens."""

import math

import numpy as np
import pytest

from lesionlab.sim.measures import lesion_size
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import Tissue
from tests.made_state import bare_tissue, fill_disc, state_of

CELLS = 2.5e10


def lesion(radius: float = 30.0, aspect: float = 0.8) -> Tissue:
    """Return an elliptical mass that stands for a lesion of 10 x 8 cm."""
    tissue = bare_tissue((1, 81, 81), size_cm=(10.0, 8.0))
    fill_disc(tissue, radius, aspect=aspect)
    lesion_size.fix_baseline(tissue, CELLS)
    return tissue


def shrink_to(tissue: Tissue, share: float, aspect: float = 0.8) -> None:
    """Leave an ellipse with a share of the cells."""
    tissue.state.fill(CellState.STROMA)
    fill_disc(tissue, 30.0 * math.sqrt(share), aspect=aspect)


@pytest.mark.parametrize(("size_cm", "cells"), [
    ((2.0, 1.0, 1.0), 1e8 * math.pi / 3), ((2.0, 1.0), 1e8 * math.pi / 3), ((1.0, 1.0), 1e8 * math.pi / 6)])
def test_an_ellipsoid_holds_1e8_cells_per_cm3(size_cm: tuple[float, ...], cells: float) -> None:
    assert lesion_size.lesion_cells_of(size_cm) == pytest.approx(cells)


def test_at_baseline_the_sizes_and_cells_are_those_of_the_scenario() -> None:
    tissue = lesion()
    assert lesion_size.diameters_cm(tissue) == pytest.approx((10.0, 8.0))
    assert tissue.lesion_cells == pytest.approx(CELLS)
    assert tissue.capacity == np.count_nonzero(tissue.state)
    assert tissue.weight == tissue.volume_weight == CELLS / tissue.capacity
    assert tissue.scale == pytest.approx(10.0 / (60.0 * lesion_size.SITE_CM), rel=0.01)
    assert not tissue.ledger.any()


def test_a_section_that_loses_77_percent_of_its_cells_reads_38_percent_smaller() -> None:
    tissue = lesion()
    shrink_to(tissue, 0.23)
    kept = 0.23 ** (1.0 / 3.0)
    assert kept == pytest.approx(0.62, abs=0.01)
    assert lesion_size.diameters_cm(tissue) == pytest.approx((10.0 * kept, 8.0 * kept), rel=0.02)


def test_dead_cells_count_until_they_are_cleared() -> None:
    tissue = lesion()
    tissue.state[tissue.state > 0] = CellState.NECROTIC
    assert lesion_size.diameters_cm(tissue) == pytest.approx((10.0, 8.0))
    assert tissue.census() == (0, 0, tissue.capacity)


def test_a_change_of_shape_alone_changes_the_ratio_and_not_the_size() -> None:
    tissue = lesion(26.8, aspect=1.0)
    tissue.size_cm = (9.0, 9.0)
    shrink_to(tissue, 1.0)
    long, short = lesion_size.diameters_cm(tissue)
    assert long / short == pytest.approx(1.0 / 0.8, rel=0.02)
    assert math.sqrt(long * short) == pytest.approx(9.0, rel=0.02)


def test_growth_of_the_view_grows_the_size_in_proportion() -> None:
    tissue = lesion()
    tissue.scale *= 1.5
    assert lesion_size.diameters_cm(tissue) == pytest.approx((15.0, 12.0))


@pytest.mark.parametrize("dead_share", [0.0, 0.5])
def test_a_weight_controlled_section_shrinks_by_the_cube_root_of_the_cells_it_stands_for(dead_share: float) -> None:
    tissue = lesion()
    sites = np.flatnonzero(tissue.state.reshape(-1))
    tissue.state.reshape(-1)[sites[: round(dead_share * len(sites))]] = CellState.NECROTIC
    tissue.weight = tissue.volume_weight / 8.0
    held = dead_share + (1.0 - dead_share) / 8.0
    assert lesion_size.diameters_cm(tissue)[0] == pytest.approx(10.0 * held ** (1.0 / 3.0), rel=1e-3)
    assert tissue.lesion_cells == pytest.approx(CELLS * held, rel=1e-3)


def test_an_empty_section_measures_nothing() -> None:
    tissue = lesion()
    tissue.state.fill(CellState.STROMA)
    assert lesion_size.diameters_cm(tissue) == (0.0, 0.0)
    assert tissue.lesion_cells == 0.0


def test_the_burden_is_that_of_all_lesions_at_their_weights() -> None:
    tissue = bare_tissue((1, 1, 8), weight=10.0, volume_weight=100.0)
    tissue.state[0, 0] = list(CellState)
    assert tissue.census() == (2, 1, 4)
    assert lesion_size.burden(state_of(tissue, lesion())) == pytest.approx(2 * 10.0 + 5 * 100.0 + CELLS)


def test_holding_the_size_undoes_growth_before_day_0() -> None:
    tissue = lesion(20.0)
    fill_disc(tissue, 30.0, aspect=0.8)
    tissue.scale = 99.0
    lesion_size.hold_size(tissue, CELLS)
    assert lesion_size.diameters_cm(tissue) == pytest.approx((10.0, 8.0))
    assert tissue.lesion_cells == pytest.approx(CELLS)


def test_what_births_pushed_out_of_view_is_forgotten_on_day_0_and_not_before() -> None:
    """Until then T cells have yet to be thinned by it (`population_control`)."""
    tissue = lesion()
    tissue.n_dropped, tissue.ledger[:] = 3, 5.0
    lesion_size.hold_size(tissue, CELLS)
    assert tissue.n_dropped == 3 and (tissue.ledger == 5.0).all()
    lesion_size.fix_baseline(tissue, CELLS)
    assert tissue.n_dropped == 0 and not tissue.ledger.any()
