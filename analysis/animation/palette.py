"""The 256 colours of the animation: colours with a meaning have fixed numbers and are never mixed or dithered."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lesionlab.analysis.figures import style

OXYGEN_LEVELS = 32
INK_LEVELS = 16
N_COLOURS = 256
TISSUE_AT = 0
FADED_TISSUE_AT = TISSUE_AT + len(style.TISSUE)
OXYGEN_AT = FADED_TISSUE_AT + len(style.TISSUE)
FADED_OXYGEN_AT = OXYGEN_AT + OXYGEN_LEVELS
LINE_AT = FADED_OXYGEN_AT + OXYGEN_LEVELS
INK_AT = LINE_AT + 1
FREE_AT = INK_AT + INK_LEVELS
WHITE, INK = INK_AT, INK_AT + INK_LEVELS - 1
FADE = 0.62


@dataclass(frozen=True)
class Palette:
    """Colours (256, 3) uint8 and the numbers of the arms' colours, in their order."""

    colours: NDArray[np.uint8]
    arms: tuple[int, ...]

    def numbers(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the number of the nearest colour for every pixel of an image (height, width, 3)."""
        packed = _packed(image)
        distinct = _distinct(packed)
        offered = self.colours.astype(np.int32)
        table = np.zeros(1 << 24, dtype=np.uint8)
        for number, colour in zip(distinct, _unpacked(distinct).astype(np.int32), strict=True):
            table[number] = ((offered - colour) ** 2).sum(axis=1).argmin()
        return table[packed]


def build(images: Sequence[NDArray[np.uint8]], arm_colours: Sequence[str]) -> Palette:
    """Return the palette: fixed colours, the arms' colours, and for the remaining numbers the most useful colours of the fixed layers."""
    tissue = _bytes([to_rgb(entry.colour) for entry in style.TISSUE])
    oxygen = _bytes(style.oxygen_map(OXYGEN_LEVELS)(np.arange(OXYGEN_LEVELS))[:, :3])
    ink = _bytes(np.linspace(1.0, to_rgb(style.INK), INK_LEVELS))
    fixed = np.concatenate([tissue, _faded(tissue), oxygen, _faded(oxygen), _bytes([to_rgb(style.HYPOXIA_LINE)]), ink,
                            _bytes([to_rgb(colour) for colour in arm_colours])])
    n_free = N_COLOURS - len(fixed)
    # Every colour counts once: otherwise white and near-white would take most of the numbers.
    distinct = _unpacked(_distinct(*(_packed(image) for image in images)))
    chosen = Image.fromarray(distinct[np.newaxis]).quantize(n_free, dither=Image.Dither.NONE).getpalette() or []
    free = np.array(chosen[:3 * n_free], dtype=np.uint8).reshape(-1, 3)
    colours = np.concatenate([fixed, free, np.full((n_free - len(free), 3), 255, np.uint8)])
    return Palette(colours, tuple(range(FREE_AT, FREE_AT + len(arm_colours))))


def _packed(image: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return each pixel's red, green and blue as one number below 2**24."""
    red, green, blue = (image[..., channel].astype(np.uint32) for channel in range(3))
    return (red << np.uint32(16)) | (green << np.uint32(8)) | blue


def _unpacked(numbers: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return colours (n, 3) of packed numbers (n,)."""
    return np.stack([numbers >> 16, (numbers >> 8) & 255, numbers & 255], axis=1).astype(np.uint8)


def _distinct(*packed: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return the packed colours that occur, sorted; a table is faster than sorting millions of pixels."""
    occurs = np.zeros(1 << 24, dtype=np.bool_)
    for image in packed:
        occurs[image] = True
    return np.flatnonzero(occurs).astype(np.uint32)


def _bytes(colours: object) -> NDArray[np.uint8]:
    return np.round(np.asarray(colours, dtype=np.float64) * 255).astype(np.uint8)


def _faded(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return colours without hue and close to paper, for an arm that has ended."""
    grey = colours.astype(np.float64) @ np.array([0.2126, 0.7152, 0.0722])
    return np.repeat((255 * FADE + grey * (1 - FADE)).astype(np.uint8)[:, np.newaxis], 3, axis=1)


@lru_cache(maxsize=512)
def lettering(text: str, size_px: int, is_bold: bool = False) -> NDArray[np.uint8]:
    """Return a line of dark text on white as colour numbers (height, width); all lines of one size are equally high."""
    font = _font(size_px, is_bold)
    ascent, descent = font.getmetrics()
    image = Image.new("L", (int(font.getlength(text)) + 2, ascent + descent))
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=font)
    levels = np.asarray(image, dtype=np.uint16) * (INK_LEVELS - 1) // 255
    return (levels + INK_AT).astype(np.uint8)


@lru_cache(maxsize=16)
def _font(size_px: int, is_bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if is_bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / name), size_px)
