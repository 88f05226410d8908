"""The report of a comparison: a single HTML file with every image inside, readable without a network."""

import base64
import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined
from PIL import Image
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from lesionlab.analysis.clinical.outcome import READINGS
from lesionlab.analysis.comparison.comparison import Comparison
from lesionlab.analysis.comparison.endings import endings
from lesionlab.analysis.comparison.findings import Findings
from lesionlab.analysis.figures import calendar, style
from lesionlab.analysis.figures.answer import CAPTION, ON_A_PAGE, ON_A_PHONE, answer_figure
from lesionlab.analysis.figures.findings import Drawn
from lesionlab.analysis.figures.standard import caption, summary_note
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record
from lesionlab.analysis.records.written import write_text
from lesionlab.analysis.report.answer import answer
from lesionlab.analysis.report.case_files import case_section
from lesionlab.analysis.report.event_words import end_words, event_day, number
from lesionlab.analysis.report.tables import INTERVALS, tables

TEMPLATE = Path(__file__).with_name("report.html.j2")
MEDIA = {".png": "image/png", ".gif": "image/gif", ".mp4": "video/mp4", ".svg": "image/svg+xml"}
STILL_SHARE = 0.35
"""Where in the animation its still is taken: among the weeks of treatment."""
EVIDENCE = ("case", "literature", "assumed")


class Given(NamedTuple):
    """A line of the calendar in words: what, how, from when to when, how often, in which arms."""

    label: str
    detail: str
    first: str
    last: str
    n: int
    arms: str


class Picture(NamedTuple):
    """An image to embed: its bytes as a data address, its kind and its caption."""

    address: str
    is_video: bool
    caption: str


class Assumption(NamedTuple):
    """Values of a scenario that are not from the case: the place in the file, the values, the evidence and the note."""

    place: str
    values: str
    evidence: str
    note: str


class Pictures(NamedTuple):
    """What to show: figures of the findings with their captions, standard figures, the animation, and the page that plays the arms."""

    found: Sequence[Drawn]
    standard: Sequence[Path]
    animation: Path | None
    player: Path | None = None


def write_report(records: Sequence[Record], comparison: Comparison, findings: Findings, pictures: Pictures, folder: Path,
                 command: str) -> Path:
    """Write report.html into a folder and return its path; figures are embedded in their order, PDFs left out.

    Raises:
        RecordError: there is no record, or jinja2 is not installed.
    """
    if not records:
        raise RecordError("there is no record to report on")
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = page.from_string(TEMPLATE.read_text(encoding="utf-8"))
    path = folder / "report.html"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, template.render(_content(records, comparison, findings, pictures, command)))
    return path


def _content(records: Sequence[Record], comparison: Comparison, findings: Findings, pictures: Pictures,
             command: str) -> dict[str, Any]:
    """Return everything the template prints."""
    first = records[0]
    return {
        "disclaimer": style.DISCLAIMER, "question": (first.title or "What does each treatment contribute?"),
        "arms": [(look.label, look.colour, arm) for arm, look in _looks(comparison)], "note": summary_note(records),
        "is_quick": comparison.is_quick, "notes": comparison.notes, "calendar": given(records, comparison),
        "answer": answer(comparison, findings),
        "answer_figures": _answer_pictures(comparison, findings, records), "readings": _readings(comparison),
        "case": case_section(records), "outcome": _outcome_table(comparison, findings), "scans": _scan_table(comparison),
        "day": f"{findings.day_d:.0f}", "date": comparison.date(findings.day_d).isoformat(), "tables": tables(comparison, findings),
        "intervals": INTERVALS,
        "found": [_picture(figure.path, figure.caption) for figure in pictures.found if figure.path.suffix.lower() in MEDIA],
        "figures": [_picture(path, caption(path.stem, records)) for path in pictures.standard if path.suffix.lower() in MEDIA],
        "animation": _animation(pictures), "animation_file": pictures.animation.name if pictures.animation is not None else None,
        "assumptions": [row for row in assumptions(first.scenario_yaml) if row.evidence == "assumed"],
        "player": pictures.player.name if pictures.player is not None else None,
        "command": command, "versions": _versions(first), "seed": first.seed,
        "code_version": first.code_version, "n_runs": len(records),
        "runs": [(r.arm, r.replicate, r.path.name, r.status, r.state_sha256[:16]) for r in records],
        "scenarios": {r.arm: r.scenario_yaml for r in reversed(records)},
    }


def _looks(comparison: Comparison) -> Iterator[tuple[Any, style.ArmStyle]]:
    looks = style.looks_of({arm.name: [outcome.record for outcome in arm.outcomes] for arm in comparison.arms})
    return ((arm, looks[arm.name]) for arm in comparison.arms)


def given(records: Sequence[Record], comparison: Comparison) -> list[Given]:
    """Return the calendar as lines for a table; an arm is named where any of its runs got the treatment."""
    lines = []
    for line in calendar.tracks(records):
        arms = [look.label for arm, look in _looks(comparison) if any(
            (track.label, track.modality) == (line.label, line.modality)
            for outcome in arm.outcomes for track in calendar.tracks([outcome.record]))]
        first, last = (comparison.start + timedelta(days=day) for day in (line.times_d[0], line.times_d[-1]))
        everyone = "all arms" if len(arms) == len(comparison.arms) else ", ".join(arms)
        lines.append(Given(line.label, line.detail, first.isoformat(), last.isoformat(), len(line.times_d), everyone))
    return lines


def _answer_pictures(comparison: Comparison, findings: Findings, records: Sequence[Record]) -> list[Picture]:
    """Draw the figure of the answer, for a page and for a phone; as SVG it stays sharp on any screen and in print."""
    looks = {arm.name: look for arm, look in _looks(comparison)}
    progression_d = {name: findings.survival["progression_report", name].median_d for name in looks}
    pictures = []
    for layout in (ON_A_PAGE, ON_A_PHONE):
        drawn = BytesIO()
        figure = answer_figure(endings(comparison, findings), looks, progression_d, summary_note(records, ""), layout)
        with style.themed():
            figure.savefig(drawn, format="svg", metadata=style.metadata("The answer", "svg"))
        pictures.append(Picture(_address(drawn.getvalue(), ".svg"), False, f"{CAPTION} {summary_note(records, '')}".rstrip()))
    return pictures


def _readings(comparison: Comparison) -> list[str]:
    """Return in words why the two readings of an arm differ, a line an arm where they do."""
    lines = []
    for arm, look in _looks(comparison):
        best = {reading: arm.word(f"best_response_{reading}") for reading in READINGS}
        if best["report"] != best["strict"]:
            cause = arm.word("progression_cause_strict")
            lines.append(f"{look.label}: {best['report']} as the case report reads it, {best['strict']} read strictly. "
                         f"What the strict reading calls progression: {cause}.")
    return lines


def _outcome_table(comparison: Comparison, findings: Findings) -> list[dict[str, str]]:
    """Return a row an arm: both RECIST readings, nadir, control, what killed, the end."""
    rows = []
    for arm, look in _looks(comparison):
        deaths = {label: arm.numbers[name, ""].median for name, (label, _) in style.DEATH_CAUSES.items() if (name, "") in arm.numbers}
        total = sum(deaths.values())
        rows.append({"arm": look.label, "colour": look.colour, "n": str(arm.n),
                     **{f"best_{reading}": arm.word(f"best_response_{reading}") for reading in READINGS},
                     **{f"progression_{reading}": event_day(arm, f"progression_{reading}", findings)
                        for reading in READINGS},
                     "nadir": number(arm.numbers.get(("nadir_sum_cm", "")), 1), "nadir_day": number(arm.numbers.get(("nadir_d", "")), 0),
                     "deaths": ", ".join(f"{label} {100 * count / total:.0f} %" for label, count in deaths.items() if total > 0),
                     "end": end_words(arm, findings)})
    return rows


def _scan_table(comparison: Comparison) -> dict[str, Any]:
    """Return longest diameters on the scan dates, a row an arm and lesion."""
    days = comparison.scan_days
    rows = [(look.label, look.colour, lesion,
             [number(arm.sizes.get((day, "longest_diameter_cm", lesion)), 1) for day in days])
            for arm, look in _looks(comparison) for lesion in comparison.lesions]
    return {"dates": [comparison.date(day).isoformat() for day in days], "rows": rows}


def _picture(path: Path, words: str) -> Picture:
    suffix = path.suffix.lower()
    return Picture(_address(embedded(path) if suffix == ".png" else path.read_bytes(), suffix), suffix == ".mp4", words)


def _animation(pictures: Pictures) -> Picture | None:
    """Return the animation; beside a page that plays the arms, a still of it: the file itself lies there too, and is most of a report."""
    path = pictures.animation
    if path is None or pictures.player is None or path.suffix.lower() != ".gif":
        return _picture(path, "") if path is not None else None
    with Image.open(path) as film:
        film.seek(int(STILL_SHARE * getattr(film, "n_frames", 1)))
        return Picture(_address(_in_few_colours(film.convert("RGB")), ".png"), False, "")


def embedded(path: Path) -> bytes:
    """Return a picture for embedding, as a PNG of 256 colours, which looks like the file's own and which is a third of it; or as it is."""
    with Image.open(path) as picture:
        found = _in_few_colours(picture.convert("RGB"))
    whole = path.read_bytes()
    return min(whole, found, key=len)


def _in_few_colours(picture: Image.Image) -> bytes:
    made = BytesIO()
    picture.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(made, "PNG", compress_level=6)
    return made.getvalue()


def _address(data: bytes, suffix: str) -> str:
    return f"data:{MEDIA[suffix]};base64,{base64.b64encode(data).decode('ascii')}"


def _versions(record: Record) -> str:
    """Return the versions of the model and of the drawing software in one line."""
    try:
        computed = json.loads(record.provenance)
    except json.JSONDecodeError:
        computed = {}
    parts = [f"{name} {value}" for name, value in computed.items() if isinstance(value, str | int | float)]
    try:
        parts.append(f"drawn with matplotlib {version('matplotlib')}")
    except PackageNotFoundError:
        parts.append("drawn with matplotlib")
    return ", ".join(parts)


def assumptions(scenario_yaml: str) -> list[Assumption]:
    """Return every value of a resolved scenario that carries its evidence, in the order of the file."""
    try:
        tree = YAML(typ="safe", pure=True).load(StringIO(scenario_yaml))
    except YAMLError:
        return []
    return list(_walk(tree, ""))


def _walk(node: Any, place: str) -> Iterator[Assumption]:
    if isinstance(node, list):
        for entry in node:
            name = entry.get("lesion", "") if isinstance(entry, dict) else ""
            yield from _walk(entry, f"{place} of the {name}" if name else place)
    elif isinstance(node, dict):
        plain = {key: value for key, value in node.items() if not isinstance(value, dict) and key not in ("evidence", "note")}
        evidence = node.get("evidence")
        marked = dict.fromkeys(plain, evidence) if isinstance(evidence, str) else evidence or {}
        for kind in EVIDENCE:
            values = ", ".join(f"{key}: {_plain(plain[key])}" for key in marked if marked[key] == kind and key in plain)
            if values:
                yield Assumption(place.strip() or "scenario", values, kind, str(node.get("note", "")))
        for key, value in node.items():
            if isinstance(value, dict | list):
                yield from _walk(value, f"{place} {key}")


def _plain(value: Any) -> str:
    """Return a value as a reader writes it: dates as dates, yes and no, lists without brackets."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)
