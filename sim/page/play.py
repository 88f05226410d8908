"""What a page plays: arms on one clock, their pictures, curves, calendar and end, as plain values for the browser."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lesionlab.analysis.animation.animate import default_lesion
from lesionlab.analysis.animation.frames import MOST_ARMS
from lesionlab.analysis.figures import calendar, style
from lesionlab.analysis.figures.panels import QUANTILES, Quantity, curve
from lesionlab.analysis.figures.sections import View
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record, by_arm, damage_notes, ended_on_day, snapshot_times
from lesionlab.analysis.records.treatments import RADIOTHERAPY, SCAN
from lesionlab.sim.page.layers import ink_on, layers, site_words
from lesionlab.sim.page.sections import Pictured, Section, shapes, window_of

MOST_DAYS, MOST_POINTS = 120, 260
"""Days and points of a curve that a page holds at most, spread evenly over the clock."""
CURVES = (
    Quantity("longest_diameter_cm", "Longest diameter (cm)"),
    Quantity("clonogens", "Clonogens of the lesion", is_log=True),
    Quantity("t_cells_per_mm2", "T cells per mm²"),
    Quantity("hypoxic_fraction_below_5_mmHg", "Hypoxic fraction (below 5 mmHg)", top=1.0),
    Quantity("perfused_vessels_per_mm2", "Perfused vessels per mm²"),
)


@dataclass(frozen=True)
class Look:
    """How a page shows an arm: its words, its colour and line, and what it does differently (mechanisms off, doses)."""

    label: str
    colour: str
    line: str = "-"
    note: str = ""


@dataclass(frozen=True)
class Play:
    """Arms with their replicates, one clock, the days shown, and a section for each arm and lesion that has pictures."""

    arms: Mapping[str, Sequence[Record]]
    looks: Mapping[str, Look]
    clock: calendar.Clock
    days: NDArray[np.float64]
    sections: Mapping[tuple[str, str], Pictured] = field(repr=False)
    shown_at: Mapping[tuple[str, str], Sequence[int]] = field(repr=False)

    @property
    def first(self) -> Record:
        """The first record, whose patient and calendar stand for all."""
        return next(iter(self.arms.values()))[0]

    @property
    def records(self) -> list[Record]:
        """Every record."""
        return [record for replicates in self.arms.values() for record in replicates]


def make_play(records: Sequence[Record], looks: Mapping[str, Look] | None = None, most_days: int = MOST_DAYS) -> Play:
    """Return what a page plays of some records; those of one arm are its replicates, and the first is the one pictured.

    Raises:
        RecordError: there are no records, too many arms, other lesions in one of them, or no pictures at all.
    """
    arms = by_arm(records)
    if not arms:
        raise RecordError("there is no record to show")
    if len(arms) > MOST_ARMS and looks is None:
        raise RecordError(f"{len(arms)} arms do not fit side by side; choose at most {MOST_ARMS}")
    lesions = records[0].lesions
    for record in records:
        if record.lesions != lesions:
            raise RecordError(f"{record.path}: its lesions are not those of {records[0].path}; a page shows arms of one patient")
    styles = {arm: Look(found.label, found.colour, found.line) for arm, found in style.looks_of(arms).items()}
    timing = calendar.clock(records)
    taken = {(arm, lesion): snapshot_times(replicates[0].path, lesion) for arm, replicates in arms.items() for lesion in lesions}
    days = _days([times for times, _ in taken.values()], timing, most_days)
    sections: dict[tuple[str, str], Section] = {}
    shown_at: dict[tuple[str, str], Sequence[int]] = {}
    for lesion in lesions:
        sections |= _sections(arms, lesion, taken, days, shown_at)
    return Play(arms, looks or styles, timing, days, sections, shown_at)


def _days(times: Sequence[NDArray[np.float64]], timing: calendar.Clock, most: int) -> NDArray[np.float64]:
    """Return the days on which some arm has a picture, thinned evenly over the clock, the first and last among them."""
    every = np.unique(np.round(np.concatenate(times), 3).astype(np.float64)) if times else np.array([], dtype=np.float64)
    if not every.size:
        raise RecordError("no pictures to show; run with output.snapshots_every_d")
    if len(every) <= most:
        return every
    along = timing.position(every)
    even = np.linspace(along[0], along[-1], most)
    return every[np.unique(np.abs(along[:, np.newaxis] - even).argmin(axis=0))]


def _sections(arms: Mapping[str, Sequence[Record]], lesion: str, taken: Mapping[tuple[str, str], Any], days: NDArray[np.float64],
              shown_at: dict[tuple[str, str], Sequence[int]]) -> dict[tuple[str, str], Section]:
    """Return the sections of one lesion, all in one window where they have one shape; fill in which picture stands on which day."""
    found = {}
    for arm, replicates in arms.items():
        times = taken[arm, lesion][0]
        if times.size:
            at = np.maximum(np.searchsorted(times, days + 1e-3, side="right") - 1, 0)
            places = np.unique(at)
            shown_at[arm, lesion] = np.searchsorted(places, at).tolist()
            found[arm] = (replicates[0], places.tolist(), *window_of(replicates[0], lesion, places.tolist()))
    is_one_shape = len({shape for _, _, _, shape, _ in found.values()}) == 1
    widest = [window for _, _, window, _, _ in found.values()]
    sections = {}
    for arm, (record, places, window, shape, site_um) in found.items():
        chosen = _around(widest) if is_one_shape else window
        scale = taken[arm, lesion][1][places]
        sections[arm, lesion] = Section(record, lesion, tuple(places), tuple(scale.tolist()), chosen, int(np.prod(shape)), site_um,
                                        shapes(len(places), chosen))
    return sections


def _around(windows: Sequence[View]) -> View:
    """Return the smallest window that holds some windows."""
    rows, columns = ([getattr(window, side) for window in windows] for side in ("rows", "columns"))
    return View(*(slice(min(side.start for side in sides), max(side.stop for side in sides)) for sides in (rows, columns)))


def as_json(play: Play, title: str = "", has_t_cell_states: bool = False) -> dict[str, Any]:
    """Return everything of a play but the bytes of its pictures; T cells by state only where the pictures hold them."""
    first = play.first
    return {
        "title": title or first.title or "Arms side by side", "disclaimer": style.DISCLAIMER,
        "notes": _notes(play), "start": first.start.date().isoformat(), "days": [round(float(day), 3) for day in play.days],
        "clock": {"break_d": play.clock.break_d, "end_d": play.clock.end_d, "share": play.clock.share if play.clock.is_two_speed else 1.0},
        "lesions": [{"name": name, "label": style.words(name), "role": role.replace("_", "-")}
                    for name, role in zip(first.lesions, first.roles, strict=True)],
        "lesion": default_lesion(play.records), "layers": [layer.as_json() for layer in layers(has_t_cell_states)],
        "site_words": site_words(), "bar_um": 500.0,
        "curves": [{"name": q.name, "label": q.label, "top": q.top, "is_log": q.is_log} for q in CURVES],
        "quantiles": list(QUANTILES), "calendar": _calendar(play),
        "arms": [_arm(play, arm) for arm in play.arms],
        "made": {"seed": first.seed, "code_version": first.code_version},
    }


def _notes(play: Play) -> list[str]:
    """Return what a reader must know of these runs."""
    notes = damage_notes(play.records)
    if any(record.is_quick for record in play.records):
        notes.append("Quick runs with small sections: for a first look, not for a result.")
    if any(shape.step > 1 for section in play.sections.values() for name, shape in section.shapes.items() if name == "sites"):
        notes.append("Large sections are thinned: of each block of sites the middle one is drawn, and the mean of their oxygen.")
    absent = [style.words(lesion) for lesion in play.first.lesions if not any((arm, lesion) in play.sections for arm in play.arms)]
    if absent:
        notes.append(f"No pictures of: {', '.join(absent)}.")
    return notes


def _arm(play: Play, arm: str) -> dict[str, Any]:
    look, replicates = play.looks[arm], play.arms[arm]
    record = replicates[0]
    ended = ended_on_day(record)
    return {
        "name": arm, "label": look.label, "colour": look.colour, "ink": ink_on(look.colour), "line": look.line, "note": look.note,
        "n_replicates": len(replicates), "replicate": record.replicate, "end_d": round(float(record.time_d[-1]), 3),
        "ended_d": None if ended is None else round(ended, 3), "status": record.status,
        "detection_limit_cm": record.detection_limit_cm,
        "sections": {lesion: {**section.as_json(), "at": list(play.shown_at[arm, lesion])}
                     for (name, lesion), section in play.sections.items() if name == arm},
        "curves": {lesion: {q.name: _curve(replicates, q.name, lesion, play.clock) for q in CURVES} for lesion in record.lesions},
    }


def _curve(replicates: Sequence[Record], name: str, lesion: str, timing: calendar.Clock) -> dict[str, Any]:
    """Return one curve: days, median, and where there are replicates the quantiles."""
    line = curve(replicates, name, lesion)
    n = len(line.time_d)
    places = np.arange(n)
    if n > MOST_POINTS:
        along = timing.position(line.time_d)
        places = np.unique(np.searchsorted(along, np.linspace(along[0], along[-1], MOST_POINTS)).clip(0, n - 1))
    values = {"t": line.time_d, "median": line.median, **({"low": line.low, "high": line.high} if len(replicates) > 1 else {})}
    return {key: [_number(value) for value in column[places]] for key, column in values.items()}


def _number(value: float) -> float | None:
    """Return a number with four digits, None for a missing one."""
    return float(f"{value:.4g}") if isfinite(value) else None


def _calendar(play: Play) -> list[dict[str, Any]]:
    """Return the lines of the treatment calendar, with the arms that each belongs to; an arm that only began a course shares its line."""
    found: dict[tuple[str, str, str], calendar.Track] = {}
    arms: dict[tuple[str, str, str], list[str]] = {}
    for arm, replicates in play.arms.items():
        for track in calendar.tracks(replicates[:1]):
            # The dose of a fraction, without their number, which an early death cuts short.
            key = (track.label, track.modality, track.detail.partition("× ")[2])
            arms.setdefault(key, []).append(arm)
            if key not in found or len(track.times_d) > len(found[key].times_d):
                found[key] = track
    lines = sorted(found.items(), key=lambda item: (item[1].modality == SCAN, item[1].modality != RADIOTHERAPY))
    return [{"label": t.label, "detail": t.detail, "modality": t.modality, "colour": t.colour, "lesion": t.lesion,
             "times": [round(time_d, 3) for time_d in t.times_d], "is_radiotherapy": t.modality == RADIOTHERAPY,
             "is_scan": t.modality == SCAN, "spans": [[round(a, 3), round(b, 3)] for a, b in t.spans_d],
             "arms": arms[key]} for key, t in lines]
