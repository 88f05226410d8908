"""The frames of the animation: the picture of every arm on every day, composed as colour numbers by numpy alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from lesionlab.analysis.animation import palette
from lesionlab.analysis.animation.layout import Box, Stage, panel_edge, set_stage
from lesionlab.analysis.animation.palette import lettering
from lesionlab.analysis.figures import calendar, style
from lesionlab.analysis.figures.sections import BAR_UM, View, index_at, pictured, size_words, views
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record, Snapshots, by_arm, dates, ended_on_day, load_snapshots, values

MOST_ARMS = 8
FRACTION_GLOW_D = 3.0
NEWS_D = 21.0
TEXT_PX, DATE_PX = 15, 26


@dataclass(frozen=True)
class Film:
    """All that frames are made of: arms in order, one clock, one lesion; `days` (n_frames,) since the start."""

    records: tuple[Record, ...]
    snapshots: tuple[Snapshots, ...]
    windows: tuple[View, ...]
    lesion: str
    clock: calendar.Clock
    days: NDArray[np.float64]
    doses: Mapping[tuple[int, str], NDArray[np.float64]]
    largest_cm: float
    stage: Stage


def film(records: Sequence[Record], lesion: str, n_frames: int) -> Film:
    """Prepare the film of one lesion; raises RecordError if there is nothing to show."""
    arms = {arm: replicates[:1] for arm, replicates in by_arm(records).items()}
    if len(arms) > MOST_ARMS:
        raise RecordError(f"{len(arms)} arms do not fit side by side; choose at most {MOST_ARMS} records")
    shown = tuple(replicates[0] for replicates in arms.values())
    snapshots = tuple(load_snapshots(record.path, lesion) for record in shown)
    for record, taken in zip(shown, snapshots, strict=True):
        if not len(taken.time_d):
            raise RecordError(f"{record.path}: no snapshots of {lesion}; run it with output.snapshots_every_d")
    windows = views(snapshots)
    largest_cm = _round_up(max(float(np.nanmax(values(record, "longest_diameter_cm", lesion))) for record in shown))
    timing = calendar.clock(shown)
    edge = panel_edge(max(window.width for window in windows), len(shown))
    panel = (edge, round(edge * max(window.height / window.width for window in windows)))
    # A badge tells what reaches this lesion: drugs, and radiotherapy to it, not to another.
    doses = {(index, line.modality): np.array(line.times_d) for index, record in enumerate(shown)
             for line in _merged([line for line in calendar.tracks([record]) if line.lesion in ("", lesion)])}
    return Film(shown, snapshots, windows, lesion, timing, timing.day(np.linspace(0, 1, n_frames)), doses, largest_cm,
                set_stage(arms, lesion, panel, largest_cm))


def _merged(lines: Sequence[calendar.Track]) -> list[calendar.Track]:
    """Join all lines of one modality: a badge stands for every course to the lesion, or drug, of its kind."""
    joined: dict[str, calendar.Track] = {}
    for line in lines:
        times_d = (*joined[line.modality].times_d, *line.times_d) if line.modality in joined else line.times_d
        joined[line.modality] = replace(line, times_d=tuple(sorted(times_d)))
    return list(joined.values())


def _round_up(size_cm: float) -> float:
    """Return the next of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(max(size_cm, 1e-3)))
    return float(next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= size_cm * (1 - 1e-9)))


def compose(reel: Film, number: int) -> NDArray[np.uint8]:
    """Return one frame as colour numbers (height, width)."""
    day, stage = float(reel.days[number]), reel.stage
    frame = stage.dark.copy()
    x = stage.curves.left + round(float(reel.clock.position(day)) * stage.curves.width)
    rows = slice(stage.curves.top - 8, stage.curves.top + stage.curves.height)
    frame[rows, stage.curves.left:x] = stage.lit[rows, stage.curves.left:x]
    frame[stage.strip.top:stage.curves.top + stage.curves.height, x:x + 2] = palette.INK
    _write_date(frame, reel, day)
    previous = float(reel.days[number - 1]) if number else -1.0
    for index in range(len(reel.records)):
        _draw_arm(frame, reel, index, day)
        for (arm, modality), box in stage.chips.items():
            if arm == index and _is_given(reel, index, modality, previous, day):
                frame[box.slices] = stage.lit[box.slices]
    return frame


def _write_date(frame: NDArray[np.uint8], reel: Film, day: float) -> None:
    """Write the day, and the latest milestone for a while after it."""
    date = dates(reel.records[0], [day])[0]
    _write(frame, f"day {day:.0f}   {date.day} {date:%b %Y}", reel.stage.tissue[0].left + 190, 13, DATE_PX, is_bold=True)
    news_d = NEWS_D if day < reel.clock.break_d else 3 * NEWS_D
    fresh = [mark.label if not mark.lesion else f"{style.words(mark.lesion).lower()}: {mark.label}"
             for mark in calendar.milestones(reel.records) if mark.start_d <= day <= max(mark.end_d, mark.start_d + news_d)]
    _write(frame, "   ".join(fresh), reel.stage.tissue[0].left + 560, 20, TEXT_PX + 3)


def _is_given(reel: Film, arm: int, modality: str, previous: float, day: float) -> bool:
    """Return whether a treatment is on: a dose since the last frame, or one that still lasts (one interval; fractions over a weekend)."""
    ended = ended_on_day(reel.records[arm])
    doses = reel.doses.get((arm, modality))
    if doses is None or (ended is not None and day > ended):
        return False
    lasts_d = FRACTION_GLOW_D if modality == "radiotherapy" or len(doses) < 2 else float(np.median(np.diff(doses))) + 0.5
    return bool(((doses <= day) & (doses > min(previous, day - lasts_d))).any())


def _draw_arm(frame: NDArray[np.uint8], reel: Film, index: int, day: float) -> None:
    """Draw tissue, oxygen, calliper and scale of one arm; an arm that has ended keeps its last picture, greyed."""
    record, taken, stage = reel.records[index], reel.snapshots[index], reel.stage
    ended = ended_on_day(record)
    is_over = ended is not None and day > ended
    at = index_at(taken, min(day, float(record.time_d[-1])))
    box, window = stage.tissue[index], reel.windows[index]
    pixels_per_site = min(box.width / window.width, box.height / window.height)
    shape = (round(window.height * pixels_per_site), round(window.width * pixels_per_site))
    classes, oxygen = pictured(taken, at, window, shape)
    numbers = classes + np.uint8(palette.FADED_TISSUE_AT if is_over else palette.TISSUE_AT)
    _paste(frame, numbers, box.left, box.top)
    _paste(frame, _oxygen_numbers(oxygen, shape, is_over), stage.oxygen[index].left, stage.oxygen[index].top)
    size_cm = float(np.interp(day, record.time_d, values(record, "longest_diameter_cm", reel.lesion)))
    _draw_calliper(frame, reel, index, size_cm, is_over)
    sites = BAR_UM / float(taken.x_um[1] - taken.x_um[0])
    _draw_scale(frame, stage.calliper[index], round(sites * pixels_per_site), BAR_UM * 1e-4 * float(taken.scale[at]))
    if is_over:
        for line, text in enumerate(("lethal burden", "reached on", f"day {ended:.0f}")):
            ink = lettering(text, TEXT_PX + 2, is_bold=True)
            left = box.left + (box.width - ink.shape[1]) // 2
            _paste(frame, ink, left, box.top + box.height // 2 + (2 * line - 3) * ink.shape[0] // 2)


def _oxygen_numbers(oxygen: NDArray[np.float32], shape: tuple[int, int], is_over: bool) -> NDArray[np.uint8]:
    """Return the oxygen map as colour numbers of a shape in pixels, with the outline of what lies below 5 mmHg."""
    factors = (shape[0] / oxygen.shape[0], shape[1] / oxygen.shape[1])
    smooth = zoom(oxygen.astype(np.float32), factors, order=1, grid_mode=True, mode="nearest")
    low, high = style.OXYGEN_LIMITS_MMHG
    levels = np.clip((smooth - low) / (high - low) * palette.OXYGEN_LEVELS, 0, palette.OXYGEN_LEVELS - 1).astype(np.uint8)
    if is_over:
        return levels + np.uint8(palette.FADED_OXYGEN_AT)
    numbers = levels + np.uint8(palette.OXYGEN_AT)
    is_hypoxic = smooth < style.HYPOXIA_MMHG
    outline = np.zeros_like(is_hypoxic)
    outline[1:] |= is_hypoxic[1:] ^ is_hypoxic[:-1]
    outline[:, 1:] |= is_hypoxic[:, 1:] ^ is_hypoxic[:, :-1]
    numbers[outline] = palette.LINE_AT
    return numbers


def _draw_calliper(frame: NDArray[np.uint8], reel: Film, index: int, size_cm: float, is_over: bool) -> None:
    """Draw the longest diameter as a bar on the scale that all arms share, and print it."""
    box = reel.stage.calliper[index]
    limit_cm = reel.records[index].detection_limit_cm
    if np.isfinite(size_cm):
        words = size_words(size_cm, limit_cm)
        _write(frame, words, box.left, box.top + 15, TEXT_PX + 1, is_bold=True)
        length = round(min(size_cm / reel.largest_cm, 1.0) * box.width)
        colour = palette.INK_AT + 5 if is_over else reel.stage.palette.arms[index]
        frame[box.top + 5:box.top + 13, box.left:box.left + box.width] = palette.INK_AT + 1
        frame[box.top + 5:box.top + 13, box.left:box.left + length] = colour


def _draw_scale(frame: NDArray[np.uint8], box: Box, length: int, bar_cm: float) -> None:
    """Draw 500 um of the section at the lower right of the calliper's box, with its length in the patient."""
    right, bottom = box.left + box.width, box.top + box.height
    ink = lettering(f"{bar_cm:.2g} cm", TEXT_PX)
    _paste(frame, ink, right - length - 6 - ink.shape[1], bottom - 30)
    frame[bottom - 23:bottom - 19, right - length:right] = palette.INK


def _write(frame: NDArray[np.uint8], text: str, left: int, top: int, size_px: int, is_bold: bool = False) -> None:
    if text:
        _paste(frame, lettering(text, size_px, is_bold), left, top)


def _paste(frame: NDArray[np.uint8], ink: NDArray[np.uint8], left: int, top: int) -> None:
    """Put lettering on the frame, cut at its edges."""
    part = frame[max(top, 0):top + ink.shape[0], max(left, 0):left + ink.shape[1]]
    part[...] = ink[-part.shape[0]:, -part.shape[1]:] if left < 0 else ink[:part.shape[0], :part.shape[1]]
