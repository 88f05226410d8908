"""The page of anchors: what was reported of each rule against what a screen and a few untreated courses simulated, misses shown."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lesionlab.analysis.comparison.screen_summary import Found, percent, points, quantities, sentences
from lesionlab.analysis.comparison.screening import ANTI_PD1, BOTH, INHIBITOR, UNTREATED, UP_BY, Cohort, Share, Value
from lesionlab.analysis.figures.style import DISCLAIMER

_AGAINST = """`inside`: the simulated value lies in the reported interval; `near`: it does not, but the two intervals overlap;
`miss`: they do not. `choose`: the defaults were chosen by it, so it is no test; `report`: nothing was chosen by it.
"""
_SCREEN = """One lesion of 5 cm a patient. Response is the best RECIST response of weeks 8 and 16, unconfirmed; a course ends at its
progression, which settles its response. Better of the two single drugs is read from the same patients. Worse than untreated is
a diameter more than 5 % larger on day 56, or on the last day that both arms saw.
Sections hold 3,000 cells; outcomes depend on the size of the section ([section_sizes.md](section_sizes.md)).
"""
_T_CELLS = """Medians (perfusion: mean change since the patient's own day 0) of the patients alive on the day. Reported: CD8 cells rise
under bevacizumab with atezolizumab (Wallin 2016), and under a normalising, not a high, dose in mice (Huang 2012); no human density of this
cancer was found.
"""
_GROWTH = """Longest diameter on day 60, median of the replicates with the smallest and the largest; b is the exponent by which
perfusion falls with volume. Human data conflict on the direction (Benzekry 2014; Perez-Garcia 2020; Sabra 2017), so b = 0 stays
allowed.
"""
_RULES = """The same patients under each screen, those whom all have in common. A rule is switched off alone; nothing is chosen anew, so a
single drug may then do more or less than trials saw. Independent action: 1 - (1 - a)(1 - b).
"""
_NODE = """The demand is less than 16.6 cm, twice its size, on day 60, as the median of the replicates. Small sections (`--quick`), and the
growth that was fitted without these rules.
"""
_NODE_LIMIT_CM = 16.6
_CHOICE = """By an explicit search over the box in the population file, against the anchors marked `choose`, which are of either drug
alone; no arm with both was run. The distance is the mean of z², z the difference to the report in halves of its interval's
width. All points saw the same drawn patients; the nearest comes first.
"""


class Findings(NamedTuple):
    """All that the page shows.

    Attributes:
        others: screens with something changed, by the words for the change.
        anchors: by name, each with quantity, what, value (None: limits only), low, high, use and source.
        growth: untreated courses, each with lesion, size_cm, exponent and diameter_d60_cm (nan after death); `node` is the case's lesion.
        points: of the search for defaults, the chosen one first, each with settings, n, simulated (by quantity) and distance.
        readings: what a miss is put down to, by the anchor's name.
        note: what is to be said of the choice of defaults besides its table.
        figures: words and file, beside the page.
    """

    cohort: Cohort
    others: Mapping[str, Cohort]
    anchors: Mapping[str, Any]
    growth: Sequence[Any]
    node: str
    points: Sequence[Any]
    readings: Mapping[str, str]
    command: str
    version: str
    note: str = ""
    figures: Sequence[tuple[str, str]] = ()


def page(found: Findings) -> str:
    """Return the page as Markdown."""
    pictures = "".join(f"![{words}]({file})\n\n" for words, file in found.figures)
    parts = [_head(found), _anchors(found), _screen(found), _rules(found), _t_cells(found), pictures, _growth(found), _node(found),
             _choice(found)]
    return "\n".join(part.rstrip() + "\n" for part in parts if part)


def _head(found: Findings) -> str:
    cohort = found.cohort
    return (f"# Anchors: what trials reported, what the model does\n\n{DISCLAIMER}. Virtual patients; misses are shown as they are.\n\n"
            f"```\n{found.command}\n```\n\nComputed with {found.version}: {len(cohort.patients)} accepted patients of "
            f"{len(cohort.patients) + cohort.n_rejected} drawn. Shares have exact 95 % intervals (Clopper and Pearson), means and "
            "medians bootstrap intervals over patients; reported intervals are the sources' own or computed from their counts.\n")


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table, the first its heading."""
    heading, *below = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([heading, "|" + "---|" * len(rows[0]), *below]) + "\n"


def _anchors(found: Findings) -> str:
    simulated = quantities(found.cohort)
    rows = [["what", "reported", "simulated", "use", "verdict"]]
    notes = []
    for name, anchor in found.anchors.items():
        value = simulated.get(anchor.quantity)
        verdict = "not simulated" if value is None else verdict_of(anchor, value)
        rows.append([f"{anchor.what}", _reported(anchor), "" if value is None else percent(value), anchor.use, verdict])
        if verdict.startswith("miss"):
            notes.append(f"- {anchor.what}: {found.readings.get(name, 'no reading yet')}.")
    sources = "\n".join(f"- {anchor.what}: {anchor.source}." for anchor in found.anchors.values())
    misses = "Readings of the misses:\n\n" + "\n".join(notes) + "\n" if notes else "No anchor is missed.\n"
    up = (f"Perfusion counts as up where it stands {100 * (UP_BY - 1):.0f} % above the patient's own day 0 on every weekly reading of four "
          "weeks.\n")
    return f"## Against the report\n\n{markdown_table(rows)}\n{_AGAINST}\n{misses}\n{up}\nSources:\n\n{sources}\n"


def verdict_of(anchor: Any, value: Share | Value) -> str:
    """Return whether a simulated value is inside the reported interval, near it (the intervals overlap) or a miss."""
    if anchor.low <= value.value <= anchor.high:
        return "inside"
    return "near" if value.low <= anchor.high and value.high >= anchor.low else "miss"


def _reported(anchor: Any) -> str:
    limits = f"{100 * anchor.low:.0f} to {100 * anchor.high:.0f}"
    return f"{limits} %" if anchor.value is None else f"{100 * anchor.value:.0f} % [{limits}]"


def _screen(found: Findings) -> str:
    rows = [["screen", "arm", "respond", "disease control", "worse than untreated", "died by day 56"]]
    for label, cohort in {"all rules": found.cohort, **found.others}.items():
        simulated = quantities(cohort)
        names = ("response", "control", "worse_than_untreated", "died_d56")
        rows += [[label, arm, *(_share(simulated, f"{arm}.{name}") for name in names)]
                 for arm in (UNTREATED, ANTI_PD1, INHIBITOR, BOTH) if arm in cohort.arms]
    said = "\n".join(f"\n{label}:\n\n" + "\n".join(f"- {line}" for line in sentences(cohort)) + "\n"
                     for label, cohort in {"All rules": found.cohort, **found.others}.items())
    return f"## The screen\n\n{_SCREEN}\n{markdown_table(rows)}{said}"


def rules_rows(cohorts: Mapping[str, Cohort]) -> list[list[str]]:
    """Return rows of text: each screen on the patients that all have in common, with what both drugs add and its excess."""
    common = set.intersection(*(set(cohort.patients) for cohort in cohorts.values()))
    rows = [["screen", "patients", "anti-PD-1", "inhibitor", "both", "both less the better", "both less independent action"]]
    for label, cohort in cohorts.items():
        simulated = quantities(cohort.among(common))
        differences = [points(simulated[f"both.{name}"]) for name in ("over_better", "over_independence")]  # type: ignore[arg-type]
        rows.append([label, str(len(common)), *(f"{100 * simulated[f'{arm}.response'].value:.0f} %" for arm in (ANTI_PD1, INHIBITOR, BOTH)),
                     *differences])
    return rows


def _rules(found: Findings) -> str:
    cohorts = {"all rules": found.cohort, **found.others}
    is_whole = all(arm in cohort.arms for cohort in cohorts.values() for arm in (ANTI_PD1, INHIBITOR, BOTH))
    if len(cohorts) < 2 or not is_whole:
        return ""
    rows = rules_rows(cohorts)
    left = {label: quantities(cohort)["both.over_independence"] for label, cohort in cohorts.items()}
    said = []
    for label, value in left.items():
        assert isinstance(value, Value)
        is_open = value.low <= 0.0 <= value.high
        n = len(cohorts[label].patients)
        said.append(f"- {label}: over independent action {points(value)} in all {n} patients of that screen; the interval "
                    f"{'holds' if is_open else 'does not hold'} 0.")
    return f"## Which rules carry the excess\n\n{_RULES}\n{markdown_table(rows)}\n" + "\n".join(said) + "\n"


def _share(simulated: Found, name: str) -> str:
    return percent(simulated[name]) if name in simulated else ""


def _t_cells(found: Findings) -> str:
    simulated = quantities(found.cohort)
    rows = [["arm", "T cells per mm2, day 0", "day 28", "day 56", "hypoxic fraction, day 28", "perfusion, week 2", "week 6"]]
    for arm in (UNTREATED, ANTI_PD1, INHIBITOR, BOTH):
        if arm in found.cohort.arms:
            rows.append([arm, *(_number(simulated, f"{arm}.t_cells_d{day}", "{:.0f}") for day in (0, 28, 56)),
                         _number(simulated, f"{arm}.hypoxic_d28", "{:.2f}"),
                         *(_share(simulated, f"{arm}.perfusion_change_d{day}") for day in (14, 42))])
    return f"## T cells, hypoxia and perfusion with and without the inhibitor\n\n{_T_CELLS}\n{markdown_table(rows)}"


def _number(simulated: Found, name: str, form: str) -> str:
    if name not in simulated:
        return ""
    value = simulated[name]
    return f"{form.format(value.value)} [{form.format(value.low)} to {form.format(value.high)}]"


def growth_rows(courses: Sequence[Any], lesion: str) -> list[list[str]]:
    """Return rows of text: size, then at each exponent the median diameter on day 60 with its range, or how many died before."""
    exponents = sorted({course.exponent for course in courses if course.lesion == lesion})
    rows = [["size on day 0", *(f"b = {exponent:g}" for exponent in exponents)]]
    for size_cm in sorted({course.size_cm for course in courses if course.lesion == lesion}):
        cells = []
        for exponent in exponents:
            chosen = [course for course in courses if (course.lesion, course.size_cm, course.exponent) == (lesion, size_cm, exponent)]
            sizes = np.array([course.diameter_d60_cm for course in chosen])
            cells.append(_sizes(sizes))
        rows.append([f"{size_cm:g} cm", *cells])
    return rows


def _sizes(sizes: Any) -> str:
    known = sizes[np.isfinite(sizes)]
    if len(known) * 2 <= len(sizes):
        return f"{len(sizes) - len(known)} of {len(sizes)} died before day 60"
    middle = _middle(sizes)
    died = f", {len(sizes) - len(known)} died before" if len(known) < len(sizes) else ""
    return f"{middle:.1f} cm ({known.min():.1f} to {known.max():.1f}{died})"


def _middle(sizes: Any) -> float:
    """Return the median diameter; the dead had the largest lesions and count as larger than any other."""
    return float(np.median(np.where(np.isfinite(sizes), sizes, np.inf)))


def _growth(found: Findings) -> str:
    if not found.growth:
        return ""
    return f"## Untreated growth by size\n\n{_GROWTH}\n{markdown_table(growth_rows(found.growth, 'tumour'))}"


def _node(found: Findings) -> str:
    courses = [course for course in found.growth if course.lesion == found.node]
    if not courses:
        return ""
    own = max(course.exponent for course in courses)
    middle = _middle(np.array([course.diameter_d60_cm for course in courses if course.exponent == own]))
    verdict = f"With b = {own:g} the demand is {'met' if middle < _NODE_LIMIT_CM else 'missed'}.\n"
    return f"## The node of the case, untreated\n\n{_NODE}\n{markdown_table(growth_rows(found.growth, found.node))}\n{verdict}"


def _choice(found: Findings) -> str:
    if not found.points:
        return ""
    names = [setting.partition("=")[0].rsplit(".", 1)[-1] for setting in found.points[0].settings]
    keys = [anchor.quantity for anchor in found.anchors.values() if anchor.use == "choose"]
    rows = [[*names, "patients", *keys, "distance"]]
    rows += [[*(setting.partition("=")[2] for setting in point.settings), str(point.n),
              *(f"{100 * point.simulated.get(key, float('nan')):.0f} %" for key in keys), f"{point.distance:.2f}"]
             for point in found.points]
    note = f"{found.note}\n\n" if found.note else ""
    return f"## How the defaults were chosen\n\n{_CHOICE}\n{note}{markdown_table(rows)}"
