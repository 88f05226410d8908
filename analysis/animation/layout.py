"""The layout of the animation: the place of everything in pixels, and the two pictures that frames are cut from.

The fixed parts are drawn once by matplotlib: `dark`, with chips unlit and empty axes, and `lit`, with chips lit and curves
complete. A frame is `dark` with the parts of `lit` copied in that apply on its day. Layers hold colour numbers, not colours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Patch
from numpy.typing import NDArray

from lesionlab.analysis.animation.palette import OXYGEN_LEVELS, Palette, build, lettering
from lesionlab.analysis.figures import calendar, style
from lesionlab.analysis.figures.panels import Panel, Quantity, draw_lines, place
from lesionlab.analysis.figures.sections import BAR_UM
from lesionlab.analysis.records.record import Record
from lesionlab.analysis.records.treatments import RADIOTHERAPY, SCAN

LEFT_PX, LEGEND_PX, GAP_PX, ROW_GAP_PX = 150, 292, 12, 8
HEADER_PX, ARM_HEAD_PX, CALLIPER_PX, AXIS_PX, FOOTER_PX = 62, 62, 46, 46, 28
TRACK_PX, CURVES_PX, CHIP_PX, LEGEND_ROWS_PX, LEAST_BAR_PX = 20, 172, 24, 200, 130
MOST_PANELS_PX, MOST_PANEL_PX, LEAST_PANEL_PX = 1350, 300, 240
NARROW_PX, NARROW_EXTRA_PX = 250, 18
CHIP_MARGIN_PX = 10


class Box(NamedTuple):
    """A rectangle of pixels, from the upper left corner of the frame."""

    left: int
    top: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of the frame."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


@dataclass(frozen=True)
class Stage:
    """Boxes and layers: one tissue, oxygen, calliper box an arm; chips by (arm, modality); layers (height, width) uint8."""

    tissue: tuple[Box, ...]
    oxygen: tuple[Box, ...]
    calliper: tuple[Box, ...]
    chips: Mapping[tuple[int, str], Box]
    strip: Box
    curves: Box
    dark: NDArray[np.uint8]
    lit: NDArray[np.uint8]
    palette: Palette


def panel_edge(n_sites: int, n_arms: int) -> int:
    """Return the edge of a panel in pixels: a whole number of pixels a site where that fits."""
    most = min(MOST_PANEL_PX, MOST_PANELS_PX // n_arms)
    whole = most // n_sites * n_sites
    return whole if whole >= min(LEAST_PANEL_PX, most) else most


def chips_of(record: Record, lesion: str, edge: int = MOST_PANEL_PX) -> dict[str, str]:
    """Return modality -> words for the treatments that reach a lesion in an arm, short ones for narrow panels."""
    found = {line.modality: line.label for line in calendar.tracks([record]) if line.modality != SCAN and line.lesion in ("", lesion)}
    if RADIOTHERAPY in found:
        found[RADIOTHERAPY] = "RT" if edge < NARROW_PX else RADIOTHERAPY
    return {modality: label.removeprefix("anti-") if edge < NARROW_PX else label for modality, label in found.items()}


def set_stage(arms: Mapping[str, list[Record]], lesion: str, panel: tuple[int, int], largest_cm: float) -> Stage:
    """Lay out and draw the layers for some arms, panels of some width and height in pixels, callipers of full width at `largest_cm`."""
    records = [record for replicates in arms.values() for record in replicates]
    edge, depth = panel
    n_tracks = len(calendar.tracks(records))
    lefts = [LEFT_PX + i * (edge + GAP_PX) for i in range(len(arms))]
    span = max(len(arms) * (edge + GAP_PX) - GAP_PX, 620)
    extra = NARROW_EXTRA_PX if edge < NARROW_PX else 0
    tissue_top = HEADER_PX + ARM_HEAD_PX + extra
    # One arm alone has its oxygen beside its tissue, several below: either way the frame is filled.
    is_single = len(arms) == 1
    oxygen_top = tissue_top if is_single else tissue_top + depth + CALLIPER_PX + extra
    below = oxygen_top + depth + (CALLIPER_PX + extra) * is_single
    strip = Box(LEFT_PX, below + 16, span, TRACK_PX * n_tracks)
    curves = Box(LEFT_PX, strip.top + strip.height + ROW_GAP_PX, span, CURVES_PX)
    wide = LEFT_PX + span + LEGEND_PX
    high = curves.top + CURVES_PX + AXIS_PX + FOOTER_PX
    pixels = (wide + wide % 2, high + high % 2)
    boxes = {
        "tissue": tuple(Box(left, tissue_top, edge, depth) for left in lefts),
        "oxygen": tuple(Box(left + (edge + GAP_PX) * is_single, oxygen_top, edge, depth) for left in lefts),
        "calliper": tuple(Box(left, tissue_top + depth, edge, CALLIPER_PX + extra) for left in lefts),
    }
    chips = {}
    for index, (left, replicates) in enumerate(zip(lefts, arms.values(), strict=True)):
        words = chips_of(replicates[0], lesion, edge)
        shares = np.cumsum([0, *(len(label) + 3 for label in words.values())])
        for number, modality in enumerate(words):
            start, stop = (int(edge * share / max(shares[-1], edge // 8)) for share in shares[number:number + 2])
            chips[index, modality] = Box(left + start, tissue_top - CHIP_PX - 6, stop - start - 5, CHIP_PX)
    draw = _Drawing(arms, lesion, pixels, boxes["tissue"], boxes["oxygen"], chips, strip, curves, largest_cm)
    images = [_render(draw.figure(is_lit)) for is_lit in (False, True)]
    palette = build(images, [look.colour for look in style.looks_of(arms).values()])
    dark, lit = (palette.numbers(image) for image in images)
    return Stage(**boxes, chips=chips, strip=strip, curves=curves, dark=dark, lit=lit, palette=palette)


def _render(figure: Figure) -> NDArray[np.uint8]:
    """Return the pixels (height, width, 3) of a figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _fitting_pt(words: str, room_px: int) -> float:
    """Return the size of letters, at most the small one, at which words fit into some pixels."""
    return style.SMALL_PT * min(1.0, room_px / lettering(words, round(style.SMALL_PT * style.DOTS_PER_INCH / 72)).shape[1])


@dataclass(frozen=True)
class _Drawing:
    """All data for the fixed parts of the animation."""

    arms: Mapping[str, list[Record]]
    lesion: str
    pixels: tuple[int, int]
    tissue: Sequence[Box]
    oxygen: Sequence[Box]
    chips: Mapping[tuple[int, str], Box]
    strip: Box
    curves: Box
    largest_cm: float

    def figure(self, is_lit: bool) -> Figure:
        """Draw the dark layer, or the lit one."""
        with style.themed():
            seed = next(iter(self.arms.values()))[0].seed
            figure = style.slide("", self.pixels, f"Seed {seed}, first replicate of each arm.")
            self._heads(figure, is_lit)
            self._legend(figure)
            self._time(figure, is_lit)
        return figure

    def _text(self, figure: Figure, left: float, top: float, text: str, **options: Any) -> None:
        figure.text(left / self.pixels[0], 1 - top / self.pixels[1], text, **options)

    def _heads(self, figure: Figure, is_lit: bool) -> None:
        """Name the lesion, the arms and the rows; draw the chips."""
        self._text(figure, 20, 14, style.words(self.lesion), size=18, weight="bold", va="top")
        for box, look in zip(self.tissue, style.looks_of(self.arms).values(), strict=True):
            label = look.label if box.width >= NARROW_PX else fill(look.label, max(box.width // 10, 12))
            size = 13 if box.width >= NARROW_PX else style.FONT_SIZE_PT
            self._text(figure, box.left, box.top - CHIP_PX - 14, label, size=size, weight="bold", color=look.colour, va="bottom")
        for boxes, name in ((self.tissue, "tissue"), (self.oxygen, "oxygen")):
            if len(self.arms) > 1 or boxes is self.tissue:
                self._text(figure, LEFT_PX - 22, boxes[0].top + boxes[0].height / 2, name, size=13, ha="right", va="center")
            else:
                self._text(figure, boxes[0].left, boxes[0].top - 8, name, size=13, va="bottom")
        replicates = list(self.arms.values())
        ranks = {line.modality: line.rank for replicated in replicates for line in calendar.tracks(replicated[:1])}
        for (index, modality), box in self.chips.items():
            colour = style.treatment_colour(ranks[modality])
            figure.add_artist(FancyBboxPatch(
                ((box.left + 3) / self.pixels[0], 1 - (box.top + box.height - 3) / self.pixels[1]), (box.width - 6) / self.pixels[0],
                (box.height - 6) / self.pixels[1], boxstyle="square,pad=0", fc=colour if is_lit else "white", ec=colour, lw=1.5))
            words = chips_of(replicates[index][0], self.lesion, self.tissue[0].width)[modality]
            letters_pt = _fitting_pt(words, box.width - CHIP_MARGIN_PX)
            self._text(figure, box.left + box.width / 2, box.top + box.height / 2, words, size=letters_pt, ha="center", va="center",
                       color="black" if is_lit else style.FAINT)

    def _legend(self, figure: Figure) -> None:
        """Draw classes, callipers and the oxygen scale in the right margin."""
        left, depth = self.curves.left + self.curves.width + 18, self.tissue[0].height
        handles = [Patch(facecolor=entry.colour, edgecolor="#999999", label=entry.label) for entry in style.TISSUE]
        figure.legend(handles=handles, loc="upper left", borderaxespad=0, fontsize=style.SMALL_PT, labelspacing=0.35,
                      bbox_to_anchor=(left / self.pixels[0], 1 - self.tissue[0].top / self.pixels[1]))
        words = (f"coloured bar: longest diameter,\nfull width {self.largest_cm:g} cm\n"
                 f"black bar: {BAR_UM:g} µm of the section\nand its length in the patient")
        words_top = self.tissue[0].top + max(depth - 30, LEGEND_ROWS_PX)
        self._text(figure, left + 4, words_top, words, va="top", size=style.SMALL_PT, linespacing=1.4)
        top = max(self.oxygen[0].top + 36, words_top + 110)
        self._text(figure, left + 4, top - 10, "oxygen (mmHg)", va="bottom", size=style.SMALL_PT, weight="bold")
        bar = place(figure, left + 6, top, 22, max(self.oxygen[0].top + depth - top, LEAST_BAR_PX))
        figure.colorbar(ScalarMappable(Normalize(*style.OXYGEN_LIMITS_MMHG), style.oxygen_map(OXYGEN_LEVELS)), cax=bar)
        bar.set_yticks([0, style.HYPOXIA_MMHG, 10, 20, 30, 40], ["0", "5  hypoxic below", "10", "20", "30", "40 and above"])
        bar.axhline(style.HYPOXIA_MMHG, color=style.HYPOXIA_LINE, lw=2.5)

    def _time(self, figure: Figure, is_lit: bool) -> None:
        """Draw the treatment strip and the axes of the curves, with the curves if the layer is lit."""
        records = [record for replicates in self.arms.values() for record in replicates]
        timing = calendar.clock(records)
        strip = place(figure, *self.strip)
        calendar.draw_calendar(strip, calendar.tracks(records), timing)
        calendar.set_time_axis(strip, timing, with_labels=False)
        axes = place(figure, *self.curves)
        panel = Panel(Quantity("longest_diameter_cm", "longest diameter (cm)"), self.lesion)
        if is_lit:
            draw_lines(axes, dict(self.arms), panel.quantity, panel.lesion, timing)
        calendar.set_time_axis(axes, timing, with_labels=True)
        calendar.mark(axes, calendar.milestones(records), self.lesion, timing, with_labels=False)
        axes.set_ylim(0, self.largest_cm * 1.06)
        axes.set_ylabel("longest\ndiameter (cm)")
        middle = self.curves.left + self.curves.width / 2
        self._text(figure, middle, self.pixels[1] - FOOTER_PX - 6, calendar.time_label(timing), ha="center", va="center")
