"""Hypoxia and perfused vessels by depth below the margin of a section: is the core hypoxic, and is it seen at once?

Depth is the distance of a site from the margin of the mass with its gaps filled, in um of the section, which is a scaled
cut of the lesion. Hypoxic is the share of viable tumour cells below 5 mmHg, vessels are counted per mm2 of mass.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, distance_transform_edt

from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.panels import place
from lesionlab.analysis.figures.sections import PERFUSED_VESSEL, QUIESCENT
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record, Snapshots, load_snapshots

BIN_UM, LEAST_SITES = 100.0, 60
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX, GAP_X_PX, GAP_Y_PX = 118, 40, 140, 104, 96, 60
LOOKS = (("#D55E00", "-"), (style.FAINT, "--"), ("#0072B2", "-."))


class Profile(NamedTuple):
    """One section by depth: the middle of each depth in um, hypoxic share, perfused vessels per mm2; nan where little tissue lies."""

    depth_um: NDArray[np.float64]
    hypoxic: NDArray[np.float64]
    perfused_per_mm2: NDArray[np.float64]


def profile(snapshots: Snapshots, index: int = 0, bin_um: float = BIN_UM) -> Profile:
    """Return the profile of a snapshot's central plane."""
    plane = (index, snapshots.cell_state.shape[1] // 2)
    cells, oxygen, vessels = snapshots.cell_state[plane], snapshots.oxygen[plane], snapshots.vessels[plane]
    site_um = float(snapshots.x_um[1] - snapshots.x_um[0])
    mass = binary_fill_holes(cells > 0)
    # The first sites of the mass lie half a site below its margin.
    ring = ((distance_transform_edt(mass) - 0.5) * site_um / bin_um).astype(np.int64)
    n_rings = int(ring[mass].max(initial=0)) + 1
    is_viable = mass & (cells > 0) & (cells <= QUIESCENT)
    sites = np.bincount(ring[mass], minlength=n_rings).astype(np.float64)
    viable = np.bincount(ring[is_viable], minlength=n_rings).astype(np.float64)
    hypoxic = np.bincount(ring[is_viable & (oxygen < style.HYPOXIA_MMHG)], minlength=n_rings)
    perfused = np.bincount(ring[mass & (vessels == PERFUSED_VESSEL)], minlength=n_rings)
    is_enough = sites >= LEAST_SITES
    middle = np.asarray((np.arange(n_rings) + 0.5) * bin_um, dtype=np.float64)
    return Profile(middle, np.where(is_enough, hypoxic / np.maximum(viable, 1.0), np.nan),
                   np.where(is_enough, perfused / (np.maximum(sites, 1.0) * (site_um / 1000.0) ** 2), np.nan))


def _summed(profiles: Sequence[Profile]) -> tuple[Profile, Profile, Profile]:
    """Return the mean over replicates and one standard deviation below and above it, at the depths that all have."""
    n = min(len(one.depth_um) for one in profiles)
    tables = [np.stack([getattr(one, name)[:n] for one in profiles]) for name in ("hypoxic", "perfused_per_mm2")]
    means = [table.mean(axis=0) for table in tables]
    spreads = [table.std(axis=0, ddof=1) if len(profiles) > 1 else np.zeros(n) for table in tables]
    depth = profiles[0].depth_um[:n]
    return (Profile(depth, *means), Profile(depth, *(m - s for m, s in zip(means, spreads, strict=True))),
            Profile(depth, *(m + s for m, s in zip(means, spreads, strict=True))))


@style.enlarged
def depth_figure(groups: Mapping[str, Sequence[Record]], lesions: Sequence[str], note: str = "") -> Figure:
    """Draw the profiles on day 0: a column a lesion, hypoxia above and vessels below; one line a group of records, named by its key.

    Raises:
        RecordError: a record lacks a lesion or has no pictures.
    """
    wide, high = style.SLIDE_PIXELS
    width = (wide - LEFT_PX - RIGHT_PX - GAP_X_PX * (len(lesions) - 1)) / len(lesions)
    height = (high - TOP_PX - BOTTOM_PX - GAP_Y_PX) / 2
    n = min(len(records) for records in groups.values())
    said = f"Lines: mean of {n} replicates; bands: one standard deviation.  {note}".rstrip()
    figure = style.slide("Hypoxia and perfused vessels by depth on day 0", note=said)
    tops: list[list[Axes]] = [[], []]
    for column, lesion in enumerate(lesions):
        left = LEFT_PX + column * (width + GAP_X_PX)
        axes = [place(figure, left, TOP_PX + row * (height + GAP_Y_PX), width, height) for row in range(2)]
        for (colour, line), records in zip(LOOKS, groups.values(), strict=False):
            _draw(axes, [_first(record, lesion) for record in records], colour, line)
        axes[0].set_title(style.words(lesion), loc="left", weight="bold")
        axes[1].set_xlabel("margin   ←   depth in the section (µm)   →   centre")
        for row, one in enumerate(axes):
            one.set_xlim(left=0)
            tops[row].append(one)
    for row, label in enumerate(("share of viable cells below 5 mmHg", "perfused vessels per mm²")):
        top = max(one.dataLim.y1 for one in tops[row])
        for one in tops[row]:
            one.set_ylim(0, 1.0 if row == 0 else 1.1 * top)
        tops[row][0].set_ylabel(label)
    handles = [Line2D([], [], color=colour, ls=line, lw=2.8, label=name) for (colour, line), name in zip(LOOKS, groups, strict=False)]
    figure.legend(handles=handles, loc="upper left", ncols=len(handles), borderaxespad=0, bbox_to_anchor=(12 / wide, 1 - 46 / high))
    return figure


def _first(record: Record, lesion: str) -> Profile:
    """Return the profile of a record's first picture."""
    snapshots = load_snapshots(record.path, lesion)
    if len(snapshots.time_d) == 0:
        raise RecordError(f"{record.path}: no picture of {lesion}")
    return profile(snapshots)


def _draw(axes: Sequence[Axes], profiles: Sequence[Profile], colour: str, line: str) -> None:
    middle, low, high = _summed(profiles)
    for one, name in zip(axes, ("hypoxic", "perfused_per_mm2"), strict=True):
        one.plot(middle.depth_um, getattr(middle, name), color=colour, ls=line, lw=2.8, marker="o", ms=5)
        one.fill_between(low.depth_um, getattr(low, name), getattr(high, name), color=colour, alpha=0.18, lw=0)
