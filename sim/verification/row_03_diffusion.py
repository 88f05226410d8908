"""Diffusion: second order in space, nothing lost, and the spreading of a Gaussian.

The model's fields are quasi-steady, so its solver `steady_linear` (VEGF, chemoattractant, interferon gamma) is held
against the screened Poisson equation D lap(u) - k u + s = 0 with zero flux at the faces.

* Order: s = k u - D lap(u) for u = exp(-r^2 / 2 sigma^2), whose Laplacian is u (r^2 / sigma^2 - d) / sigma^2 in d
  dimensions; L2 error on grids of 40, 20 and 10 um. And u = cos(pi x / l) cos(2 pi y / l), which meets the faces
  with zero flux. Judged: measured order 2 +- 0.2.
* Conservation: the integral of k u is that of s, for a random source. Judged: 1e-5.
* Spreading: steps of backward Euler, (u' - u) / dt = D lap(u'), are the same equation with k = 1 / dt, s = u / dt; the
  variance of a Gaussian grows by 2 D t along every axis (Fick) and its amount stays. Judged: 0.5 % of the growth.

Negative control: a solver given a diffusivity 5 % too large does not spread it by 2 D t. Transport as of VEGF.
"""

import math

import numpy as np

from lesionlab.sim.numerics.linear_fields import steady_linear
from lesionlab.sim.processes import vegf
from lesionlab.sim.state.state import SITE_UM
from lesionlab.sim.verification.judging import Check, Law

LAW = Law(3, "diffusion")
BOX_UM = 1280.0
SIGMA_UM = 100.0
SPACINGS_UM = (40.0, 20.0, 10.0)
N_STEPS, STEP_S = 20, 10.0
_P = vegf.Parameters()


def _axes(n_dimensions: int, spacing: float, box: float) -> list[np.ndarray]:
    """Return the coordinates of the sites' centres along (z, y, x), each broadcastable; z is 0 in two dimensions."""
    line = (np.arange(round(box / spacing)) + 0.5) * spacing
    z = line if n_dimensions == 3 else np.array([box / 2.0])
    return [z[:, None, None], line[None, :, None], line[None, None, :]]


def gaussian_error(n_dimensions: int, spacing: float) -> float:
    """Return the relative L2 error of the solver for a Gaussian in the middle of the box."""
    box = BOX_UM if n_dimensions == 2 else 800.0
    squares = sum((axis - box / 2.0) ** 2 for axis in _axes(n_dimensions, spacing, box))
    sigma = SIGMA_UM if n_dimensions == 2 else 80.0
    exact = np.exp(-squares / (2.0 * sigma**2))
    source = _P.decay_per_s * exact - _P.diffusivity_um2_per_s * exact * (squares / sigma**2 - n_dimensions) / sigma**2
    return _error(source, exact, spacing)


def cosine_error(spacing: float) -> float:
    """Return the relative L2 error of the solver for a product of cosines of different wave numbers."""
    _, y, x = _axes(2, spacing, BOX_UM)
    ky, kx = 2.0 * math.pi / BOX_UM, math.pi / BOX_UM
    waves = 0.5 * np.cos(ky * y) * np.cos(kx * x)
    # A constant keeps the field positive, as concentrations are.
    source = _P.decay_per_s * (1.0 + waves) + _P.diffusivity_um2_per_s * (ky**2 + kx**2) * waves
    return _error(source, 1.0 + waves, spacing)


def _error(source: np.ndarray, exact: np.ndarray, spacing: float) -> float:
    field = steady_linear(source.astype(np.float32), _P.diffusivity_um2_per_s, _P.decay_per_s, spacing)
    return float(np.linalg.norm(field - exact) / np.linalg.norm(exact))


def order(errors: list[float]) -> float:
    """Return the order of convergence between the coarsest and the finest grid, each half as coarse as the last."""
    return math.log2(errors[0] / errors[-1]) / (len(errors) - 1)


def lost_share(shape: tuple[int, int, int]) -> float:
    """Return decay integrated / source integrated - 1 for a random source (fixed by its seed)."""
    source = np.random.default_rng(3).random(shape, np.float32)
    field = steady_linear(source, _P.diffusivity_um2_per_s, _P.decay_per_s, SITE_UM)
    return float(_P.decay_per_s * field.sum(dtype=np.float64) / source.sum(dtype=np.float64) - 1.0)


def spreading(diffusivity: float) -> tuple[float, float, float]:
    """Return (growth of the variance along y, along x in um2, share of the amount kept) of a Gaussian in backward Euler steps."""
    _, y, x = _axes(2, SITE_UM, BOX_UM)
    field = np.exp(-((y - BOX_UM / 2.0) ** 2 + (x - BOX_UM / 2.0) ** 2) / (2.0 * SIGMA_UM**2)).astype(np.float32)
    before = _moments(field)
    for _ in range(N_STEPS):
        field = steady_linear(field / np.float32(STEP_S), diffusivity, 1.0 / STEP_S, SITE_UM)
    after = _moments(field)
    return after[0] - before[0], after[1] - before[1], after[2] / before[2]


def _moments(field: np.ndarray) -> tuple[float, float, float]:
    """Return (variance along y, along x in um2, amount) about the middle of the box."""
    _, y, x = _axes(2, SITE_UM, BOX_UM)
    total = float(field.sum(dtype=np.float64))
    return (float((field * (y - BOX_UM / 2.0) ** 2).sum() / total), float((field * (x - BOX_UM / 2.0) ** 2).sum() / total), total)


def _orders() -> list[Check]:
    measured = [("Gaussian, 2-D", [gaussian_error(2, h) for h in SPACINGS_UM]),
                ("Gaussian, 3-D", [gaussian_error(3, h) for h in SPACINGS_UM]),
                ("cosines, 2-D", [cosine_error(h) for h in SPACINGS_UM])]
    found = []
    for what, errors in measured:
        found.append(LAW.bounded(f"order in space, {what}", order(errors), 2.0, 0.2))
        found.append(LAW.tabulated(f"L2 error on {SPACINGS_UM[1]:g} um sites, {what}", errors[1], 0.0))
    return found


def checks(effort: float = 1.0) -> tuple[Check, ...]:
    """Return the checks; nothing here is random, so `effort` changes nothing."""
    del effort
    found = _orders()
    for what, shape in (("2-D", (1, 200, 160)), ("3-D", (24, 40, 32))):
        found.append(LAW.bounded(f"decay / source - 1, {what}", lost_share(shape), 0.0, 1e-5))
    expected = 2.0 * _P.diffusivity_um2_per_s * N_STEPS * STEP_S
    along_y, along_x, kept = spreading(_P.diffusivity_um2_per_s)
    found.append(LAW.close("variance gained along y, 2 D t", along_y, expected, 0.005, "um2"))
    found.append(LAW.close("variance gained along x, 2 D t", along_x, expected, 0.005, "um2"))
    found.append(LAW.bounded("amount kept while spreading", kept, 1.0, 1e-5))
    wrong = spreading(1.05 * _P.diffusivity_um2_per_s)[1]
    found.append(LAW.close("variance gained with D 5 % too large", wrong, expected, 0.005, "um2", is_control=True))
    return tuple(found)
