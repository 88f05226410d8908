"""The answer says what the records hold, and nothing that one run cannot say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lesionlab.analysis.comparison.attribution import Shares
from lesionlab.analysis.comparison.comparison import compare
from lesionlab.analysis.comparison.endings import endings
from lesionlab.analysis.comparison.findings import Attribution, find
from lesionlab.analysis.records.record import Record, load
from lesionlab.analysis.report.answer import answer
from lesionlab.analysis.report.report import Pictures, write_report
from lesionlab.analysis.report.tables import tables
from lesionlab.analysis.statistics.paired import Estimate
from tests.made_record import make_record


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """Two arms of two replicates: the untreated patient dies, the treated one does not."""
    folder = tmp_path_factory.mktemp("answer")
    return [load(make_record(folder / f"{arm}_{replicate}.h5", arm, replicate=replicate, every_d=10.0, end_d=400.0, snapshot_every_d=900.0))
            for arm in ("untreated", "radiotherapy_anti_pd1") for replicate in range(2)]


def said(records: list[Record]) -> dict[str, str]:
    comparison = compare(records)
    return {part.question: part.text for part in answer(comparison, find(comparison))}


def test_one_run_an_arm_gives_no_statistic(records: list[Record], tmp_path: Path) -> None:
    alone = [record for record in records if record.replicate == 0]
    parts = said(alone)
    assert f"Untreated: dead on day {alone[0].time_d[-1]:.0f} (" in parts["Who lives how long."]
    assert "Radiotherapy + anti-PD-1 (day 400)" in parts["Who lives how long."]
    assert f"{400 - alone[0].time_d[-1]:.0f} days longer than Untreated" in parts["What the treatments add."]
    assert "One run an arm" in parts["How sure that is."]
    assert "median" not in "".join(parts.values()) and "[" not in "".join(parts.values())
    comparison = compare(alone)
    written = write_report(alone, comparison, find(comparison), Pictures((), (), None), tmp_path, "lesionlab compare")
    page = written.read_text(encoding="utf-8")
    assert "log-rank" not in page and page.index('id="answer"') < page.index('id="calendar"')
    assert "as the case report reads it, " in page
    # Replicates, on the other hand, have all of it.
    both = compare(records)
    assert "log-rank" in str(tables(both, find(both)))
    assert "n = 2 runs" in said(records)["How sure that is."] and "medians over the runs" in said(records)["Who lives how long."]


def test_the_lesion_that_decides_is_the_one_with_most_cells(records: list[Record]) -> None:
    comparison = compare(records)
    for one in endings(comparison, find(comparison)):
        own = next(record for record in records if record.arm == one.arm)
        assert one.lesion == own.lesions[int(np.argmax(own.series["lesion_cells"][-1]))]
        assert sum(one.shares.values()) == pytest.approx(1.0)
    assert f"the {endings(comparison, find(comparison))[0].lesion}" in said(records)["Which lesion decides."].lower()


def test_there_is_one_median(records: list[Record]) -> None:
    """Of two days of death it is the middle: Kaplan and Meier's and the ordinary one are the same number."""
    comparison = compare(records)
    ordinary = comparison.arms[0].numbers["time_to_lethal_burden_d", ""].median
    assert find(comparison).survival["death", "untreated"].median_d == ordinary


def test_where_no_coupling_carries_the_kill_nothing_is_said_of_couplings(records: list[Record]) -> None:
    comparison = compare(records)
    nothing, something = (Estimate(2, share, 0.0, share, share, share, np.nan, np.nan) for share in (0.0, 0.3))
    for share, is_said in ((nothing, False), (something, True)):
        kill = Attribution(None, {"kill": Shares({"memory": share, "oxygen_effect": nothing}, share, nothing)}, 2)
        parts = {part.question: part.text for part in answer(comparison, replace(find(comparison), attribution=kill))}
        assert ("What carries it." in parts) is is_said
        assert "memory" in parts.get("What carries it.", "") or not is_said


def test_turnover_is_set_apart_from_what_killed(records: list[Record]) -> None:
    """Cells that die by apoptosis and failed divisions, as in any growing tumour, hide what treatment and T cells did."""
    text = said(records)["What carries it."]
    causes = ("t_cell", "hypoxia", "apoptosis", "failed_division")
    last = [{cause: float(np.nansum(record.series[f"deaths_{cause}"][-1])) for cause in causes}
            for record in records if record.arm == "untreated"]
    turnover = np.median([one["apoptosis"] for one in last]) + np.median([one["failed_division"] for one in last])
    killed = np.median([one["t_cell"] for one in last]) + np.median([one["hypoxia"] for one in last])
    assert f"{100 * turnover / (turnover + killed):.0f} % of the tumour cells that died did so by turnover" in text
    assert "apoptosis " not in text.split("Of the others: ")[1] and "T cell 50 %" in text
