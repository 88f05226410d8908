"""Planes of a page: what is packed comes back, at every chunk; classes and colours are those of the figures."""

import numpy as np
import pytest

from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.sections import classify
from lesionlab.sim.page import packing
from lesionlab.sim.page.layers import N_OXYGEN, T_CELL_AT, VESSEL_AT, layers, oxygen_levels, site_words, sites
from lesionlab.sim.page.packing import Shape, averaged, deflated, inflated, thinned


def test_a_chunk_comes_back_as_it_was() -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (5, 7, 11), dtype=np.uint8)
    assert np.array_equal(inflated(deflated(pictures), 7, 11), pictures)


def test_pictures_that_hardly_change_take_hardly_any_room() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (100, 100), dtype=np.uint8)
    many = np.stack([picture] * 30)
    many[17, 3, 3] ^= 1
    assert len(deflated(many)) < 1.2 * len(deflated(many[:1]))


def test_chunks_cover_every_picture_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "CHUNK_BYTES", 250)
    shape = Shape(7, 10, 10, 1)
    assert [list(part) for part in shape.ranges()] == [[0, 1], [2, 3], [4, 5], [6]]


def test_a_picture_larger_than_a_chunk_is_a_chunk_of_its_own() -> None:
    assert Shape(3, 4000, 4000, 1).per_chunk == 1


def test_thinning_takes_the_middle_site_and_oxygen_the_mean() -> None:
    field = np.arange(42, dtype=np.uint8).reshape(6, 7)
    assert thinned(field, 3).tolist() == [[8, 11], [29, 32]]
    assert averaged(field.astype(float), 3).tolist() == [[8, 11], [29, 32]]
    assert np.array_equal(thinned(field, 1), field)


def _colour(layer: object, code: int) -> str:
    return layer.colours[code].upper()  # type: ignore[attr-defined]


def test_the_tissue_layer_paints_as_the_figures_do() -> None:
    """Every combination of state, oxygen, vessel and T cell has the colour of its class in the figures."""
    state, oxygen, vessel, t_cell = (grid.ravel() for grid in np.meshgrid(np.arange(8), [2.0, 20.0], np.arange(3), [0, 1], indexing="ij"))
    state, vessel, t_cell = (codes.astype(np.uint8) for codes in (state, vessel, t_cell))
    tissue = layers(has_t_cell_states=False)[0]
    painted = [_colour(tissue, code) for code in sites(state, oxygen, vessel, t_cell)]
    assert painted == [style.TISSUE[kind].colour for kind in classify(state, oxygen, vessel, t_cell)]


def test_a_vessel_stays_visible_in_its_own_layer_where_a_t_cell_covers_it() -> None:
    code = 1 | 2 << VESSEL_AT | 1 << T_CELL_AT
    tissue, _, vessels, t_cells = layers(has_t_cell_states=False)
    assert _colour(vessels, code) == style.TISSUE[style.TISSUE_CODE["perfused"]].colour
    assert _colour(tissue, code) == _colour(t_cells, code) == style.TISSUE[style.TISSUE_CODE["t_cell"]].colour


def test_oxygen_below_five_is_below_the_line() -> None:
    levels = oxygen_levels(np.array([0.0, 0.99, 4.99, 5.0, 39.9, 40.0, 70.0]))
    assert levels.tolist() == [0, 0, 4, 5, 39, 40, 40]
    assert layers(has_t_cell_states=False)[1].line_below == style.HYPOXIA_MMHG == 5
    assert N_OXYGEN == 41


def test_the_words_of_a_site_name_every_code() -> None:
    words = site_words()
    assert words["classes"] == [entry.label for entry in style.TISSUE[:7]]
    assert words["vessels"] == ["", "vessel, not perfused", "vessel, perfused"]
    assert layers(has_t_cell_states=True)[3].legend[2].label == words["t_cells"][4]
