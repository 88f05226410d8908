"""All state of a run: plain arrays and numbers in dataclasses, nothing hidden anywhere else."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from math import inf, isfinite
from typing import Any

import numpy as np

from lesionlab.sim.numerics.random import RandomStream
from lesionlab.sim.numerics.window import EMPTY, Window, count_codes, whole
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import N_HAZARDS, NO_FATE, CellState
from lesionlab.sim.state.t_cells import GhostContacts, Rows, TCells

SITE_UM = 20.0
"""Edge of a lattice site in um: one tumour cell."""
SITES_PER_MM2 = (1000.0 / SITE_UM) ** 2


@dataclass
class Tissue:
    """One lesion's section: lattice arrays of shape (nz, ny, nx), C order, and its numbers.

    Arrays: state uint8 (CellState); pd_l1 uint8 flag, pd_l1_share float32 its share around a site;
    lost_antigen uint8 flag; hits uint8 and
    last_hit int32 (minutes since the burn-in began) by T cells; hazard float32 (N_HAZARDS, nz, ny, nx) integrated over
    the step; fate uint8 (Hazard or NO_FATE); oxygen float32 mmHg; vegf, chemoattractant, ifn_gamma float32 relative
    units; vessel uint8 flag, maturity float32 and perfusion float32 in [0, 1]; t_count uint8 T cells per site;
    near_mass uint8 flag of sites in or within two sites of the mass.
    Numbers: weight w (lesion clonogens per section clonogen), volume_weight W (lesion cells per section cell),
    depth_cm (clinical size along z of a block, infinite for a slab), baseline_volume_cm3 (clinical volume), scale L (clinical length
    per section length),
    capacity (cells the section may hold), window (the part of the box with all cells and the two sites around them), n_cells
    (occupied sites at the end of the last step, -1 before the first),
    ledger float64 (N_HAZARDS,) cumulative deaths in lesion cells by cause, cells_seen (lesion cells when last followed)
    and growth_per_d (net growth of the lesion's cells, a mean over about a week).
    """

    name: str
    entity: np.uint32
    centre: tuple[int, int, int]
    size_cm: tuple[float, float]
    t_cell_entry_factor: float
    vessel_density_factor: float
    capacity: int
    state: np.ndarray
    pd_l1: np.ndarray
    pd_l1_share: np.ndarray
    lost_antigen: np.ndarray
    hits: np.ndarray
    last_hit: np.ndarray
    hazard: np.ndarray
    fate: np.ndarray
    oxygen: np.ndarray
    vegf: np.ndarray
    chemoattractant: np.ndarray
    ifn_gamma: np.ndarray
    vessel: np.ndarray
    maturity: np.ndarray
    perfusion: np.ndarray
    t_count: np.ndarray
    near_mass: np.ndarray
    t_cells: TCells
    ghost_contacts: GhostContacts
    ledger: np.ndarray
    weight: float = 1.0
    volume_weight: float = 1.0
    scale: float = 1.0
    baseline_scale: float = 1.0
    depth_cm: float = inf
    baseline_volume_cm3: float = 50.0
    baseline_axes: tuple[float, float, float] = (0.0, 0.0, 0.0)
    is_weight_controlled: bool = False
    is_dormant: bool = False
    window: Window = EMPTY
    n_cells: int = -1
    n_dropped: int = 0
    oxygen_residual: float = 0.0
    low_dose_signal: float = 0.0
    low_dose_gain: float = 0.0
    radiation_maturity: float = 0.0
    cells_seen: float = 0.0
    growth_per_d: float = 0.0

    def census(self) -> tuple[int, int, int]:
        """Return the section's numbers of viable, doomed and dead cells."""
        counts = np.zeros(len(CellState), np.int64)
        count_codes(self.state, self.window, counts)
        return int(counts[1] + counts[2]), int(counts[3]), int(counts[4:].sum())

    @property
    def lesion_cells(self) -> float:
        """The lesion's cells that are not yet cleared: w a viable cell, W any other."""
        return self.lesion_cells_of(self.census())

    def lesion_cells_of(self, census: tuple[int, int, int]) -> float:
        """Return the lesion's cells of the section's numbers of viable, doomed and dead ones."""
        viable, doomed, dead = census
        return self.weight * viable + self.volume_weight * (doomed + dead)

    @property
    def volume_cm3(self) -> float:
        """The volume of the lesion as it has grown beyond its section: the clinical one times (L / L0)^3; shrinkage does not count."""
        return self.baseline_volume_cm3 * (self.scale / self.baseline_scale) ** 3

    @property
    def is_block(self) -> bool:
        """Whether the section is a whole ellipsoid; if not it is a slab, the cut of an endless column."""
        return isfinite(self.depth_cm)

    @property
    def is_cleared(self) -> bool:
        """Whether the section has no cell left, dead or alive: an eradicated lesion."""
        return self.n_cells == 0

    @property
    def is_under_weighted(self) -> bool:
        """Whether a clonogen of the section stands for less of the lesion than a site does (w < W)."""
        return self.relative_weight < 1.0

    @property
    def relative_weight(self) -> float:
        """Lesion clonogens of a section clonogen per lesion cells of a site, w / W, at most 1."""
        share = self.weight / self.volume_weight
        return share if share < 1.0 - 1e-9 else 1.0

    @classmethod
    def blank(cls, name: str, entity: np.uint32, shape: tuple[int, int, int], **numbers: Any) -> "Tissue":
        """Return a section of bare stroma of the given shape; `numbers` set the remaining fields."""
        def lattice(dtype: Any, fill: int = 0) -> np.ndarray:
            return np.full(shape, fill, dtype)

        names = ("pd_l1_share", "oxygen", "vegf", "chemoattractant", "ifn_gamma", "maturity", "perfusion")
        fields_f4: dict[str, Any] = {k: lattice(np.float32) for k in names}
        codes_u1: dict[str, Any] = {k: lattice(np.uint8) for k in (
            "state", "pd_l1", "lost_antigen", "hits", "vessel", "t_count", "near_mass")}
        return cls(name=name, entity=entity, centre=(shape[0] // 2, shape[1] // 2, shape[2] // 2), last_hit=lattice(np.int32),
                   hazard=np.zeros((N_HAZARDS, *shape), np.float32), fate=lattice(np.uint8, NO_FATE),
                   window=whole(shape),
                   t_cells=TCells.empty(1024), ghost_contacts=GhostContacts.empty(16), ledger=np.zeros(N_HAZARDS),
                   **codes_u1, **fields_f4, **numbers)


@dataclass
class DrugLevel:
    """One drug's amounts and level: compartments float64 (3,) in mg (depot, central, peripheral); hours since its first dose.

    concentration_uM is the level in uM, 0 where the drug's molar mass is not stated.
    """

    name: str
    drug_class: str
    compartments: np.ndarray = field(default_factory=lambda: np.zeros(3))
    exposure_h: float = 0.0
    level: float = 0.0
    relative_level: float = 0.0
    concentration_uM: float = 0.0


@dataclass
class Systemic:
    """What all lesions share: drug levels and effects, antigen, T-cell pools in cells.

    antigen float64 (stages,): transit stages of antigen, weighted dead cells per day; antigen_ledger: weighted dead
    cells of the lesions when they were last read. naive: share of the baseline's naive cells. left_blood: cells that
    have entered the lesions. efflux_specific / efflux_bystander: running means of the cells
    per day that leave the blood for the lesions. supply_*: cells per day that hold the pools at baseline.
    mean_vegf: mean VEGF in the lesions. vegf_silenced_limit and vegf_half: what VEGF holds back at most, and the VEGF of half of it under
    the inhibitor; vegf_exhaustion_gain: how much it adds to exhaustion. priming_left: share of priming that VEGF leaves, now and at rest.
    """

    drugs: list[DrugLevel]
    antigen: np.ndarray
    specific_blood: float
    bystander_blood: float
    memory: float
    naive: float = 1.0
    antigen_ledger: float = 0.0
    baseline_antigen: float = 0.0
    supply_specific: float = 0.0
    supply_bystander: float = 0.0
    efflux_specific: float = 0.0
    efflux_bystander: float = 0.0
    left_blood: float = 0.0
    pd1_occupancy: float = 0.0
    vegfr_inhibition: float = 0.0
    normalisation: float = 0.0
    pruning: float = 0.0
    mean_vegf: float = 0.0
    vegf_silenced_limit: float = 0.0
    vegf_half: float = 1.0
    vegf_exhaustion_gain: float = 0.0
    priming_left: float = 1.0
    priming_left_at_rest: float = 1.0


@dataclass(frozen=True)
class Fraction:
    """One fraction of radiotherapy to one lesion: doses in Gy, core radius as a share of the mass's, penumbra in cm."""

    lesion: str
    mass_gy: float
    core_gy: float
    core_radius_fraction: float
    penumbra_cm: float


@dataclass
class Orders:
    """What the treatment courses ask for in this step; emptied before each step."""

    fractions: list[Fraction] = field(default_factory=list)
    doses: list[tuple[int, float]] = field(default_factory=list)


@dataclass
class State:
    """Everything that changes in a run."""

    key: tuple[np.uint32, np.uint32]
    systemic: Systemic
    tissues: list[Tissue]
    orders: Orders = field(default_factory=Orders)

    @property
    def active(self) -> list[Tissue]:
        """The sections in which anything happens: neither dormant nor cleared of every cell."""
        return [tissue for tissue in self.tissues if not tissue.is_dormant and not tissue.is_cleared]

    def stream(self, tissue: Tissue, clock: Clock) -> RandomStream:
        """Return the random stream of one lesion in this step."""
        return RandomStream(*self.key, np.uint32(clock.step), tissue.entity)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return every array and counter by dotted path: what a checkpoint holds and `state_sha256` covers."""
        named = dict(_walk("systemic", self.systemic))
        for tissue in self.tissues:
            named.update(_walk(f"lesion.{tissue.name}", tissue))
        return named


def _walk(path: str, part: Any) -> Iterator[tuple[str, np.ndarray]]:
    if is_dataclass(part):
        for f in fields(part):
            value = getattr(part, f.name)
            # Rows of a table beyond the living ones hold leftovers and are not part of the state.
            yield from _walk(f"{path}.{f.name}", value[: part.n] if isinstance(part, Rows) and f.name in part.COLUMNS else value)
    elif isinstance(part, list):
        for item in part:
            yield from _walk(f"{path}.{item.name}", item)
    elif not isinstance(part, str):
        yield path, np.ascontiguousarray(part)
