"""The treatment calendar: treatments and their dates, milestones, and the clock that figures and animation share.

The clock has two speeds: the weeks in which treatments start and end fill the first half of the axis, the years that follow
the second. Otherwise every infusion and fraction of a case of four years would stand in its first two per cent.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory
from numpy.typing import ArrayLike, NDArray

from lesionlab.analysis.figures import style
from lesionlab.analysis.records.record import Record
from lesionlab.analysis.records.treatments import RADIOTHERAPY, SCAN

LOW_DOSE_GY = 2.0
DAYS_PER_YEAR = 365.25
LONG_YEARS = 2.5
CLOSE_D = 1.5
MARGIN_AFTER_LAST_START_D = 45.0
LABEL_ROW_PT = 15
LAST = 1000
"""Rank of the scans, behind every class of drugs."""


class Clock(NamedTuple):
    """A piecewise linear axis: days 0 to `break_d` take `share` of it, then to `end_d` the rest; equal days mean one speed."""

    break_d: float
    end_d: float
    share: float = 0.5

    @property
    def is_two_speed(self) -> bool:
        """Whether the scale changes on the way."""
        return self.break_d < self.end_d

    @property
    def shows_years(self) -> bool:
        """Whether the second half is long enough to count in years."""
        return self.is_two_speed and self.end_d >= LONG_YEARS * DAYS_PER_YEAR

    def position(self, time_d: ArrayLike) -> NDArray[np.float64]:
        """Return where days stand on the axis, 0 at the start and 1 at the end, linear beyond both."""
        time_d = np.asarray(time_d, dtype=np.float64)
        if not self.is_two_speed:
            return time_d / self.end_d
        late = self.share + (time_d - self.break_d) * (1 - self.share) / (self.end_d - self.break_d)
        return np.where(time_d < self.break_d, time_d * self.share / self.break_d, late)

    def day(self, position: ArrayLike) -> NDArray[np.float64]:
        """Return the day that stands at a position of the axis: the inverse of `position`."""
        position = np.asarray(position, dtype=np.float64)
        if not self.is_two_speed:
            return position * self.end_d
        late = self.break_d + (position - self.share) * (self.end_d - self.break_d) / (1 - self.share)
        return np.where(position < self.share, position * self.break_d / self.share, late)


@dataclass(frozen=True)
class Track:
    """One line of the calendar: all fractions of a course, all doses of a drug, or the scans (days since the start).

    `modality` is radiotherapy, the class of a drug, or scan; `rank` orders them.
    """

    label: str
    detail: str
    modality: str
    rank: int
    times_d: tuple[float, ...]
    lesion: str = ""
    is_low_dose: bool = False

    @property
    def colour(self) -> str:
        """The colour of the modality; low dose is darker."""
        of_no_class = {SCAN: style.SCANS, "": style.INK}
        return style.LOW_DOSE if self.is_low_dose else of_no_class.get(self.modality) or style.treatment_colour(self.rank)

    @property
    def spans_d(self) -> list[tuple[float, float]]:
        """First and last day of every stretch of daily doses; single doses are spans of no length."""
        return _spans(self.times_d)


@dataclass(frozen=True)
class Milestone:
    """A moment that figures mark: the start of a drug, or a course of radiotherapy to one lesion (from, to; days)."""

    start_d: float
    end_d: float
    label: str
    colour: str
    lesion: str = ""


def _spans(times_d: Iterable[float]) -> list[tuple[float, float]]:
    spans: list[tuple[float, float]] = []
    for time_d in sorted(times_d):
        if spans and time_d - spans[-1][1] <= CLOSE_D:
            spans[-1] = (spans[-1][0], time_d)
        else:
            spans.append((time_d, time_d))
    return spans


def tracks(records: Sequence[Record]) -> tuple[Track, ...]:
    """Return the calendar of all arms together; a line that several arms give, or that an arm only began, is listed once."""
    found: list[Track] = []
    for record in records:
        for track in _tracks_of(record):
            alike = [t for t in found if (t.label, t.modality) == (track.label, track.modality)]
            wider = [t for t in alike if set(track.times_d) <= set(t.times_d)]
            narrower = [t for t in alike if set(t.times_d) < set(track.times_d)]
            if not wider:
                found = [t for t in found if t not in narrower] + [track]
    return tuple(sorted(found, key=lambda track: (track.rank, track.times_d[0])))


def _tracks_of(record: Record) -> list[Track]:
    """Return the calendar of one arm, in the order of its events."""
    groups: dict[tuple[str, str, str, float, float], list[float]] = {}
    for event in record.events:
        if event.kind in ("fraction", "dose", "scan"):
            core = -1.0 if np.isnan(event.value_core) else event.value_core
            dose = -1.0 if np.isnan(event.value) else event.value
            label = "" if event.kind == "scan" else event.label
            groups.setdefault((event.kind, event.lesion, label, dose, core), []).append(event.time_d)
    return [_track(record, *key, times_d=tuple(times)) for key, times in groups.items()]


def _track(record: Record, kind: str, lesion: str, label: str, dose: float, core: float, *, times_d: tuple[float, ...]) -> Track:
    if kind == "scan":
        return Track("scans", "", SCAN, LAST, times_d)
    if kind == "fraction":
        is_low = 0 < dose <= LOW_DOSE_GY and core <= LOW_DOSE_GY
        extra = ", low dose" if is_low else f" (core {core:g} Gy)" if core > 0 else ""
        n_a_day = max(Counter(np.floor(times_d)).values())
        extra += f", {n_a_day} a day" if n_a_day > 1 else ""
        detail = f"{len(times_d)} × {dose:g} Gy{extra}"
        return Track(f"RT {style.words(lesion).lower()}", detail, RADIOTHERAPY, 0, times_d, lesion, is_low)
    every_d = f"every {np.median(np.diff(times_d)):g} d" if len(times_d) > 1 else "once"
    for rank, row in enumerate(record.classes, 1):
        if label in dict(row.drugs):
            drug = dict(row.drugs)[label]
            return Track(row.label if row.component else drug, f"{drug} {dose:g} mg {every_d}", row.name, rank, times_d)
    return Track(label, f"{label} {dose:g} mg {every_d}", "", LAST - 1, times_d)


def milestones(records: Sequence[Record]) -> tuple[Milestone, ...]:
    """Return the milestones that figures mark, in order: the first dose of every drug and every course of radiotherapy of any arm."""
    marks = []
    for track in tracks(records):
        if track.modality == RADIOTHERAPY:
            marks.append(Milestone(track.times_d[0], float(np.floor(track.times_d[-1])) + 1, track.detail, track.colour, track.lesion))
        elif track.modality != SCAN:
            marks.append(Milestone(track.times_d[0], track.times_d[0], f"{track.label} starts", track.colour))
    return tuple(sorted(dict.fromkeys(marks), key=lambda mark: (mark.start_d, mark.end_d)))


def clock(records: Sequence[Record]) -> Clock:
    """Return the clock of a set of arms: the first half ends some weeks after the last course began or drug started."""
    end_d = max(float(record.time_d[-1]) for record in records)
    last_d = max((mark.end_d for mark in milestones(records)), default=0.0)
    break_d = 30.0 * np.ceil((last_d + MARGIN_AFTER_LAST_START_D) / 30.0)
    return Clock(break_d if break_d < end_d / 3 else end_d, end_d)


def set_time_axis(axes: Axes, timing: Clock, with_labels: bool) -> None:
    """Give axes the shared clock: days, in the second half, which is shaded, years if it is long."""
    axes.set_xscale("function", functions=(timing.position, timing.day))
    axes.set_xlim(0, timing.end_d)
    fast_end = timing.break_d
    days = list(np.arange(0, fast_end + 1, _step(fast_end)))
    late_from = fast_end + 0.1 * (timing.end_d - fast_end)
    if timing.is_two_speed and not timing.shows_years:
        days += [day for day in np.arange(0, timing.end_d + 1, _step(timing.end_d - fast_end)) if day > late_from]
    years = [y for y in range(1, 100) if timing.shows_years and late_from < y * DAYS_PER_YEAR <= timing.end_d]
    axes.set_xticks([*days, *(y * DAYS_PER_YEAR for y in years)], [f"{d:g}" for d in days] + [f"{y} y" for y in years])
    axes.minorticks_off()
    axes.tick_params(axis="x", labelbottom=with_labels)
    if timing.is_two_speed:
        axes.axvline(timing.break_d, color="#999999", lw=1, ls=":", zorder=0.6)
        axes.axvspan(timing.break_d, timing.end_d, color="#F6F6F6", lw=0, zorder=0.1)


def _step(span_d: float) -> float:
    """Return a distance of ticks, in days, that gives at most six over a span."""
    return next((step for step in (7, 14, 30, 60, 90, 180, 360) if span_d / step <= 6), 720)


def time_label(timing: Clock) -> str:
    """Return the words under the shared axis."""
    change = f"; shaded: from day {timing.break_d:.0f} on, the axis is compressed" if timing.is_two_speed else ""
    return f"time since the start (days{', then years' if timing.shows_years else ''}{change})"


def mark(axes: Axes, marks: Sequence[Milestone], lesion: str, timing: Clock, with_labels: bool = True) -> int:
    """Mark milestones of the patient and of one lesion on axes, labels stacked above them; return the rows of labels used."""
    mine = [m for m in marks if m.lesion in ("", lesion)]
    to_top = blended_transform_factory(axes.transData, axes.transAxes)
    for index, milestone in enumerate(mine):
        if milestone.end_d > milestone.start_d:
            axes.axvspan(milestone.start_d, milestone.end_d, color=milestone.colour, alpha=0.25, lw=0, zorder=0.5)
        axes.axvline(milestone.start_d, color=milestone.colour, lw=1.3, zorder=0.7)
        if with_labels:
            is_late = float(timing.position(milestone.start_d)) > 0.6
            axes.annotate(milestone.label, (milestone.start_d, 1), xycoords=to_top, annotation_clip=False,
                          xytext=(-3 if is_late else 3, 2 + LABEL_ROW_PT * (len(mine) - 1 - index)), textcoords="offset points",
                          ha="right" if is_late else "left", va="bottom", size=style.SMALL_PT, color=style.INK)
            axes.annotate("", (milestone.start_d, 1), xycoords=to_top, annotation_clip=False,
                          xytext=(0, LABEL_ROW_PT * (len(mine) - index)), textcoords="offset points",
                          arrowprops={"arrowstyle": "-", "color": milestone.colour, "lw": 1.3, "shrinkA": 0, "shrinkB": 0})
    return len(mine)


def draw_calendar(axes: Axes, lines: Sequence[Track], timing: Clock, with_names: bool = True) -> None:
    """Draw the treatment strip: one row a track, ticks for fractions, infusions and scans, bars for daily doses."""
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_yticks(range(len(lines)), [line.label for line in lines] if with_names else [""] * len(lines))
    axes.tick_params(axis="y", length=0, labelsize=style.SMALL_PT)
    for row, line in enumerate(lines):
        axes.axhline(row, color="#EEEEEE", lw=8, zorder=0.4, solid_capstyle="butt")
        bars = [(a, b) for a, b in line.spans_d if b > a] if line.modality != RADIOTHERAPY else []
        axes.hlines([row] * len(bars), [a for a, _ in bars], [b + 1 for _, b in bars], color=line.colour, lw=9)
        ticks = line.times_d if line.modality == RADIOTHERAPY else [a for a, b in line.spans_d if a == b]
        if line.modality == SCAN:
            axes.plot(ticks, [row] * len(ticks), "v", color=line.colour, ms=6, clip_on=False)
        else:
            axes.vlines(ticks, row - 0.36, row + 0.36, color=line.colour, lw=1.6)
        if line.modality == RADIOTHERAPY:
            axes.annotate(line.detail, (line.times_d[-1], row), xytext=(8, 0), textcoords="offset points", va="center",
                          size=style.SMALL_PT, color=style.INK)
    set_time_axis(axes, timing, with_labels=True)
