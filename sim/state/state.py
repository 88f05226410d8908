"""All state of a run: plain arrays and numbers in dataclasses, each field declared once (`declaration`); nothing hidden anywhere else."""

from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Annotated, Any

import numpy as np

from lesionlab.sim.numerics.jit import kernel
from lesionlab.sim.numerics.random import RandomStream
from lesionlab.sim.numerics.window import EMPTY, Window, count_codes, whole
from lesionlab.sim.state.agent_table import tables_in
from lesionlab.sim.state.checkpoint import arrays_of
from lesionlab.sim.state.clock import Clock
from lesionlab.sim.state.codes import N_HAZARDS, NO_FATE, CellState
from lesionlab.sim.state.declaration import SITE_AXES, allocated, array, lattice, scalar, text
from lesionlab.sim.state.t_cells import GhostContacts, TCells

SITE_UM = 20.0
"""Edge of a lattice site in um: one tumour cell."""
SITES_PER_MM2 = (1000.0 / SITE_UM) ** 2


@kernel
def relative_weight_of(weight: float, volume_weight: float) -> float:
    """Return lesion clonogens of a section clonogen per lesion cells of a site, w / W, at most 1."""
    share = weight / volume_weight
    return share if share < 1.0 - 1e-9 else 1.0


@kernel
def cells_stood_for(weight: float, volume_weight: float, viable: int, others: int) -> float:
    """Return the lesion's cells of the section's numbers of clonogens, which stand for w each, and of other cells, for W."""
    return weight * viable + volume_weight * others


@dataclass(kw_only=True)
class Tissue:
    """One lesion's section: arrays over its lattice (nz, ny, nx) in C order, tables of agents, and its numbers."""

    name: Annotated[str, text("name of the lesion")]
    entity: Annotated[np.uint32, scalar("1", "the lesion in the key of every random draw, a hash of its name")]
    centre: Annotated[tuple[int, int, int], scalar("sites", "centre of the section (z, y, x)")]
    size_cm: Annotated[tuple[float, float], scalar("cm", "clinical size at baseline, longest first")]
    t_cell_entry_factor: Annotated[float, scalar("1", "factor of the lesion's place on the entry of T cells")]
    vessel_density_factor: Annotated[float, scalar("1", "factor of the lesion's place on the density of vessels")]
    capacity: Annotated[int, scalar("cells", "cells that the section may hold (m)")]
    state: Annotated[np.ndarray, lattice(np.uint8, "1", "what the site holds, a `CellState`")]
    pd_l1: Annotated[np.ndarray, lattice(np.uint8, "1", "1 if the cell is PD-L1-positive")]
    pd_l1_share: Annotated[np.ndarray, lattice(np.float32, "1", "PD-L1-positive share of the living tumour cells around the site")]
    lost_antigen: Annotated[np.ndarray, lattice(np.uint8, "1", "1 if the cell has lost its antigen")]
    hits: Annotated[np.ndarray, lattice(np.uint8, "1", "hits by T cells that the cell bears")]
    last_hit: Annotated[np.ndarray, lattice(np.int32, "min", "time of the last hit, since the start of the burn-in")]
    hazard: Annotated[np.ndarray, array(np.float32, ("hazard", *SITE_AXES), "1", "hazards of the cell, each integrated over the step")]
    fate: Annotated[np.ndarray, lattice(np.uint8, "1", "fate of the cell in this step, a `Hazard` or 255 for none", fill=NO_FATE)]
    oxygen: Annotated[np.ndarray, lattice(np.float32, "mmHg", "oxygen partial pressure")]
    vegf: Annotated[np.ndarray, lattice(np.float32, "1", "VEGF, tissue of normoxic tumour cells = 1")]
    chemoattractant: Annotated[np.ndarray, lattice(np.float32, "1", "chemoattractant of T cells, relative")]
    ifn_gamma: Annotated[np.ndarray, lattice(np.float32, "1", "interferon gamma, relative")]
    vessel: Annotated[np.ndarray, lattice(np.uint8, "1", "1 if a vessel runs through the site")]
    maturity: Annotated[np.ndarray, lattice(np.float32, "1", "maturity of the vessel, 0 to 1")]
    perfusion: Annotated[np.ndarray, lattice(np.float32, "1", "1 if the vessel is perfused")]
    t_count: Annotated[np.ndarray, lattice(np.uint8, "1", "T cells on the site")]
    near_mass: Annotated[np.ndarray, lattice(np.uint8, "1", "1 in or within two sites of the mass")]
    t_cells: TCells
    ghost_contacts: GhostContacts
    ledger: Annotated[np.ndarray, array(np.float64, ("hazard",), "cells", "deaths of lesion cells by cause since the start")]
    weight: Annotated[float, scalar("1", "lesion clonogens per clonogen of the section (w)")] = 1.0
    volume_weight: Annotated[float, scalar("1", "lesion cells per cell of the section (W)")] = 1.0
    scale: Annotated[float, scalar("1", "clinical length per length in the section (L)")] = 1.0
    baseline_scale: Annotated[float, scalar("1", "L at baseline")] = 1.0
    depth_cm: Annotated[float, scalar("cm", "clinical size along z of a block, infinite for a slab")] = inf
    baseline_volume_cm3: Annotated[float, scalar("cm3", "clinical volume at baseline")] = 50.0
    baseline_axes: Annotated[tuple[float, float, float], scalar("sites", "axes of the mass at baseline: longest, short, depth")] = (
        0.0, 0.0, 0.0)
    is_weight_controlled: Annotated[bool, scalar("1", "whether the weight replaces the fates of clonogens")] = False
    is_dormant: Annotated[bool, scalar("1", "whether the deposit sleeps: nothing happens in it")] = False
    window: Annotated[Window, scalar("sites", "part of the box with all cells and two sites around them (y0, y1, x0, x1)")] = EMPTY
    n_cells: Annotated[int, scalar("1", "occupied sites at the end of the last step, -1 before the first")] = -1
    n_dropped: Annotated[int, scalar("1", "cells that births pushed out of the section since the last step")] = 0
    oxygen_residual: Annotated[float, scalar("mmHg", "largest pointwise correction left in the oxygen field")] = 0.0
    low_dose_signal: Annotated[float, scalar("1", "first stage of the low-dose effect on T-cell entry")] = 0.0
    low_dose_gain: Annotated[float, scalar("1", "low-dose effect on T-cell entry, 0 to 1")] = 0.0
    radiation_maturity: Annotated[float, scalar("1", "maturity that radiotherapy adds to vessels")] = 0.0
    cells_seen: Annotated[float, scalar("cells", "lesion cells when growth was last followed")] = 0.0
    growth_per_d: Annotated[float, scalar("1/d", "net growth of the lesion's cells, a mean over about a week")] = 0.0

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
        return float(cells_stood_for(self.weight, self.volume_weight, viable, doomed + dead))

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
        return float(relative_weight_of(self.weight, self.volume_weight))

    @classmethod
    def blank(cls, name: str, entity: np.uint32, shape: tuple[int, int, int], **numbers: Any) -> "Tissue":
        """Return a section of bare stroma of the given shape; `numbers` set the remaining fields."""
        lengths = {"hazard": N_HAZARDS, **dict(zip(SITE_AXES, shape, strict=True))}
        tables = {table: kind.empty() for table, kind in tables_in(cls).items()}
        return cls(name=name, entity=entity, centre=(shape[0] // 2, shape[1] // 2, shape[2] // 2), window=whole(shape),
                   **allocated(cls, lengths), **tables, **numbers)


@dataclass
class DrugLevel:
    """One drug in the body."""

    name: Annotated[str, text("name of the drug")]
    drug_class: Annotated[str, text("class of the drug")]
    compartments: Annotated[np.ndarray, array(np.float64, ("compartment",), "mg", "amounts in depot, centre and periphery")] = field(
        default_factory=lambda: np.zeros(3))
    exposure_h: Annotated[float, scalar("h", "time since the first dose")] = 0.0
    level: Annotated[float, scalar("1", "level in blood, in the unit of `drug_level_unit`")] = 0.0
    relative_level: Annotated[float, scalar("1", "level relative to that of the half-maximal effect")] = 0.0
    concentration_uM: Annotated[float, scalar("uM", "level, 0 where the drug's molar mass is not stated")] = 0.0


@dataclass
class Systemic:
    """What all lesions share: drug levels and effects, antigen, pools of T cells."""

    drugs: list[DrugLevel]
    antigen: Annotated[np.ndarray, array(np.float64, ("stage",), "1/d", "antigen in its transit stages, weighted dead cells per day")]
    specific_blood: Annotated[float, scalar("cells", "tumour-specific effectors in blood")]
    bystander_blood: Annotated[float, scalar("cells", "other effectors in blood")]
    memory: Annotated[float, scalar("cells", "tumour-specific memory T cells")]
    naive: Annotated[float, scalar("1", "naive T cells relative to baseline")] = 1.0
    antigen_ledger: Annotated[float, scalar("cells", "weighted dead cells of the lesions when they were last read")] = 0.0
    baseline_antigen: Annotated[float, scalar("1/d", "antigen at rest")] = 0.0
    supply_specific: Annotated[float, scalar("cells/d", "supply that holds the pool of specific effectors at baseline")] = 0.0
    supply_bystander: Annotated[float, scalar("cells/d", "supply that holds the pool of other effectors at baseline")] = 0.0
    is_supply_absolute: Annotated[bool, scalar("1", "whether supply follows antigen by one law, not relative to day 0")] = False
    efflux_specific: Annotated[float, scalar("cells/d", "specific effectors that leave the blood for the lesions, a running mean")] = 0.0
    efflux_bystander: Annotated[float, scalar("cells/d", "other effectors that leave the blood for the lesions, a running mean")] = 0.0
    left_blood: Annotated[float, scalar("cells", "effectors that have entered the lesions")] = 0.0
    pd1_occupancy: Annotated[float, scalar("1", "share of PD-1 receptors occupied by drug")] = 0.0
    vegfr_inhibition: Annotated[float, scalar("1", "inhibition of the enzyme VEGFR")] = 0.0
    normalisation: Annotated[float, scalar("1", "normalisation effect on vessels")] = 0.0
    pruning: Annotated[float, scalar("1", "pruning effect on vessels")] = 0.0
    mean_vegf: Annotated[float, scalar("1", "mean VEGF in the lesions")] = 0.0
    vegf_silenced_limit: Annotated[float, scalar("1", "what VEGF holds back at most")] = 0.0
    vegf_half: Annotated[float, scalar("1", "VEGF of half of that, under the inhibitor")] = 1.0
    vegf_exhaustion_gain: Annotated[float, scalar("1", "how much VEGF adds to exhaustion")] = 0.0
    priming_left: Annotated[float, scalar("1", "share of priming that VEGF leaves")] = 1.0
    priming_left_at_rest: Annotated[float, scalar("1", "the same at rest")] = 1.0

    @property
    def inhibitor_uM(self) -> float:
        """Total concentration of VEGFR inhibitors in blood."""
        return float(sum(drug.concentration_uM for drug in self.drugs if drug.drug_class == "vegfr_tki"))


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

    def parts(self) -> dict[str, Any]:
        """Return the parts of the state by the paths under which a checkpoint holds them."""
        return {"systemic": self.systemic, **{f"lesion.{tissue.name}": tissue for tissue in self.tissues}}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return every array and counter by dotted path: what a checkpoint holds and `state_sha256` covers."""
        return arrays_of(self)


KINDS = (Systemic, DrugLevel, Tissue, *tables_in(Tissue).values())
"""Every class of the state, in the order of docs/state.md."""
