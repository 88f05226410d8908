"""The one place for colours, words and letters of every figure: one meaning, one colour, everywhere.

Arms use the palette of Okabe and Ito (2008, "Color Universal Design"); tissue classes were chosen so that any two stay
apart for readers without red or green cones (a test measures it with the matrices of Machado 2009).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from types import MappingProxyType
from typing import Any, NamedTuple

from matplotlib import colormaps, rc_context, rcdefaults, rcParams
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure

DISCLAIMER = "Illustrative, not for clinical use"
DOTS_PER_INCH = 100
SLIDE_PIXELS = (1920, 1080)
FONT_SIZE_PT, SMALL_PT, LARGE_PT = 11, 10, 15
_THEME: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": FONT_SIZE_PT,
    "axes.titlesize": FONT_SIZE_PT + 2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#777777",
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "pdf.fonttype": 42,
}

INK, FAINT, PAPER = "#222222", "#777777", "#FFFFFF"

RADIOTHERAPY, LOW_DOSE = "#E69F00", "#A87400"
MODALITY_COLOURS = MappingProxyType({
    "radiotherapy": RADIOTHERAPY, "anti_pd1": "#009E73", "vegfr_tki": "#56B4E9", "scan": "#444444",
})
MODALITY_LABELS = MappingProxyType({
    "radiotherapy": "radiotherapy", "anti_pd1": "anti-PD-1", "vegfr_tki": "anti-angiogenic", "scan": "scan",
})


class ArmStyle(NamedTuple):
    """How one arm is drawn: its words, its colour and its line (matplotlib's notation)."""

    label: str
    colour: str
    line: str = "-"


_ARMS = MappingProxyType({
    "untreated": ArmStyle("Untreated", "#555555", "--"),
    "radiotherapy": ArmStyle("Radiotherapy alone", RADIOTHERAPY),
    "anti_pd1": ArmStyle("Anti-PD-1 alone", "#009E73"),
    "anlotinib": ArmStyle("Anlotinib alone", "#56B4E9"),
    "case": ArmStyle("Combined, as given", "#D55E00"),
    "combined": ArmStyle("Combined", "#D55E00"),
    "radiotherapy_anti_pd1": ArmStyle("Radiotherapy + anti-PD-1", "#CC79A7"),
    "radiotherapy_anlotinib": ArmStyle("Radiotherapy + anlotinib", "#0072B2"),
    "anti_pd1_anlotinib": ArmStyle("Anti-PD-1 + anlotinib", "#8A7A00"),
})
_OTHERS = (("#D55E00", "-."), ("#CC79A7", "-."), ("#0072B2", "-."), ("#8A7A00", "-."), ("#222222", "-."), ("#56B4E9", ":"))


def arm_styles(arms: Sequence[str]) -> dict[str, ArmStyle]:
    """Return the style of each arm by name; one without its own takes the next free line, in a colour of no other arm if there is one."""
    unknown = [arm for arm in dict.fromkeys(arms) if arm not in _ARMS]
    taken = {_ARMS[arm].colour for arm in arms if arm in _ARMS}
    # Broken lines distinguish arms of one colour; an arm with a colour of its own needs none.
    looks = _OTHERS if len(set(arms)) > 1 else tuple((colour, "-") for colour, _ in _OTHERS)
    free = sorted(looks, key=lambda look: look[0] in taken)
    spare = {arm: free[i % len(free)] for i, arm in enumerate(unknown)}
    return {arm: _ARMS[arm] if arm in _ARMS else ArmStyle(words(arm), *spare[arm]) for arm in dict.fromkeys(arms)}


def factor_label(factor: str) -> str:
    """Return the words for a treatment: a modality, a single course, or a drug."""
    return MODALITY_LABELS.get(factor, words(factor))[:1].upper() + MODALITY_LABELS.get(factor, words(factor))[1:]


def coupling_label(name: str) -> str:
    """Return the words for a coupling of the model: `pd_1_to_killing` becomes `PD-1 → killing`."""
    spelt = {"pd 1": "PD-1", "pd l1": "PD-L1", "vegf": "VEGF", "t cells": "T cells", " to ": " → "}
    label = name.replace("_", " ")
    for plain, right in spelt.items():
        label = label.replace(plain, right)
    return label


def factor_colour(factor: str) -> str:
    """Return the colour of a treatment: that of the arm which gives it alone."""
    return RADIOTHERAPY if factor.startswith("radiotherapy") else arm_styles([factor])[factor].colour


def words(name: str) -> str:
    """Return a name of the record as words for a reader: `no_low_dose` becomes `No low dose`."""
    spaced = name.replace("_", " ").strip()
    return spaced[:1].upper() + spaced[1:]


class TissueClass(NamedTuple):
    """One class of tissue in a map: its words and its colour; its code is its place in `TISSUE`."""

    name: str
    label: str
    colour: str


TISSUE = (
    TissueClass("stroma", "stroma", "#F4F1EA"),
    TissueClass("proliferating", "tumour, proliferating", "#EFA267"),
    TissueClass("quiescent", "tumour, quiescent", "#A67C5B"),
    TissueClass("hypoxic", "tumour, hypoxic (< 5 mmHg)", "#43248A"),
    TissueClass("doomed", "tumour, doomed by radiation", "#FFE01A"),
    TissueClass("dead", "dead, not yet cleared", "#ABA9A7"),
    TissueClass("necrotic", "necrotic", "#565553"),
    TissueClass("perfused", "vessel, perfused", "#BE0000"),
    TissueClass("unperfused", "vessel, not perfused", "#101010"),
    TissueClass("t_cell", "T cell", "#00C5FF"),
)
TISSUE_CODE = MappingProxyType({entry.name: code for code, entry in enumerate(TISSUE)})
TISSUE_MAP = ListedColormap([entry.colour for entry in TISSUE], name="tissue")

OXYGEN_LIMITS_MMHG = (0.0, 40.0)
OXYGEN_MAP_NAME = "cividis"
HYPOXIA_MMHG = 5.0
HYPOXIA_LINE = "#FF5FA2"

DEATH_CAUSES = MappingProxyType({
    "deaths_radiation": ("radiation", RADIOTHERAPY),
    "deaths_t_cell": ("T cell", "#00A5D6"),
    "deaths_hypoxia": ("hypoxia", "#43248A"),
    "deaths_apoptosis": ("apoptosis", "#9A9A9A"),
    "deaths_failed_division": ("failed division", "#E3D3BC"),
})


def oxygen_map(levels: int = 256) -> Colormap:
    """Return the colour scale of oxygen (dark is hypoxic), in `levels` steps from 0 to 40 mmHg."""
    return colormaps[OXYGEN_MAP_NAME].resampled(levels)


@contextmanager
def themed() -> Iterator[None]:
    """Give the context in which every figure is drawn and written: fonts, spines, grid; nothing of the user's own style."""
    with rc_context():
        rcdefaults()
        rcParams.update(_THEME)
        yield


def enlarged(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Let a figure of few panels be drawn with letters that can be read from the last row of a class."""
    @wraps(draw)
    def drawn(*given: Any, **named: Any) -> Figure:
        with themed(), rc_context({"font.size": LARGE_PT, "axes.titlesize": LARGE_PT + 2}):
            return draw(*given, **named)

    return drawn


def metadata(title: str, suffix: str) -> dict[str, str]:
    """Return the metadata of a PNG or PDF file, always with the disclaimer."""
    if suffix == "pdf":
        return {"Title": title, "Subject": DISCLAIMER, "Keywords": DISCLAIMER, "Creator": "LesionLab"}
    return {"Title": title, "Description": DISCLAIMER, "Disclaimer": DISCLAIMER, "Software": "LesionLab"}


def slide(title: str, pixels: tuple[int, int] = SLIDE_PIXELS, note: str = "") -> Figure:
    """Return an empty figure of slide size with a title above and the disclaimer (and `note`) below."""
    figure = Figure(figsize=(pixels[0] / DOTS_PER_INCH, pixels[1] / DOTS_PER_INCH), dpi=DOTS_PER_INCH)
    margin = 20 / pixels[0]
    figure.text(margin, 1 - 14 / pixels[1], title, size=FONT_SIZE_PT + 6, weight="bold", color=INK, va="top")
    figure.text(margin, 9 / pixels[1], f"{DISCLAIMER}.  {note}".rstrip(), size=SMALL_PT, color=FAINT, va="bottom")
    return figure
