"""First state: the section has the shape, cells, vessels and PD-L1 of its parameters; the box changes no random stream."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from lesionlab.sim import t_cell_steps
from lesionlab.sim.initial_state import MOST_LAYERS, Section, laid_per_mm2, seed
from lesionlab.sim.numerics.lattice import mass_axes
from lesionlab.sim.processes import population_control
from lesionlab.sim.schedule import PARAMETERS, SCHEDULE
from lesionlab.sim.state.codes import CellState, Hazard
from lesionlab.sim.state.state import SITE_UM, SITES_PER_MM2, Tissue
from tests.invariants import check
from tests.made_state import KEY, add_t_cells, bare_tissue, clock_at, state_of

GROUPS: dict[str, Any] = {name: PARAMETERS[name]() for name in ("tissue", "vessels", "oxygen", "pd_l1")}
DEFAULTS: dict[str, Any] = {name: group() for name, group in PARAMETERS.items()}
RULES = {row.name: row.module for row in SCHEDULE}
MARGIN = GROUPS["tissue"].margin_sites


def made(cells: int = 8000, vessel_factor: float = 1.0, name: str = "neck", **tissue: int) -> Tissue:
    groups = GROUPS | {"tissue": GROUPS["tissue"]._replace(**tissue)}
    return seed(name, Section((4.0, 3.0), cells), (1.0, vessel_factor), groups, KEY)


@pytest.mark.parametrize("size_cm", [(4.0, 4.0), (10.0, 8.0, 6.0), (8.3, 4.3)])
@pytest.mark.parametrize("cells", [500, 12_000])
def test_a_section_has_the_cells_and_the_shape_asked_for(size_cm: tuple[float, ...], cells: int) -> None:
    section = Section(size_cm, cells)
    shape, (half_z, half_y, half_x) = section.shape(MARGIN), section.half_axes
    assert math.isinf(half_z) and math.pi * half_y * half_x == pytest.approx(cells)
    assert half_x / half_y == pytest.approx(size_cm[0] / size_cm[1])
    assert shape[0] == 1 and shape[1] // 2 >= half_y + MARGIN and shape[2] // 2 >= half_x + MARGIN


def test_a_lesion_smaller_than_its_section_is_simulated_whole() -> None:
    """1 mm across: 1963 sites of 20 um, at L = 1."""
    for section in (Section((0.1, 0.1), 12_000), Section((0.1, 0.1), 900_000, 5), Section((0.1, 0.1, 0.1), 90_000, is_block=True)):
        assert 2.0 * section.half_axes[2] * SITE_UM * 1e-4 == pytest.approx(0.1)


def test_a_slab_shares_its_cells_among_its_layers() -> None:
    section = Section((4.0, 3.0), 6000, 3)
    assert section.half_axes == Section((4.0, 3.0), 2000).half_axes and section.shape(MARGIN)[0] == 3


def test_a_block_is_an_ellipsoid_of_the_lesion_s_shape_with_room_for_chance() -> None:
    """A third diameter left out equals the second; the box has at most 63 layers, in which no two sites share random numbers."""
    section = Section((4.0, 3.0), 8000, is_block=True)
    half_z, half_y, half_x = section.half_axes
    assert 4.0 / 3.0 * math.pi * half_z * half_y * half_x == pytest.approx(8000)
    assert half_z == half_y == pytest.approx(0.75 * half_x) and section.depth_cm == 3.0
    assert section.shape(MARGIN)[0] == 2 * math.ceil(max(half_y, (8000 * 0.75 / math.pi) ** (1 / 3)) + MARGIN) + 1 <= MOST_LAYERS
    assert Section((4.0, 4.0), 80_000, is_block=True).shape(MARGIN)[0] == MOST_LAYERS


def test_the_mass_is_an_ellipse_of_proliferating_cells_within_stroma() -> None:
    tissue = made()
    assert set(np.unique(tissue.state)) == {CellState.STROMA, CellState.PROLIFERATING}
    assert np.count_nonzero(tissue.state) == tissue.capacity == pytest.approx(8000, rel=0.02)
    long, short, _ = mass_axes(tissue.state, tissue.window, False)
    assert long / short == pytest.approx(4.0 / 3.0, rel=0.02)
    check(state_of(tissue))


@pytest.mark.parametrize("vessel_factor", [0.5, 1.0, 2.0])
def test_vessels_have_their_densities_in_host_tissue_and_in_the_mass(vessel_factor: float) -> None:
    tissue, p = made(vessel_factor=vessel_factor), GROUPS["vessels"]
    host, mass = tissue.state == CellState.STROMA, tissue.state > 0
    perfused = vessel_factor * p.rim_density_per_mm2 / SITES_PER_MM2
    for laid, share in ((tissue.vessel[host].sum(), perfused / p.perfused_normal), (tissue.perfusion[host].sum(), perfused)):
        low, high = binom.interval(0.9999, int(host.sum()), share)
        assert low <= laid <= high
    assert (tissue.maturity[host & (tissue.vessel == 1)] == np.float32(p.maturity_normal)).all()
    perfused_per_mm2 = tissue.perfusion[mass].mean() * SITES_PER_MM2 / vessel_factor
    assert 0.8 * p.core_density_per_mm2 < perfused_per_mm2 < 1.2 * p.rim_density_per_mm2
    assert np.allclose(tissue.maturity[mass & (tissue.vessel == 1)], p.maturity_tumour)


@pytest.mark.parametrize("is_block", [False, True])
def test_vessels_grow_rarer_with_depth_as_they_are_asked_to(is_block: bool) -> None:
    """In five rings of a wide section, each against the mean of the law over its sites."""
    groups = GROUPS | {"vessels": GROUPS["vessels"]._replace(rim_density_per_mm2=120.0, core_density_per_mm2=20.0, density_depth_um=200.0)}
    section = Section((4.0, 4.0), 60_000, is_block=is_block)
    tissue = seed("neck", section, (1.0, 1.0), groups, KEY)
    places = np.argwhere(tissue.state > 0)
    radii = np.sqrt(((places - tissue.centre) ** 2).sum(axis=1))
    depth_um = SITE_UM * np.maximum(section.half_axes[2] - radii, 0.0)
    laid = (20.0 + 100.0 * np.exp(-depth_um / 200.0)) / GROUPS["vessels"].perfused_tumour / SITES_PER_MM2
    for inner, outer in itertools.pairwise(np.linspace(depth_um.max(), 0.0, 6)):
        ring = (depth_um <= inner) & (depth_um > outer)
        low, high = binom.interval(0.9999, int(ring.sum()), float(laid[ring].mean()))
        assert low <= int(tissue.vessel[tissue.state > 0][ring].sum()) <= high


@pytest.mark.parametrize("change", [{}, {"density_depth_um": 0.0}, {"perfusion_size_exponent": 0.0}])
def test_the_mean_density_that_is_laid_is_foretold(change: dict[str, float]) -> None:
    """By what is laid in twenty sections: the standard error of the mean is about 1 %."""
    p = GROUPS["vessels"]._replace(**change)
    section = Section((10.0, 8.0, 6.0), 8000)
    sections = [seed(f"neck{number}", section, (1.0, 1.5), GROUPS | {"vessels": p}, KEY) for number in range(20)]
    found = np.mean([tissue.perfusion[tissue.state > 0].mean() for tissue in sections]) * SITES_PER_MM2
    assert laid_per_mm2(section, p, 1.5) == pytest.approx(found, rel=0.04)


def test_pd_l1_starts_at_its_baseline_share_of_the_cells() -> None:
    tissue = made()
    low, high = binom.interval(0.9999, tissue.capacity, GROUPS["pd_l1"].baseline_share)
    assert low <= tissue.pd_l1.sum() <= high
    assert not tissue.pd_l1[tissue.state == 0].any()


def test_oxygen_is_solved_from_the_start() -> None:
    tissue = made(cells=500)
    assert 0.0 < tissue.oxygen_residual <= GROUPS["oxygen"].tolerance_mmHg
    assert 0.0 < tissue.oxygen.max() < GROUPS["oxygen"].vessel_mmHg


def test_the_size_of_the_box_changes_no_random_stream() -> None:
    small, large = made(cells=500, margin_sites=12), made(cells=500, margin_sites=30)
    assert small.state.shape != large.state.shape
    (_, sy, sx), (_, ly, lx) = small.centre, large.centre
    ny, nx = small.state.shape[1:]
    window = (slice(None), slice(ly - sy, ly - sy + ny), slice(lx - sx, lx - sx + nx))
    for array in ("state", "vessel", "maturity", "pd_l1", "perfusion"):
        assert (getattr(small, array) == getattr(large, array)[window]).all()


def test_another_name_is_another_random_stream() -> None:
    assert (made(name="neck").vessel == made(name="neck").vessel).all()
    assert (made(name="neck").vessel != made(name="pelvis").vessel).any()


def under_weighted_in_a_box(edge: int) -> Tissue:
    """Return weighted clonogens of a nearly eradicated lesion and T cells among them, in a box of so many sites, after half a day."""
    tissue = bare_tissue((1, edge, edge), weight=1e3, volume_weight=1e6)
    middle, random = edge // 2, np.random.default_rng(3)
    for y, x in random.integers(-7, 8, (40, 2)):
        tissue.state[0, middle + y, middle + x] = CellState.PROLIFERATING
    tissue.oxygen.fill(10.0)
    add_t_cells(tissue, [(middle + y) * edge + middle + x for y, x in np.unique(random.integers(-7, 8, (30, 2)), axis=0)])
    state = state_of(tissue)
    for step in range(12):
        for name in ("cell_cycle", "apoptosis", "cell_fate"):
            RULES[name].update(state, DEFAULTS[name], clock_at(step))
        t_cell_steps.advance(state, DEFAULTS, clock_at(step))
        population_control.update(state, DEFAULTS["population_control"], clock_at(step))
    return tissue


def test_the_box_changes_no_random_stream_in_an_under_weighted_section_either() -> None:
    """Ghost contacts, and the lines that replace clonogens killed by T cells: the same, relative to the centre."""
    seen = []
    for edge in (91, 107):
        tissue = under_weighted_in_a_box(edge)
        t, ghost_contacts, middle = tissue.t_cells, tissue.ghost_contacts, edge // 2
        core = tissue.state[0, middle - 12 : middle + 13, middle - 12 : middle + 13]
        n = ghost_contacts.n
        sites = [np.stack(np.divmod(rows, edge)) - middle
                 for rows in (t.site[: t.n], ghost_contacts.clonogen[:n], ghost_contacts.site[:n])]
        seen.append((core.copy(), *sites, tissue.ledger.copy(), tissue.weight))
    assert all(np.array_equal(one, other) for one, other in zip(*seen, strict=True))
    assert len(seen[0][2][0]) > 0 and seen[0][4][Hazard.T_CELL] > 0.0 and seen[0][5] < 1e3
