"""The one place for colours, words and letters of every figure: one meaning, one colour, everywhere.

Arms use the palette of Okabe and Ito (2008, "Color Universal Design"); tissue classes were chosen so that any two stay
apart for readers without red or green cones (a test measures it with the matrices of Machado 2009).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from itertools import combinations
from types import MappingProxyType
from typing import Any, NamedTuple

from matplotlib import colormaps, rc_context, rcdefaults, rcParams
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure

from lesionlab.analysis.records.record import Record
from lesionlab.analysis.records.treatments import Part, parts_of

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
    "svg.hashsalt": "lesionlab",
}

INK, FAINT, PAPER = "#222222", "#777777", "#FFFFFF"

RADIOTHERAPY, LOW_DOSE = "#E69F00", "#A87400"
SCANS = "#444444"
CLASS_COLOURS = ("#009E73", "#56B4E9", "#332288", "#CC79A7", "#7F3C00")
"""Colours of the classes of drugs, in the order of the classes: a new class takes the next one."""


class ArmStyle(NamedTuple):
    """How one arm is drawn: its words, its colour and its line (matplotlib's notation)."""

    label: str
    colour: str
    line: str = "-"


_ARMS = MappingProxyType({
    "untreated": ArmStyle("Untreated", "#555555", "--"),
    "case": ArmStyle("Combined, as given", "#D55E00"),
    "combined": ArmStyle("Combined", "#D55E00"),
})
_PAIRS: Mapping[tuple[int, ...], str] = MappingProxyType({(0, 1): "#CC79A7", (0, 2): "#0072B2", (1, 2): "#8A7A00"})
"""Colours of arms with two treatments, by their ranks."""
_OTHERS = (("#D55E00", "-."), ("#CC79A7", "-."), ("#0072B2", "-."), ("#8A7A00", "-."), ("#222222", "-."), ("#56B4E9", ":"))


def treatment_colour(rank: int) -> str:
    """Return the colour of radiotherapy (rank 0) or of a class of drugs."""
    return CLASS_COLOURS[(rank - 1) % len(CLASS_COLOURS)] if rank else RADIOTHERAPY


def arm_styles(arms: Sequence[str], parts: Sequence[Part] = ()) -> dict[str, ArmStyle]:
    """Return the style of each arm by name; `parts` are those after which arms are named.

    An arm without a look of its own takes the next free line, in a colour of no other arm if there is one.
    """
    known: dict[str, ArmStyle] = {}
    for arm in dict.fromkeys(arms):
        own = _ARMS.get(arm) or _of_parts(arm, parts)
        if own is not None and own.colour and own[1:] not in {look[1:] for look in known.values()}:
            known[arm] = own
    others = [arm for arm in dict.fromkeys(arms) if arm not in known]
    taken = {look.colour for look in known.values()}
    # Broken lines distinguish arms of one colour; an arm with a colour of its own needs none.
    looks = _OTHERS if len(set(arms)) > 1 else tuple((colour, "-") for colour, _ in _OTHERS)
    free = sorted(looks, key=lambda look: look[0] in taken)
    for number, arm in enumerate(others):
        own = _ARMS.get(arm) or _of_parts(arm, parts)
        known[arm] = ArmStyle(words(arm) if own is None else own.label, *free[number % len(free)])
    return {arm: known[arm] for arm in dict.fromkeys(arms)}


def looks_of(arms: Mapping[str, Sequence[Record]]) -> dict[str, ArmStyle]:
    """Return the style of each arm from its records."""
    return arm_styles(list(arms), parts_of(record.classes for replicates in arms.values() for record in replicates))


def _of_parts(arm: str, parts: Sequence[Part]) -> ArmStyle | None:
    """Return the style of an arm that is named after its treatments; without a colour for three and more."""
    for size in range(1, len(parts) + 1):
        for chosen in combinations(parts, size):
            if "_".join(part.name for part in chosen) == arm:
                ranks = tuple(part.rank for part in chosen)
                label = " + ".join(part.label for part in chosen) + (" alone" if size == 1 else "")
                return ArmStyle(_capital(label), treatment_colour(*ranks) if size == 1 else _PAIRS.get(ranks, ""))
    return None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def factor_label(factor: str, parts: Sequence[Part]) -> str:
    """Return the words for a treatment: a part of the regimen, or a single course."""
    return next((_capital(part.label) for part in parts if part.name == factor), words(factor))


def coupling_label(name: str) -> str:
    """Return the words for a coupling of the model: `pd_1_to_killing` becomes `PD-1 → killing`."""
    spelt = {"pd 1": "PD-1", "pd l1": "PD-L1", "vegf": "VEGF", "t cells": "T cells", " to ": " → "}
    label = name.replace("_", " ")
    for plain, right in spelt.items():
        label = label.replace(plain, right)
    return label


def factor_colour(factor: str, parts: Sequence[Part]) -> str:
    """Return the colour of a treatment: a part of the regimen, or a single course of radiotherapy."""
    return treatment_colour(next((part.rank for part in parts if part.name == factor), 0))


def words(name: str) -> str:
    """Return a name of the record as words for a reader: `no_low_dose` becomes `No low dose`."""
    return _capital(name.replace("anti_pd1", "anti-PD-1").replace("_", " ").strip())


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
    """Return the metadata of a PNG, PDF or SVG file, always with the disclaimer."""
    if suffix == "svg":
        return {"Title": title, "Description": DISCLAIMER, "Creator": "LesionLab", "Date": ""}
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
