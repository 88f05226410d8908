"""The clinical reading of a run: RECIST 1.1 on its scan dates (Eisenhauer et al. 2009, doi:10.1016/j.ejca.2008.10.026).

The rules, with our decisions where the paper leaves room:

* Baseline is the first scan. Measurable is a longest diameter of 1.0 cm, for a node a short axis of 1.5 cm. Targets are
  up to five measurable lesions of role `target`, the largest first (every lesion is its own organ); others are non-target.
  A node below 1.0 cm at baseline is normal and not recorded; it becomes a new lesion once it is measurable.
* The sum takes the longest diameter, of a node the short axis. A lesion below the detection limit is not visible and
  counts 0; a visible one counts with its true size, however small.
* Target response: CR all non-nodal targets invisible and all nodes below 1.0 cm (a node that small is normal, whatever it
  does); PD a rise of 20 % and 0.5 cm above the nadir, the smallest sum so far including baseline; PR a fall of 30 % below
  baseline, which lasts until PD (EORTC's clarification of 1.1); SD otherwise; NE a target was not measured, unless those
  that were suffice for PD.
* Unequivocal progression of non-targets, *chosen*: the sum of their diameters rises by 20 % and 0.5 cm above its own
  nadir (73 % in volume, the paper's yardstick for non-measurable disease).
* A new lesion, *chosen*: a lesion that was unknown at baseline and is now measurable (CT slices of 5 mm find 1.0 cm).
* After a complete response any loss of it is PD (a reappearing lesion); in a partial response a lesion that reappears
  only adds to the sum.
* Two readings. `report`: lesions of role `not_evaluable` are ignored, as the case report did. `strict`: one that is
  measurable on a later scan is a new lesion ("identified on a follow-up study in an anatomical location that was not
  scanned at baseline"), whether it grew or not.
* Responses are not confirmed by a second scan; SD counts as a best response from day 42 on. Death by lethal burden is an
  event on its day. A scan that never took place is ignored.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lesionlab.analysis.clinical.scans import NORMAL_NODE_CM, ROUNDING, ScanTable, only, read_scans

__all__ = ["Reading", "ScanTable", "TimeToEvent", "Visit", "assess", "best_overall_response", "is_controlled_at_end",
           "lesion_control", "lesion_response", "local_control", "read_scans", "time_to_progression"]

Reading = Literal["report", "strict"]
DAYS_PER_MONTH = 30.44
MAX_TARGETS = 5
FALL_FOR_RESPONSE, RISE_FOR_PROGRESSION, RISE_FOR_PROGRESSION_CM = 0.30, 0.20, 0.5
STABLE_FROM_D = 42.0


class Visit(NamedTuple):
    """One scan read: sums in cm, changes as fractions; `overall` is baseline, CR, PR, SD, PD, NE or non-CR/non-PD.

    `target` (CR, PR, SD, PD, NE) is "" without target lesions, `non_target` (CR, non-CR/non-PD, PD, NE) "" without others;
    `new_lesions` lists all found so far.
    """

    time_d: float
    sum_cm: float
    change_from_baseline: float
    change_from_nadir: float
    target: str
    non_target: str
    new_lesions: tuple[str, ...]
    overall: str

    @property
    def cause(self) -> str:
        """Why this visit is a progression; "" if it is none."""
        if self.overall != "PD":
            return ""
        if self.new_lesions:
            return f"new lesion: {', '.join(self.new_lesions)}"
        findings = (("target lesions", self.target), ("non-target lesions", self.non_target))
        named = [name for name, response in findings if response == "PD"]
        return " and ".join(named) or "reappearance after complete response"


class TimeToEvent(NamedTuple):
    """Days since the start to an event, or, without one, to the last day observed (censored there)."""

    time_d: float
    is_event: bool
    cause: str

    @property
    def months(self) -> float:
        """The time in months of 30.44 d."""
        return self.time_d / DAYS_PER_MONTH


def assess(table: ScanTable, reading: Reading = "report") -> tuple[Visit, ...]:
    """Read every scan in turn; the first is the baseline, and no scan gives no visit."""
    if not len(table.time_d):
        return ()
    targets, others, unknown = _sort_lesions(table, reading)
    sums_cm = table.diameter_cm[:, targets].sum(axis=1)
    visits: list[Visit] = []
    for scan, sum_cm in enumerate(sums_cm):
        nadir_cm = _nadir(sums_cm[:max(scan, 1)])
        found = np.flatnonzero(unknown & table.is_measurable[1:scan + 1].any(axis=0))
        target, non_target = _read_targets(table, targets, sums_cm, scan), _read_others(table, others, scan)
        overall = _overall(target, non_target, bool(len(found))) if scan else "baseline"
        if overall not in ("CR", "NE") and any(visit.overall == "CR" for visit in visits):
            overall = "PD"
        visits.append(Visit(float(table.time_d[scan]), float(sum_cm), _change(sum_cm, sums_cm[0]), _change(sum_cm, nadir_cm),
                            target, non_target, tuple(table.lesions[lesion] for lesion in found), overall))
    return tuple(visits)


def best_overall_response(table: ScanTable, reading: Reading = "report") -> str:
    """Return the best response up to progression, unconfirmed: CR, PR, SD, non-CR/non-PD, PD or NE."""
    seen = {visit.overall for visit in _until_progression(table, reading)
            if visit.overall in ("CR", "PR") or visit.time_d - table.time_d[0] >= STABLE_FROM_D}
    best = next((response for response in ("CR", "PR", "SD", "non-CR/non-PD") if response in seen), "NE")
    return "PD" if best == "NE" and time_to_progression(table, reading).is_event else best


def time_to_progression(table: ScanTable, reading: Reading = "report") -> TimeToEvent:
    """Return the first scan that reads PD, or death by lethal burden, or else the last day observed (censored)."""
    progression = next((visit for visit in assess(table, reading) if visit.overall == "PD"), None)
    return TimeToEvent(progression.time_d, True, progression.cause) if progression else _end(table)


def is_controlled_at_end(table: ScanTable, reading: Reading = "report") -> bool:
    """Return whether the patient is alive without progression on the last day observed."""
    return not time_to_progression(table, reading).is_event


def lesion_control(table: ScanTable, lesion: str, from_d: float = 0.0) -> TimeToEvent:
    """Return when one lesion progressed on a scan: 20 % and 0.5 cm above its own nadir from the last scan by `from_d` on.

    Without progression the time is censored at the last day observed, be it the end or death.
    """
    index = table.lesions.index(lesion)
    first = max(int(np.searchsorted(table.time_d, from_d, side="right")) - 1, 0)
    sizes_cm, is_gone = table.diameter_cm[first:, index], table.is_gone[first:, index]
    for later in range(1, len(sizes_cm)):
        if not is_gone[later] and _has_progressed(sizes_cm[later], _nadir(sizes_cm[:later])):
            return TimeToEvent(float(table.time_d[first + later]), True, f"progression of {lesion}")
    return TimeToEvent(table.end_d, False, "censored")


def lesion_response(table: ScanTable, lesion: str, time_d: float) -> str:
    """Return how one lesion, read as the only target whatever its role, responds on the scan of a day; "" without that scan.

    A lesion too small to be a target at baseline is NE.
    """
    alone = only(table, lesion)
    return next((visit.target or "NE" for visit in assess(alone) if abs(visit.time_d - time_d) < ROUNDING), "")


def local_control(table: ScanTable) -> dict[str, TimeToEvent]:
    """Return the control of each irradiated lesion, read from the last scan before its first fraction on."""
    starts = zip(table.lesions, table.irradiated_from_d, strict=True)
    return {lesion: lesion_control(table, lesion, float(start_d)) for lesion, start_d in starts if not np.isnan(start_d)}


def _sort_lesions(table: ScanTable, reading: Reading) -> tuple[Sequence[int], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the indices of the targets and the masks (lesion,) of the non-targets and of the lesions unknown at baseline."""
    roles, measurable = np.array(table.roles), table.is_measurable[0]
    eligible = [int(index) for index in np.flatnonzero((roles == "target") & measurable & ~table.occult)]
    targets = sorted(sorted(eligible, key=lambda index: -table.diameter_cm[0, index])[:MAX_TARGETS])
    is_normal_node = table.nodal & (table.diameter_cm[0] < NORMAL_NODE_CM - ROUNDING)
    unknown = (roles != "not_evaluable") & ~measurable & (table.occult | is_normal_node)
    others = (roles != "not_evaluable") & ~unknown
    others[targets] = False
    return targets, others, unknown | ((roles == "not_evaluable") & (reading == "strict"))


def _read_targets(table: ScanTable, targets: Sequence[int], sums_cm: NDArray[np.float64], scan: int) -> str:
    if not targets:
        return ""
    if scan == 0:
        return "baseline"
    nadir_cm, is_measured = _nadir(sums_cm[:scan]), not np.isnan(sums_cm[scan])
    if is_measured and table.is_gone[scan, targets].all():
        return "CR"
    if _has_progressed(float(np.nansum(table.diameter_cm[scan, targets])), nadir_cm):
        return "PD"
    if not is_measured:
        return "NE"
    return "PR" if min(sums_cm[scan], nadir_cm) <= (1 - FALL_FOR_RESPONSE) * sums_cm[0] + ROUNDING else "SD"


def _read_others(table: ScanTable, others: NDArray[np.bool_], scan: int) -> str:
    if not others.any():
        return ""
    if scan == 0:
        return "baseline"
    sums_cm = table.diameter_cm[:, others].sum(axis=1)
    if np.isnan(sums_cm[scan]):
        return "NE"
    if table.is_gone[scan, others].all():
        return "CR"
    return "PD" if _has_progressed(sums_cm[scan], _nadir(sums_cm[:scan])) else "non-CR/non-PD"


def _overall(target: str, non_target: str, has_new_lesion: bool) -> str:
    """Combine the three findings as table 1 of the paper does, table 2 without target lesions."""
    if has_new_lesion or "PD" in (target, non_target):
        return "PD"
    if target == "CR" and non_target not in ("CR", ""):
        return "PR"
    return target or non_target or "NE"


def _has_progressed(size_cm: float, nadir_cm: float) -> bool:
    rise_cm = size_cm - nadir_cm + ROUNDING
    return bool(rise_cm >= RISE_FOR_PROGRESSION * nadir_cm and rise_cm >= RISE_FOR_PROGRESSION_CM)


def _nadir(sizes_cm: NDArray[np.float64]) -> float:
    return float(np.fmin.reduce(sizes_cm))


def _change(size_cm: float, reference_cm: float) -> float:
    return float(size_cm / reference_cm - 1) if reference_cm > 0 else float("nan")


def _until_progression(table: ScanTable, reading: Reading) -> Iterator[Visit]:
    for visit in assess(table, reading)[1:]:
        if visit.overall == "PD":
            return
        yield visit


def _end(table: ScanTable) -> TimeToEvent:
    return TimeToEvent(table.end_d, table.is_dead, "lethal burden" if table.is_dead else "censored")
