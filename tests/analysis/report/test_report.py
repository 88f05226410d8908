"""The report: one file that stands alone, answers the question, and says what it rests on."""

import base64
import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from lesionlab.analysis.comparison.comparison import Summary, compare
from lesionlab.analysis.comparison.findings import find
from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.standard import standard_figures
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import load
from lesionlab.analysis.report.event_words import number
from lesionlab.analysis.report.report import Pictures, assumptions, embedded, write_report
from tests.made_record import make_record

SCENARIO = """
title: <b>What helps?</b>
evidence: {start: case, seed: assumed}
note: the days are assumed
seed: 7
start: 2021-07-06
lesions:
  pelvis: {evidence: assumed, note: size not reported, size_cm: [3.0, 2.1], is_occult: false}
radiotherapy:
- {lesion: neck, evidence: {fractions: case}, fractions: 10}
"""
COMMAND = "lesionlab compare case --arms monotherapy -o results/case"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The text of a report on two arms."""
    folder = tmp_path_factory.mktemp("report")
    records = [load(make_record(folder / f"{arm}.h5", arm, every_d=28.0)) for arm in ("combined", "untreated")]
    records = [replace(record, scenario_yaml=SCENARIO) for record in records]
    figures = standard_figures(records, folder)[:2]
    animation = folder / "arms.gif"
    animation.write_bytes(b"GIF89a")
    comparison = compare(records)
    pictures = Pictures((), figures, animation)
    return write_report(records, comparison, find(comparison), pictures, folder, COMMAND).read_text(encoding="utf-8")


def test_nothing_is_fetched_from_elsewhere(page) -> None:
    addresses = re.findall(r"""(?:src|href)=["']([^"']{0,40})""", page)
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "@import" not in page
    assert "url(" not in page


def test_it_holds_every_part(page) -> None:
    for part in ("calendar", "results", "findings", "animation", "figures", "assumed", "again", "limits"):
        assert f'id="{part}"' in page
    assert page.count(style.DISCLAIMER) >= 3
    assert COMMAND in page
    assert page.count("data:image/png;base64,") == 2
    assert "data:image/gif;base64," in page
    assert "Quick run" in page


def test_captions_say_n_and_seed(page) -> None:
    assert re.search(r"Figure 2\. Longest diameter.*n = 1 per arm, seed 20210706", page)


def test_the_calendar_says_who_got_what(page) -> None:
    row = next(line for line in page.splitlines() if "<td>anlotinib</td>" in line)
    assert "anlotinib 12 mg every 1 d" in row
    assert "2021-08-01" in row
    assert "<td>Combined</td>" in row


def test_what_is_assumed_is_listed_and_escaped(page) -> None:
    assert "size not reported" in page
    assert "<b>What helps?</b>" not in page


def test_assumptions_are_read_from_blocks_and_single_values() -> None:
    rows = assumptions(SCENARIO)
    assert [(row.place, row.values, row.evidence) for row in rows] == [
        ("scenario", "start: 2021-07-06", "case"), ("scenario", "seed: 7", "assumed"),
        ("lesions pelvis", "size_cm: 3.0, 2.1, is_occult: no", "assumed"),
        ("radiotherapy of the neck", "fractions: 10", "case")]
    assert assumptions("a: [") == []


def test_numbers_show_their_spread_and_what_was_not_reached() -> None:
    assert number(Summary(1, 4.25, np.nan, np.nan, 1), 1) == "4.2"
    assert number(Summary(5, 4.0, 3.0, 6.0, 5), 0, "day ") == "day 4 [3 to 6]"
    assert number(Summary(5, np.inf, 30.0, np.inf, 2), 0, "day ") == "not reached [30 to not reached]"
    assert number(Summary(5, np.inf, np.inf, np.inf, 0), 0) == "not reached"
    assert number(None, 1) == "–"


def test_no_record_is_one_message(tmp_path) -> None:
    record = load(make_record(tmp_path / "a.h5", every_d=28.0))
    comparison = compare([record])
    with pytest.raises(RecordError, match="no record"):
        write_report([], comparison, find(comparison), Pictures((), (), None), tmp_path, COMMAND)


def test_the_answer_is_drawn_for_a_phone_too_and_a_phone_gets_it(page) -> None:
    source = re.search(r'<source media="screen and \(max-width: 700px\)" srcset="data:image/svg\+xml;base64,([^"]+)">', page)
    assert source is not None
    widths = [float(re.search(rb'width="([\d.]+)pt"', base64.b64decode(found))[1]) for found in re.findall(
        r"data:image/svg\+xml;base64,([^\"]+)", page)[:2]]
    assert widths[0] < 0.6 * widths[1]


def test_pictures_of_few_colours_are_embedded_smaller_and_look_alike(tmp_path) -> None:
    stream = np.random.default_rng(1)
    colours = np.array([[244, 241, 234], [239, 162, 103], [67, 36, 138], [0, 197, 255]], dtype=np.uint8)
    pixels = colours[stream.integers(0, 4, (200, 300))]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = embedded(tmp_path / "a.png")
    assert len(found) < (tmp_path / "a.png").stat().st_size
    with Image.open(BytesIO(found)) as picture:
        difference = np.abs(np.asarray(picture.convert("RGB")).astype(int) - pixels.astype(int))
    assert difference.max() <= 12


def test_beside_a_page_that_plays_the_arms_the_animation_is_a_still(tmp_path) -> None:
    records = [load(make_record(tmp_path / "combined.h5", every_d=200.0, snapshot_every_d=900.0))]
    frames = [Image.new("P", (40, 30), number) for number in range(4)]
    frames[0].save(tmp_path / "arms.gif", save_all=True, append_images=frames[1:])
    comparison = compare(records)
    pictures = Pictures((), (), tmp_path / "arms.gif", tmp_path / "arms.html")
    text = write_report(records, comparison, find(comparison), pictures, tmp_path, COMMAND).read_text(encoding="utf-8")
    assert "data:image/gif" not in text and 'href="arms.gif"' in text and 'href="arms.html"' in text
