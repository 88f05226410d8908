"""Site flags: one number a site with the content of five arrays, and T-cell counts read back from it."""

from itertools import pairwise

import numpy as np
import pytest

from lesionlab.sim.layouts import site_flags
from lesionlab.sim.numerics import threads
from lesionlab.sim.numerics.random import RandomStream
from lesionlab.sim.numerics.window import Span
from lesionlab.sim.processes import t_cell_motion
from lesionlab.sim.processes.t_cell_motion import Parameters, commit, motion_inputs
from lesionlab.sim.state.codes import CellState
from lesionlab.sim.state.state import Tissue
from tests.made_state import add_t_cells, bare_tissue


def mixed() -> Tissue:
    """Return a section with every kind of cell, with and without antigen, in and out of the mass, and up to nine T cells a site."""
    tissue, random = bare_tissue((2, 19, 23)), np.random.default_rng(1)
    shape = tissue.state.shape
    tissue.state[:] = random.integers(0, len(CellState), shape)
    tissue.lost_antigen[:], tissue.near_mass[:] = random.integers(0, 2, shape), random.integers(0, 2, shape)
    tissue.t_count[:] = random.integers(0, 10, shape)
    return tissue


@pytest.mark.parametrize("n_threads", [1, 3])
def test_the_site_flags_agree_with_the_lattices(n_threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "LEAST_SITES", 1)
    tissue = mixed()
    with threads.hired(n_threads):
        found = site_flags.lay(tissue).reshape(tissue.state.shape)
    is_living = np.isin(tissue.state, (CellState.PROLIFERATING, CellState.QUIESCENT, CellState.DOOMED))
    expected = {site_flags.NEAR_MASS: tissue.near_mass > 0, site_flags.LIVING: is_living,
                site_flags.KNOWN: is_living & (tissue.lost_antigen == 0), site_flags.DOOMED: tissue.state == CellState.DOOMED,
                site_flags.CLAIMED: False, site_flags.CONTESTED: False}
    assert (found & site_flags.COUNT == tissue.t_count).all()
    for bits, holds in expected.items():
        assert ((found & bits > 0) == holds).all()
    assert sum(map(int, expected)) + int(site_flags.COUNT) == (1 << 14) - 1


def test_counts_go_back_and_nothing_else_changes() -> None:
    tissue = mixed()
    before, laid = tissue.t_count.copy(), site_flags.lay(tissue)
    laid += np.uint16(3)
    site_flags.take_counts(laid, tissue)
    assert (tissue.t_count == before + 3).all()


@pytest.mark.parametrize("n_pieces", [1, 4])
def test_the_highest_bid_for_a_site_wins_however_many_claim_it(n_pieces: int) -> None:
    """Against a plain table, with few sites for many T cells and goals that share a slot; no claim stays behind."""
    random, n = np.random.default_rng(2), 400
    tissue = bare_tissue((1, 41, 41))
    add_t_cells(tissue, random.integers(0, 41 * 41, n))
    laid = site_flags.lay(tissue)
    motion = motion_inputs(tissue, laid, Parameters())
    goals = np.where(random.random(n) < 0.5, random.integers(0, 41 * 41, n), 64 * random.integers(0, 20, n))
    motion.hops.hopper[:], motion.hops.goal[:], motion.hops.bid[:] = random.permutation(n), goals, random.permutation(n) + (1 << 40)
    best: dict[int, int] = {}
    for goal, bid in zip(goals.tolist(), motion.hops.bid.tolist(), strict=True):
        best[goal] = max(best.get(goal, 0), bid)
    expected = tissue.t_cells.site[:n].copy()
    for row, goal, bid in zip(motion.hops.hopper.tolist(), goals.tolist(), motion.hops.bid.tolist(), strict=True):
        expected[row] = goal if best[goal] == bid else expected[row]
    edges = [n * k // n_pieces for k in range(n_pieces + 1)]
    commit(np.array([[first, end - first] for first, end in pairwise(edges)]), motion)
    assert (tissue.t_cells.site[:n] == expected).all() and len(best) < n
    assert (laid & (site_flags.CLAIMED | site_flags.CONTESTED) == 0).all()
    site_flags.take_counts(laid, tissue)
    assert (tissue.t_count.reshape(-1) == np.bincount(expected, minlength=41 * 41)).all()


def test_bids_of_t_cells_differ() -> None:
    tissue = bare_tissue((1, 41, 41))
    add_t_cells(tissue, np.random.default_rng(2).integers(0, 41 * 41, 300))
    motion = motion_inputs(tissue, site_flags.lay(tissue), Parameters())
    first, number = t_cell_motion.propose(Span(0, 300), RandomStream(*(np.uint32(word) for word in (1, 2, 3, 4))), 0, motion)
    rows, bids = motion.hops.hopper[first : first + number], motion.hops.bid[first : first + number]
    assert number > 100 and (bids.astype(np.uint32) == tissue.t_cells.id[rows]).all()
    assert len(np.unique(bids >> np.uint64(32))) > 90


def test_a_table_finds_each_site_where_it_put_it() -> None:
    sites, table = np.arange(0, 640, 64, dtype=np.int32), np.full(16, -1, np.int32)
    for site in sites:
        table[t_cell_motion._slot(site, table)] = site
    assert [int(table[t_cell_motion._slot(site, table)]) for site in sites] == sites.tolist()
    assert table[t_cell_motion._slot(np.int32(7), table)] == -1
