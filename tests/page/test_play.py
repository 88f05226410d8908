"""What a page plays: one clock for all arms, pictures of the right day, deaths, and a document that asks no server for anything."""

import base64
import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lesionlab.analysis.figures import style
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record, load, load_snapshots, snapshot_times
from lesionlab.sim.page import sections
from lesionlab.sim.page.document import alone, in_script
from lesionlab.sim.page.packing import inflated
from lesionlab.sim.page.play import Play, as_json, make_play
from lesionlab.sim.page.server import Recorded, Server
from tests.made_record import make_record

ARMS = ("untreated", "combined")


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    folder = tmp_path_factory.mktemp("play")
    for arm in ARMS:
        make_record(folder / f"{arm}.h5", arm)
    return [load(folder / f"{arm}.h5") for arm in ARMS]


@pytest.fixture(scope="module")
def play(records: list[Record]) -> Play:
    return make_play(records, most_days=40)


@pytest.fixture(scope="module")
def data(play: Play) -> Any:
    return as_json(play)


def test_an_arm_that_died_says_so_and_the_other_does_not(data: Any) -> None:
    untreated, combined = data["arms"]
    assert untreated["ended_d"] == pytest.approx(untreated["end_d"], abs=7) and untreated["ended_d"] < 300
    assert combined["ended_d"] is None


def test_every_arm_shows_its_latest_picture_of_each_day(play: Play, records: list[Record]) -> None:
    for record, arm in zip(records, ARMS, strict=True):
        taken = load_snapshots(record.path, "neck")
        section = play.sections[arm, "neck"]
        for index, day in enumerate(play.days):
            shown_d = taken.time_d[section.places[play.shown_at[arm, "neck"][index]]]
            assert shown_d == max(t for t in taken.time_d if t <= day + 1e-3)


def test_days_are_thinned_over_the_clock_and_keep_both_ends(play: Play, records: list[Record]) -> None:
    assert len(play.days) <= 40
    taken_d = snapshot_times(records[1].path, "neck")[0]
    assert (play.days[0], play.days[-1]) == (0, taken_d[-1])
    # The clock runs slower in the weeks of treatment, so more of the days lie there.
    assert (play.days < play.clock.break_d).sum() > 40 * play.clock.break_d / play.clock.end_d


def test_the_packed_picture_is_the_record(play: Play, records: list[Record]) -> None:
    section = play.sections["combined", "neck"]
    chunk = section.packed()["oxygen"][0]
    shape = section.shapes["oxygen"]
    taken = load_snapshots(records[1].path, "neck", [section.places[3]])
    expected = np.clip(taken.oxygen[0, 0, section.window.rows, section.window.columns], 0, 40).astype(np.uint8)
    assert np.array_equal(inflated(chunk, shape.height, shape.width)[3], expected)


def test_arms_of_one_shape_share_their_window(play: Play) -> None:
    assert play.sections["untreated", "neck"].window == play.sections["combined", "neck"].window


def test_a_large_section_is_thinned_and_the_page_says_so(records: list[Record], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "MOST_EDGE", 20)
    small = make_play(records[1:], most_days=4)
    shape = small.sections["combined", "neck"].shapes["sites"]
    assert shape.step > 1 and max(shape.height, shape.width) <= 20
    assert small.sections["combined", "neck"].chunk("sites", 0).shape == (4, shape.height, shape.width)
    assert any("thinned" in note for note in as_json(small)["notes"])


def test_curves_have_bands_only_with_replicates(records: list[Record], tmp_path: Path, data: Any) -> None:
    make_record(tmp_path / "again.h5", "combined", replicate=1)
    both = as_json(make_play([*records, load(tmp_path / "again.h5")], most_days=4))
    untreated, combined = (arm["curves"]["neck"]["longest_diameter_cm"] for arm in both["arms"])
    assert "low" in combined and "low" not in untreated
    assert all("low" not in line for arm in data["arms"] for line in arm["curves"]["neck"].values())


def test_the_calendar_names_the_arms_of_each_line(data: Any) -> None:
    assert {arm for line in data["calendar"] if not line["is_scan"] for arm in line["arms"]} == {"combined"}


def test_other_lesions_are_refused(records: list[Record]) -> None:
    other = Record(**{**records[0].__dict__, "lesions": ("elsewhere",)})
    with pytest.raises(RecordError, match="its lesions are not those"):
        make_play([records[0], other])


def test_no_records_and_too_many_arms_are_refused(records: list[Record]) -> None:
    with pytest.raises(RecordError, match="no record"):
        make_play([])
    nine = [Record(**{**records[0].__dict__, "attributes": {**records[0].attributes, "arm": f"arm_{number}"}}) for number in range(9)]
    with pytest.raises(RecordError, match="9 arms do not fit"):
        make_play(nine)


def test_a_page_alone_holds_all_and_names_no_address(play: Play) -> None:
    page = alone(play, "A <b>bold</b> & title</script>")
    assert style.DISCLAIMER in page and "connect-src 'none'" in page
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page) and "http://" not in page.replace("http://127.0.0.1", "")
    assert "<b>bold" not in page
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    chunks = json.loads(found[1])["arms"][1]["sections"]["neck"]["planes"]["sites"]["chunks"]
    assert base64.b64decode(chunks[0])


def test_data_cannot_end_their_element() -> None:
    assert "<" not in in_script({"title": "</script><script>alert(1)</script>"})


@pytest.fixture
def server(play: Play) -> Iterator[Server]:
    with Server(Recorded(play)) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield serving
        serving.shutdown()


def _get(address: str, **headers: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_server_gives_page_data_and_chunks(server: Server, play: Play) -> None:
    assert server.address.startswith("http://127.0.0.1:") and server.server_address[0] == "127.0.0.1"
    status, page = _get(server.address)
    assert status == 200 and b"connect-src 'self'" in page
    assert json.loads(_get(f"{server.address}data")[1])["arms"][0]["name"] == "untreated"
    shape = play.sections["combined", "neck"].shapes["sites"]
    pictures = inflated(_get(f"{server.address}chunk/combined/neck/sites/0")[1], shape.height, shape.width)
    assert np.array_equal(pictures, play.sections["combined", "neck"].chunk("sites", 0))


@pytest.mark.parametrize("path", ["chunk/combined/neck/sites/99", "chunk/nobody/neck/sites/0", "chunk/combined/neck/sites/-1", "chunk",
                                  "../data", "chunk/combined/neck/secret/0", "data/more"])
def test_what_is_not_there_is_not_found(server: Server, path: str) -> None:
    assert _get(server.address + path)[0] == 404


def test_without_the_token_or_from_another_host_nothing_is_found(server: Server) -> None:
    elsewhere = server.address.replace(server.token, "a" * len(server.token))
    assert _get(elsewhere)[0] == _get(f"http://127.0.0.1:{server.server_port}/")[0] == 404
    assert _get(server.address, Host="attacker.example")[0] == 404
    assert _get(server.address, Host=f"localhost:{server.server_port}")[0] == 200


def test_two_servers_have_two_tokens(play: Play) -> None:
    with Server(Recorded(play)) as one, Server(Recorded(play)) as other:
        assert one.token != other.token and len(one.token) >= 20


def test_records_take_no_commands(server: Server) -> None:
    asked = urllib.request.Request(f"{server.address}step", data=b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(asked, timeout=10)
