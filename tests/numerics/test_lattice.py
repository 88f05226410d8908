"""Lattice: neighbours, rays, axes and crowding against what can be counted by hand."""

import numpy as np
import pytest
from scipy.ndimage import convolve

from lesionlab.sim.numerics.lattice import Lattice, crowding, depth_in, entity_of, mass_axes, neighbour, sums_around
from lesionlab.sim.numerics.random import site_entity
from lesionlab.sim.numerics.rays import outward_ray, ray_from, site_on
from lesionlab.sim.numerics.window import whole

FLAT, BLOCK = (1, 5, 5), (5, 5, 5)


def spread_words(n: int) -> list[np.uint32]:
    """Return n words, one from the middle of each n-th of their range."""
    return [np.uint32((2 * i + 1) * 2**32 // (2 * n)) for i in range(n)]


def walked(start: tuple[int, int, int], step: tuple[float, float, float], shape: tuple[int, int, int], is_block: bool) -> np.ndarray:
    """Return the places (z, y, x) of a ray to the edge of the box, (sites, 3)."""
    ray = ray_from(start, step, shape, whole(shape), is_block)
    return np.array(np.unravel_index([site_on(ray, k, shape) for k in range(ray.n)], shape)).T


def random_words(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2**32, (n, 2), dtype=np.uint32)


@pytest.mark.parametrize(("shape", "site", "n"), [(FLAT, 12, 8), (BLOCK, 62, 26)])
def test_each_moore_neighbour_is_drawn_by_an_equal_share_of_words(shape: tuple[int, int, int], site: int, n: int) -> None:
    drawn = [neighbour(site, shape, word) for word in spread_words(n)]
    offsets = np.array(np.unravel_index(drawn, shape)).T - np.array(np.unravel_index(site, shape))
    assert len(set(drawn)) == n and site not in drawn
    assert np.abs(offsets).max() == 1


def test_beyond_the_edge_of_the_box_a_site_is_its_own_neighbour() -> None:
    drawn = [neighbour(0, FLAT, word) for word in spread_words(8)]
    assert sorted(drawn) == [0, 0, 0, 0, 0, 1, 5, 6]


def test_the_box_does_not_change_a_sites_random_stream() -> None:
    small, large = (1, 9, 9), (3, 21, 15)
    for dy, dx in [(0, 0), (-3, 2), (4, -4)]:
        entities = [entity_of((centre[0] * shape[1] + centre[1] + dy) * shape[2] + centre[2] + dx, Lattice(shape, centre))
                    for shape, centre in ((small, (0, 4, 4)), (large, (1, 10, 7)))]
        assert entities[0] == entities[1] == site_entity(0, dy, dx)


@pytest.mark.parametrize("shape", [(1, 41, 41), (41, 41, 41)])
def test_a_ray_leaves_outward_within_45_degrees(shape: tuple[int, int, int]) -> None:
    centre = tuple(n // 2 for n in shape)
    site = (centre[0], centre[1] + 6, centre[2] - 8)
    outward = np.array([0.0, 0.6, -0.8])
    rays = np.array([outward_ray(site, Lattice(shape, centre), shape[0] > 1, *words) for words in random_words(400)])
    angles = np.degrees(np.arccos(rays @ outward / np.linalg.norm(rays, axis=1)))
    assert np.allclose(np.abs(rays).max(axis=1), 1.0)
    assert angles.max() <= 45.0
    # Uniform on 0 to 45 degrees: a mean of 22.5 with a standard error of 0.65.
    assert abs(angles.mean() - 22.5) < 3 * 0.65
    assert (rays[:, 0] == 0.0).all() == (shape[0] == 1)


def test_a_ray_from_the_centre_may_go_anywhere() -> None:
    rays = np.array([outward_ray((0, 10, 10), Lattice((1, 21, 21), (0, 10, 10)), False, *words) for words in random_words(400)])
    quadrants = np.unique((rays[:, 1] > 0) * 2 + (rays[:, 2] > 0), return_counts=True)[1]
    # 100 expected in each quadrant, standard deviation 8.7.
    assert len(quadrants) == 4 and np.abs(quadrants - 100).max() < 35


@pytest.mark.parametrize("step", [(0.0, 0.0, 1.0), (0.0, -1.0, 0.37), (1.0, 0.5, -0.5), (-0.2, 0.9, -1.0)])
def test_a_walk_follows_touching_sites_to_the_edge_of_the_box(step: tuple[float, float, float]) -> None:
    shape = (9, 11, 13)
    places = walked((4, 5, 6), step, shape, True)
    assert tuple(places[0]) == (4, 5, 6) and len({*map(tuple, places)}) == len(places)
    assert np.abs(np.diff(places, axis=0)).max() == 1
    assert any(place in (0, size - 1) for place, size in zip(places[-1], shape, strict=True))


@pytest.mark.parametrize(("long", "short", "degrees"), [(40.0, 40.0, 0.0), (60.0, 36.0, 0.0), (60.0, 36.0, 30.0), (48.0, 20.0, 90.0)])
def test_an_ellipse_has_its_own_axes(long: float, short: float, degrees: float) -> None:
    _, y, x = np.indices((1, 81, 81)) - 40.0
    turn = np.radians(degrees)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    state = ((along / long) ** 2 + (across / short) ** 2 <= 0.25).astype(np.uint8)
    assert mass_axes(state, whole(state.shape), False) == pytest.approx((long, short, np.inf), rel=0.01)


def test_an_ellipsoid_has_its_own_axes() -> None:
    z, y, x = np.indices((41, 61, 81)) - np.array([20, 30, 40])[:, None, None, None]
    state = ((z / 16.0) ** 2 + (y / 24.0) ** 2 + (x / 36.0) ** 2 <= 1.0).astype(np.uint8)
    assert mass_axes(state, whole(state.shape), True) == pytest.approx((72.0, 48.0, 32.0), rel=0.01)


def test_a_ray_in_a_slab_stays_within_it_and_advances_in_its_plane() -> None:
    """The faces are mirrors: the ray goes on to the edge of the plane, and meets no site twice."""
    shape, centre = (5, 41, 41), (2, 20, 20)
    start = (4, 26, 12)
    visited = set()
    for words in random_words(400):
        step = outward_ray(start, Lattice(shape, centre), False, *words)
        assert max(abs(step[1]), abs(step[2])) == pytest.approx(1.0) and abs(step[0]) <= 1.0
        places = walked(start, step, shape, False)
        assert len({*map(tuple, places)}) == len(places) and np.abs(np.diff(places, axis=0)).max() == 1
        assert any(place in (0, 40) for place in places[-1, 1:])
        visited |= set(places[:, 0])
    assert visited == set(range(5))


def test_nothing_has_no_axes_and_one_cell_those_of_a_unit_square() -> None:
    state = np.zeros((1, 5, 5), np.uint8)
    assert mass_axes(state, whole(state.shape), False) == (0.0, 0.0, 0.0)
    state[0, 2, 2] = 7
    assert mass_axes(state, whole(state.shape), False) == pytest.approx((4 / 12**0.5, 4 / 12**0.5, np.inf))


def test_crowding_is_the_occupied_share_of_the_square_cut_at_the_box() -> None:
    state = np.zeros((1, 9, 9), np.uint8)
    state[0, 4, 2:7] = [1, 2, 0, 4, 7]
    assert crowding(state, 2, 4, 4, 0) == 4 / 25
    assert crowding(state, 2, 4, 0, 0) == 1 / 15
    assert crowding(state, 2, 0, 0, 0) == 0.0
    assert crowding(np.ones((3, 3, 3), np.uint8), 1, 0, 0, 0) == 1.0


@pytest.mark.parametrize("shape", [(1, 30, 41), (7, 9, 13), (3, 2, 3), (1, 1, 5)])
@pytest.mark.parametrize("reach", [1, 2, 4])
def test_sums_around_a_site_are_those_of_its_window(shape: tuple[int, int, int], reach: int) -> None:
    values = np.random.default_rng(3).integers(0, 2, shape).astype(np.uint8)
    window = np.ones((2 * reach + 1,) * 3, int)
    assert (sums_around(values, reach) == convolve(values.astype(int), window, mode="constant")).all()


@pytest.mark.parametrize(("offset", "half_axes", "depth"), [
    ((0.0, 0.0, 0.0), (np.inf, 30.0, 50.0), 30.0), ((0.0, 3.0, 4.0), (np.inf, 20.0, 20.0), 15.0),
    ((7.0, 12.0, 16.0), (np.inf, 25.0, 25.0), 5.0), ((0.0, 28.0, 0.0), (np.inf, 30.0, 50.0), 2.0),
    ((0.0, 0.0, -45.0), (np.inf, 30.0, 50.0), 5.0), ((0.0, 0.0, 5.0), (np.inf, 30.0, 50.0), 30.0),
    ((2.0, 3.0, 6.0), (10.0, 10.0, 10.0), 3.0), ((0.0, 0.0, 60.0), (np.inf, 30.0, 50.0), -10.0)])
def test_depth_is_the_distance_to_the_surface_on_axes_and_in_circles_never_more_than_the_shortest_half_axis(
        offset: tuple[float, ...], half_axes: tuple[float, ...], depth: float) -> None:
    assert depth_in(offset, half_axes) == pytest.approx(depth)


def test_near_the_surface_of_an_ellipse_depth_is_the_nearest_distance() -> None:
    """Held to the nearest of many points of the ellipse; further in it is somewhat too large off the axes."""
    around = np.linspace(0.0, 2.0 * np.pi, 20_000)
    surface = np.stack([30.0 * np.sin(around), 50.0 * np.cos(around)])
    for angle in np.linspace(0.0, np.pi / 2.0, 9):
        for radius, tolerance in ((0.95, 0.03), (0.8, 0.15)):
            place = radius * np.array([30.0 * np.sin(angle), 50.0 * np.cos(angle)])
            nearest = np.hypot(*(surface - place[:, None])).min()
            assert depth_in((0.0, *place), (np.inf, 30.0, 50.0)) == pytest.approx(nearest, rel=tolerance)
