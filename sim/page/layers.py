"""What a page shows of a section: planes of whole numbers, and layers that paint a plane with a table of 256 colours.

The plane `sites` holds one byte a site: tissue class, vessel and T cell together. The layers of tissue, vessels and T cells paint the
same plane, so that changing the layer needs no other data. Words and colours are those of the figures.
"""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from numpy.typing import NDArray

from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.sections import classify

N_CODES = 256
VESSEL_AT, T_CELL_AT = 3, 5
_CLASSES, _VESSELS = style.TISSUE[:7], (style.TISSUE[8], style.TISSUE[7])
T_CELL = style.TISSUE[9]
T_CELL_STATES = (("T cell", T_CELL.colour), ("T cell, not specific", "#8C8C8C"), ("T cell, tumour-specific", T_CELL.colour),
                 ("T cell, specific, exhausted", "#C2185B"))
"""Codes 1 to 4 of the T-cell bits; 1 where a record does not say which kind of T cell it is."""
_LIVING, _LOST = {"proliferating", "quiescent", "hypoxic", "doomed"}, {"dead", "necrotic"}
PALE = {"living": "#E4DACB", "lost": "#C6C6C6", "stroma": "#FBFAF7"}
"""Tissue behind vessels and T cells, where these have a layer of their own."""
OXYGEN_STEP_MMHG = 1.0
N_OXYGEN = int(style.OXYGEN_LIMITS_MMHG[1] / OXYGEN_STEP_MMHG) + 1


class Legend(NamedTuple):
    """One entry of a legend: its colour and its words."""

    colour: str
    label: str


class Layer(NamedTuple):
    """One layer: name, title, the plane that it paints, a colour for each code, its legend; `line_below` outlines codes below it."""

    name: str
    title: str
    plane: str
    colours: tuple[str, ...]
    legend: tuple[Legend, ...]
    line_below: int = 0
    ticks: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the layer as plain values: the colours as one text of hexadecimal digits."""
        return {"name": self.name, "title": self.title, "plane": self.plane, "colours": "".join(c.lstrip("#") for c in self.colours),
                "legend": [entry._asdict() for entry in self.legend], "line_below": self.line_below, "line_colour": style.HYPOXIA_LINE,
                "ticks": list(self.ticks)}


def sites(cell_state: NDArray[np.uint8], oxygen: NDArray[np.floating], vessels: NDArray[np.uint8],
          t_cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return one byte a site, arrays of one shape: class (bits 0-2), vessel (3-4: 1 not perfused, 2 perfused), T cell (5-7).

    `t_cells` holds 0 and the codes of `T_CELL_STATES`.
    """
    none = np.zeros_like(vessels)
    return (classify(cell_state, oxygen, none, none) | (vessels << VESSEL_AT) | (t_cells << T_CELL_AT)).astype(np.uint8)


def oxygen_levels(oxygen_mmHg: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return whole steps of 1 mmHg, the last for 40 mmHg and above; a level below 5 is below 5 mmHg."""
    return np.clip(oxygen_mmHg / OXYGEN_STEP_MMHG, 0, N_OXYGEN - 1).astype(np.uint8)


def layers(has_t_cell_states: bool) -> tuple[Layer, ...]:
    """Return every layer that a record can show; T cells by state only where they are recorded."""
    kinds = T_CELL_STATES[1:] if has_t_cell_states else T_CELL_STATES[:1]
    t_cells = tuple(Legend(colour, label) for label, colour in kinds)
    vessels = tuple(Legend(entry.colour, entry.label) for entry in reversed(_VESSELS))
    pale = (Legend(PALE["living"], "tumour, living"), Legend(PALE["lost"], "dead or necrotic"), Legend(PALE["stroma"], "stroma"))
    tissue = tuple(Legend(entry.colour, entry.label) for entry in style.TISSUE)
    return (
        Layer("tissue", "Tissue", "sites", tuple(map(_tissue, range(N_CODES))), tissue),
        Layer("oxygen", "Oxygen", "oxygen", tuple(map(_oxygen, range(N_OXYGEN))), _oxygen_legend(), int(style.HYPOXIA_MMHG),
              ("0", "10", "20", "30", "40 mmHg and above")),
        Layer("vessels", "Vessels", "sites", tuple(map(_vessels, range(N_CODES))), (*vessels, *pale)),
        Layer("t_cells", "T cells", "sites", tuple(map(_t_cells, range(N_CODES))), (*t_cells, *pale)),
    )


def site_words() -> dict[str, Any]:
    """Return the words for the parts of a byte of `sites`, for the read-out under the pointer."""
    return {"classes": [entry.label for entry in _CLASSES], "vessels": ["", *(entry.label for entry in _VESSELS)],
            "t_cells": ["", *(label for label, _ in T_CELL_STATES)], "vessel_at": VESSEL_AT, "t_cell_at": T_CELL_AT}


def _parts(code: int) -> tuple[int, int, int]:
    """Return class, vessel and T cell of a byte; codes that never occur are taken as the last that do."""
    return min(code & 7, len(_CLASSES) - 1), min(code >> VESSEL_AT & 3, len(_VESSELS)), min(code >> T_CELL_AT, len(T_CELL_STATES))


def _tissue(code: int) -> str:
    kind, vessel, t_cell = _parts(code)
    return T_CELL.colour if t_cell else _VESSELS[vessel - 1].colour if vessel else _CLASSES[kind].colour


def _pale(kind: int) -> str:
    name = _CLASSES[kind].name
    return PALE["living" if name in _LIVING else "lost" if name in _LOST else "stroma"]


def _vessels(code: int) -> str:
    kind, vessel, _ = _parts(code)
    return _VESSELS[vessel - 1].colour if vessel else _pale(kind)


def _t_cells(code: int) -> str:
    kind, _, t_cell = _parts(code)
    return T_CELL_STATES[t_cell - 1][1] if t_cell else _pale(kind)


def _oxygen(level: int) -> str:
    return to_hex(style.oxygen_map(N_OXYGEN)(min(level, N_OXYGEN - 1)))


def _oxygen_legend() -> tuple[Legend, ...]:
    scale = tuple(Legend(_oxygen(level), "") for level in range(N_OXYGEN))
    return (*scale, Legend(style.HYPOXIA_LINE, "line: below 5 mmHg, hypoxic"))


def ink_on(colour: str) -> str:
    """Return black or white, whichever is easier to read on a colour."""
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    luminance = float(np.dot(channels, (0.2126, 0.7152, 0.0722)))
    return style.PAPER if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000000"
