"""Sections as pictures: which class a site shows, which part of the section is in view, and maps of tissue and oxygen.

A section is drawn as large as its panel whatever the lesion's size; so the lesion stands beside it to scale.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Patch
from numpy.typing import NDArray

from lesionlab.analysis.figures import calendar, style
from lesionlab.analysis.figures.panels import place
from lesionlab.analysis.records.record import Record, Snapshots, by_arm, ended_on_day, load_snapshots, values
from lesionlab.analysis.records.treatments import RADIOTHERAPY, SCAN

QUIESCENT, DOOMED, NECROTIC = 2, 3, 7
PERFUSED_VESSEL = 2
VIEW_MARGIN_SITES = 4
BAR_UM, LEAST_BAR_SHARE = 500.0, 0.04
TOP_PX, BOTTOM_PX, LEFT_PX, LEGEND_PX, GAP_PX, PAIR_GAP_PX = 84, 44, 130, 285, 4, 12
N_DATES = 4
LEAST_MAP_PX = 660
SCALE_SHARE = 0.55
"""Width of the picture to scale, as a share of a section's."""
DOT_SHARE, LEAST_DOTTED_PX = 0.67, 2.0
"""Edge of a T cell as a share of its site's, where a site has pixels enough: what the site holds stays visible behind it."""

_CODE = style.TISSUE_CODE
_CLASS_OF_STATE = np.array([_CODE[name] for name in (
    "stroma", "proliferating", "quiescent", "doomed", "dead", "dead", "dead", "necrotic")], dtype=np.uint8)


class View(NamedTuple):
    """The window (rows, columns) of a section that pictures show; it is never higher than wide if the section allows."""

    rows: slice
    columns: slice

    @property
    def height(self) -> int:
        """Sites from top to bottom."""
        return int(self.rows.stop - self.rows.start)

    @property
    def width(self) -> int:
        """Sites from left to right."""
        return int(self.columns.stop - self.columns.start)


def classify(cell_state: NDArray[np.uint8], oxygen: NDArray[np.floating], vessels: NDArray[np.uint8],
             t_cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the class each site shows, arrays of one shape, oxygen in mmHg.

    A viable cell below 5 mmHg shows as hypoxic; vessels stand over cells and T cells over both.
    """
    shown = _CLASS_OF_STATE[cell_state]
    is_viable = (cell_state > 0) & (cell_state <= QUIESCENT)
    shown[is_viable & (oxygen < style.HYPOXIA_MMHG)] = _CODE["hypoxic"]
    shown[vessels > 0] = _CODE["unperfused"]
    shown[vessels == PERFUSED_VESSEL] = _CODE["perfused"]
    shown[t_cells > 0] = _CODE["t_cell"]
    return shown


def view(snapshots: Iterable[Snapshots]) -> View:
    """Return the smallest window that holds every cell of every snapshot (all of one shape), with a margin, inside the section."""
    holds = np.any([(s.cell_state[:, s.cell_state.shape[1] // 2] > 0).any(axis=0) for s in snapshots], axis=0)
    height, width = holds.shape
    rows, columns = np.flatnonzero(holds.any(axis=1)), np.flatnonzero(holds.any(axis=0))
    if not rows.size:
        rows, columns = np.arange(height), np.arange(width)
    n_rows = min(int(np.ptp(rows)) + 1 + 2 * VIEW_MARGIN_SITES, height)
    n_columns = min(max(int(np.ptp(columns)) + 1 + 2 * VIEW_MARGIN_SITES, n_rows), width)
    return View(_around(rows, n_rows, height), _around(columns, n_columns, width))


def _around(held: NDArray[np.int_], length: int, n_sites: int) -> slice:
    """Return a slice of some length around the middle of the occupied rows or columns, inside the section."""
    first = int(np.clip((held[0] + held[-1] + 1 - length) // 2, 0, n_sites - length))
    return slice(first, first + length)


def views(snapshots: Sequence[Snapshots]) -> tuple[View, ...]:
    """Return a window for each arm: one for all if their sections have one shape, so that pictures can be laid over one another."""
    is_one_shape = len({taken.cell_state.shape[1:] for taken in snapshots}) == 1
    return (view(snapshots),) * len(snapshots) if is_one_shape else tuple(view([taken]) for taken in snapshots)


def section(snapshots: Snapshots, index: int, window: View) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return classes and oxygen (mmHg) of the central plane of one snapshot inside a window."""
    here = (index, snapshots.cell_state.shape[1] // 2, window.rows, window.columns)
    oxygen = snapshots.oxygen[here]
    return classify(snapshots.cell_state[here], oxygen, snapshots.vessels[here], snapshots.t_cells[here]), oxygen


def pictured(snapshots: Snapshots, index: int, window: View, shape: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the classes of a section in pixels of some shape (rows, columns), and the oxygen of its sites (mmHg).

    A T cell never covers more than its own site, and where that has pixels enough, less. With more sites than pixels one site in
    a pixel's place is shown, so that each class keeps its share.
    """
    here = (index, snapshots.cell_state.shape[1] // 2, window.rows, window.columns)
    oxygen, t_cells = snapshots.oxygen[here], snapshots.t_cells[here]
    bare = classify(snapshots.cell_state[here], oxygen, snapshots.vessels[here], np.zeros_like(t_cells))
    places = [(np.arange(n) + 0.5) * sites / n for n, sites in zip(shape, bare.shape, strict=True)]
    sites = np.ix_(*(place.astype(np.int64) for place in places))
    is_dot = t_cells[sites] > 0
    if shape[1] / bare.shape[1] >= LEAST_DOTTED_PX:
        rows, columns = (place % 1.0 < DOT_SHARE for place in places)
        is_dot &= rows[:, np.newaxis] & columns[np.newaxis]
    return np.where(is_dot, np.uint8(_CODE["t_cell"]), bare[sites]), oxygen


def size_words(size_cm: float, limit_cm: float) -> str:
    """Return a longest diameter in words; what no scan can show has no size of 0.0 cm, but is below the limit."""
    return f"Ø {size_cm:.1f} cm" if size_cm >= limit_cm else f"< {limit_cm:g} cm"


def bar_um(window: View, site_um: float) -> float:
    """Return the length of a picture's scale bar: 500 um, or the next power of ten of it that can be seen."""
    length = BAR_UM
    while length / site_um < LEAST_BAR_SHARE * window.width:
        length *= 10.0
    return length


def index_at(snapshots: Snapshots, day: float) -> int:
    """Return the last snapshot at or before a day, with half a day of grace."""
    return max(int(np.searchsorted(snapshots.time_d, day + 0.5, side="right")) - 1, 0)


def map_days(records: Sequence[Record], snapshots: Sequence[Snapshots]) -> list[float]:
    """Return the days worth a picture: the start, just before the first drug that starts later, some weeks on, the end."""
    times_d = max((s.time_d for s in snapshots), key=lambda times: times[-1])
    timing = calendar.clock(records)
    starts = [t.times_d[0] for t in calendar.tracks(records) if t.modality not in (RADIOTHERAPY, SCAN) and t.times_d[0] > 7]
    days_d = [0.0, min(starts) - 1 if starts else timing.break_d / 6, timing.break_d / 2, timing.end_d]
    chosen = [times_d[np.clip(np.searchsorted(times_d, day, side="right") - 1, 0, None)] for day in days_d]
    return sorted({float(day) for day in chosen})[:N_DATES]


def map_figure(records: Sequence[Record], lesion: str) -> Figure | None:
    """Draw tissue, oxygen and size of one lesion: a row an arm (first replicate), three pictures a date; None without a cell to show."""
    arms = {arm: replicates[0] for arm, replicates in by_arm(records).items()}
    snapshots = {arm: load_snapshots(record.path, lesion) for arm, record in arms.items()}
    if any(len(taken.time_d) == 0 for taken in snapshots.values()) or not any(taken.cell_state.any() for taken in snapshots.values()):
        return None
    days, windows = map_days(records, list(snapshots.values())), views(list(snapshots.values()))
    wide, high = style.SLIDE_PIXELS
    shape = max(window.height / window.width for window in windows)
    room = (wide - LEFT_PX - LEGEND_PX) / len(days) - PAIR_GAP_PX - 2 * GAP_PX
    edge = int(min(room / (2 + SCALE_SHARE), ((high - TOP_PX - BOTTOM_PX) / len(arms) - GAP_PX) / shape))
    depth, side = int(edge * shape), int(edge * SCALE_SHARE)
    pixels = (wide, max(TOP_PX + BOTTOM_PX + len(arms) * (depth + GAP_PX), LEAST_MAP_PX))
    step, x_um = max(1, max(window.width for window in windows) // edge), next(iter(snapshots.values())).x_um
    note = (f"Seed {records[0].seed}, first replicate.  Bar: {bar_um(windows[0], float(x_um[1] - x_um[0])):g} µm of the section and what "
            "it stands for in the patient.  Sections fill their panels; the ellipses are to scale."
            + f"  Of {step} x {step} sites one is shown." * (step > 1))
    figure = style.slide(f"{style.words(lesion)}: tissue, oxygen, and the lesion's size to scale", pixels, note)
    looks = style.looks_of({arm: [record] for arm, record in arms.items()})
    shown = [_sizes(record, lesion, [day for day in days if day <= record.time_d[-1] + 1.0]) for record in arms.values()]
    full_cm = float(np.nanmax(np.append(np.concatenate(shown), 0.0))) or 1.0
    for column, day in enumerate(days):
        left = LEFT_PX + column * (2 * edge + side + 2 * GAP_PX + PAIR_GAP_PX)
        date = records[0].start + timedelta(days=day)
        head = f"day {day:.0f}, {date.day} {date:%b %Y}"
        figure.text((left + edge) / wide, 1 - (TOP_PX - 26) / pixels[1], head, ha="center", weight="bold")
        for row, (arm, record) in enumerate(arms.items()):
            top = TOP_PX + row * (depth + GAP_PX)
            placed = [place(figure, left + shift, top, width, depth)
                      for shift, width in ((0, edge), (edge + GAP_PX, edge), (2 * (edge + GAP_PX), side))]
            if _is_drawn(placed, record, day):
                _draw_pair(placed, snapshots[arm], day, windows[row], (depth, edge))
                _draw_size(placed[2], _sizes(record, lesion, [day])[0], full_cm, (record.detection_limit_cm, looks[arm].colour))
    _name_rows(figure, looks, depth, pixels)
    _draw_legend(figure, pixels)
    return figure


def _sizes(record: Record, lesion: str, days: Sequence[float]) -> NDArray[np.float64]:
    """Return longest diameter and short axis of a lesion (day, 2) in cm; after the record's end, the last."""
    return np.stack([np.interp(days, record.time_d, values(record, name, lesion))
                     for name in ("longest_diameter_cm", "short_axis_cm")], axis=1)


def _is_drawn(placed: Sequence[Axes], record: Record, day: float) -> bool:
    """Clear the panels of one arm and day; where the patient is dead by then, or was watched no longer, say so and return False."""
    for axes in placed:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
    end_d = ended_on_day(record)
    last_d = float(record.time_d[-1]) if end_d is None else end_d
    if day <= last_d + 1:
        return True
    for axes in placed:
        axes.set_facecolor("#F2F2F2")
    message = f"the run ended\non day {last_d:.0f}" if end_d is None else f"lethal burden\nreached on\nday {last_d:.0f}"
    placed[0].text(0.5, 0.5, message, ha="center", va="center", transform=placed[0].transAxes)
    return False


def _draw_pair(placed: Sequence[Axes], snapshots: Snapshots, day: float, window: View, shape: tuple[int, int]) -> None:
    """Draw tissue and oxygen of one arm on one day, `shape` in pixels (rows, columns), with the bar of the section's scale."""
    index = index_at(snapshots, day)
    classes, oxygen = pictured(snapshots, index, window, shape)
    placed[0].imshow(classes, cmap=style.TISSUE_MAP, vmin=-0.5, vmax=len(style.TISSUE) - 0.5, interpolation="nearest")
    placed[1].imshow(oxygen, cmap=style.oxygen_map(), vmin=style.OXYGEN_LIMITS_MMHG[0], vmax=style.OXYGEN_LIMITS_MMHG[1])
    if oxygen.min() < style.HYPOXIA_MMHG < oxygen.max():
        placed[1].contour(oxygen, levels=[style.HYPOXIA_MMHG], colors=style.HYPOXIA_LINE, linewidths=1.2)
    length_um = bar_um(window, float(snapshots.x_um[1] - snapshots.x_um[0]))
    length = length_um / float(snapshots.x_um[1] - snapshots.x_um[0]) * shape[1] / window.width
    bar_cm, right, low = length_um * 1e-4 * float(snapshots.scale[index]), shape[1] * 0.97, shape[0] * 0.96
    placed[0].plot([right - length, right], [low, low], color="black", lw=3, solid_capstyle="butt")
    placed[0].text(right, low - shape[0] * 0.03, f"{bar_cm:.2g} cm", ha="right", va="bottom", size=style.SMALL_PT,
                   bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.2})


def _draw_size(axes: Axes, size_cm: NDArray[np.float64], full_cm: float, look: tuple[float, str]) -> None:
    """Draw longest diameter and short axis as an ellipse, `full_cm` as high as all panels may show, and the diameter in words."""
    limit_cm, colour = look
    box = axes.get_window_extent()
    axes.set_xlim(-0.55 * full_cm, 0.55 * full_cm)
    half = 0.55 * full_cm * box.height / box.width
    axes.set_ylim(-half, half)
    axes.grid(visible=False)
    if np.isfinite(size_cm).all() and size_cm[0] >= limit_cm:
        axes.add_patch(Ellipse((0.0, 0.0), size_cm[0], size_cm[1], facecolor=colour, alpha=0.75, lw=0))
    axes.text(0.5, 0.02, size_words(float(size_cm[0]), limit_cm) if np.isfinite(size_cm[0]) else "no cells", transform=axes.transAxes,
              ha="center", va="bottom", size=style.SMALL_PT)


def _name_rows(figure: Figure, looks: Mapping[str, style.ArmStyle], depth: int, pixels: tuple[int, int]) -> None:
    for row, look in enumerate(looks.values()):
        middle = TOP_PX + row * (depth + GAP_PX) + depth / 2
        label = look.label.replace(" ", "\n")
        figure.text((LEFT_PX - 10) / pixels[0], 1 - middle / pixels[1], label, ha="right", va="center", weight="bold",
                    color=look.colour)


def _draw_legend(figure: Figure, pixels: tuple[int, int]) -> None:
    """Draw the classes and the oxygen scale in the right margin."""
    left = pixels[0] - LEGEND_PX + 4
    handles = [Patch(facecolor=entry.colour, edgecolor="#999999", label=entry.label) for entry in style.TISSUE]
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(left / pixels[0], 1 - (TOP_PX - 8) / pixels[1]),
                  borderaxespad=0, fontsize=style.SMALL_PT, labelspacing=0.55)
    bar = place(figure, left + 12, TOP_PX + 290, 22, min(220, pixels[1] - TOP_PX - 340))
    scale = ScalarMappable(Normalize(*style.OXYGEN_LIMITS_MMHG), style.oxygen_map())
    figure.colorbar(scale, cax=bar, label="oxygen (mmHg), 40 and above")
    bar.axhline(style.HYPOXIA_MMHG, color=style.HYPOXIA_LINE, lw=2.5)
    bar.set_yticks([0, style.HYPOXIA_MMHG, 10, 20, 30, 40])
