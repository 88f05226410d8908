"""RECIST 1.1 on hand-made tables: each rule at its edge, and what happens when scans are missing."""

import numpy as np
import pytest

from lesionlab.analysis.clinical.response import (
    DAYS_PER_MONTH,
    assess,
    best_overall_response,
    is_controlled_at_end,
    lesion_control,
    lesion_response,
    local_control,
    time_to_progression,
)
from lesionlab.analysis.clinical.scans import ScanTable, read_scans
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import load
from tests.made_record import make_record, row_times_d

DAYS = (0.0, 60.0, 120.0, 180.0, 240.0)


def table(sizes, *, end_d=None, is_dead=False, irradiated=None, days=DAYS):
    """Return the table of lesions given as name -> sizes in cm on the scans; the name carries role and kind."""
    names = tuple(sizes)
    values = np.array(list(sizes.values()), dtype=float).T
    roles = tuple(next((role for role in ("non_target", "not_evaluable") if role in name), "target") for name in names)
    is_nodal = np.array(["node" in name for name in names])
    times_d = np.array(days[:len(values)])
    return ScanTable(
        time_d=times_d, lesions=names, longest_cm=np.where(is_nodal, values * 1.5, values),
        short_cm=np.where(is_nodal, values, values * 0.7), roles=roles, nodal=is_nodal,
        occult=np.array(["occult" in name for name in names]),
        irradiated_from_d=np.array([(irradiated or {}).get(name, np.nan) for name in names]),
        end_d=times_d[-1] + 10 if end_d is None else end_d, is_dead=is_dead)


def move_second_scan(record, time_d):
    record.events[:] = [event._replace(time_d=time_d) if event[:2] == (66.0, "scan") else event for event in record.events]


def overall(sizes, reading="report", **options):
    return [visit.overall for visit in assess(table(sizes, **options), reading)]


@pytest.mark.parametrize(("sizes", "expected"), [
    ([10.0, 7.01], "SD"), ([10.0, 7.0], "PR"), ([10.0, 0.3], "PR"), ([10.0, 0.19], "CR"), ([10.0, 11.99], "SD"),
    ([10.0, 12.0], "PD")])
def test_a_single_target_is_read_by_its_change(sizes, expected):
    assert overall({"neck": sizes}) == ["baseline", expected]


def test_progression_needs_five_millimetres_as_well():
    assert overall({"neck": [1.2, 1.6]})[1] == "SD"
    assert overall({"neck": [1.2, 1.7]})[1] == "PD"
    assert overall({"neck": [4.0, 4.5]})[1] == "SD"


def test_response_counts_from_baseline_and_progression_from_the_nadir():
    sizes = {"neck": [10.0, 4.0, 4.8, 6.0, 13.0]}
    assert overall(sizes) == ["baseline", "PR", "PD", "PD", "PD"]
    assert overall({"neck": [10.0, 4.0, 4.7]})[2] == "PR"
    visit = assess(table(sizes))[2]
    assert visit.change_from_baseline == pytest.approx(-0.52)
    assert visit.change_from_nadir == pytest.approx(0.2)


def test_a_partial_response_lasts_until_progression():
    assert overall({"neck": [10.0, 6.9, 7.5, 8.2]}) == ["baseline", "PR", "PR", "PR"]
    assert overall({"neck": [10.0, 6.9, 7.5, 8.3]})[3] == "PD"


def test_a_slow_rise_is_measured_from_the_smallest_sum_not_from_the_last():
    assert overall({"neck": [5.0, 5.4, 5.8, 6.0]}) == ["baseline", "SD", "SD", "PD"]


def test_the_sum_takes_a_nodes_short_axis():
    visits = assess(table({"neck": [10.0, 5.0], "node": [4.3, 2.6]}))
    assert [visit.sum_cm for visit in visits] == pytest.approx([14.3, 7.6])
    assert visits[1].overall == "PR"


def test_a_complete_response_needs_nodes_below_ten_millimetres():
    assert overall({"neck": [3.0, 0.1], "node": [2.0, 1.0]})[1] == "PR"
    assert overall({"neck": [3.0, 0.1], "node": [2.0, 0.99]})[1] == "CR"
    assert overall({"neck": [3.0, 0.2], "node": [2.0, 0.5]})[1] == "PR"


def test_a_normal_node_may_grow_without_progression():
    assert overall({"node": [2.0, 0.3, 0.9, 1.1]}) == ["baseline", "CR", "CR", "PD"]


def test_a_lesion_that_reappears_after_complete_response_is_progression():
    visits = assess(table({"neck": [3.0, 0.0, 0.3]}))
    assert [visit.overall for visit in visits] == ["baseline", "CR", "PD"]
    assert visits[2].cause == "reappearance after complete response"


def test_a_lesion_that_reappears_in_partial_response_only_adds_to_the_sum():
    assert overall({"neck": [5.0, 3.0, 3.0], "chest": [3.0, 0.0, 0.4]}) == ["baseline", "PR", "PR"]


def test_a_target_too_small_to_measure_becomes_non_target():
    visits = assess(table({"neck": [5.0, 3.0], "node": [1.4, 1.4], "chest": [0.9, 0.1]}))
    assert [visit.sum_cm for visit in visits] == [5.0, 3.0]
    assert visits[1].non_target == "non-CR/non-PD"


def test_at_most_five_targets_are_summed_the_largest():
    sizes = {f"site{k}": [1.0 + k, 1.0] for k in range(7)}
    assert assess(table(sizes))[0].sum_cm == 3 + 4 + 5 + 6 + 7


def test_non_targets_hold_up_a_complete_response_and_can_progress():
    assert overall({"neck": [5.0, 0.0], "non_target": [2.0, 0.5]})[1] == "PR"
    assert overall({"neck": [5.0, 0.0], "non_target": [2.0, 0.0]})[1] == "CR"
    visit = assess(table({"neck": [5.0, 3.0], "non_target": [2.0, 2.5]}))[1]
    assert (visit.overall, visit.cause) == ("PD", "non-target lesions")
    assert overall({"neck": [5.0, 3.0], "non_target": [2.0, 2.4]})[1] == "PR"


def test_without_targets_the_non_targets_are_read_alone():
    assert overall({"non_target": [2.0, 1.0, 0.0]}) == ["baseline", "non-CR/non-PD", "CR"]
    assert best_overall_response(table({"non_target": [2.0, 1.0]})) == "non-CR/non-PD"


def test_an_occult_lesion_is_new_once_it_can_be_measured():
    visits = assess(table({"neck": [5.0, 3.0, 3.0, 3.0], "non_target occult liver": [0.1, 0.99, 1.0, 0.1]}))
    assert [visit.overall for visit in visits] == ["baseline", "PR", "PD", "PD"]
    assert visits[2].cause == "new lesion: non_target occult liver"
    assert overall({"neck": [5.0, 3.0], "occult node": [0.2, 1.4]})[1] == "PR"
    assert overall({"neck": [5.0, 3.0], "occult node": [0.2, 1.5]})[1] == "PD"


def test_an_occult_lesion_found_at_baseline_is_not_new():
    assert overall({"neck": [5.0, 3.0], "occult liver": [1.5, 1.5]})[1] == "PR"


def test_a_bone_scan_finding_is_ignored_by_the_report_and_new_by_the_strict_reading():
    sizes = {"neck": [10.0, 6.0, 6.0], "not_evaluable pelvis": [3.0, 8.5, 4.0]}
    assert overall(sizes) == ["baseline", "PR", "PR"]
    assert overall(sizes, "strict") == ["baseline", "PD", "PD"]
    assert time_to_progression(table(sizes), "strict") == (60.0, True, "new lesion: not_evaluable pelvis")
    assert overall({"neck": [10.0, 6.0], "not_evaluable pelvis": [0.9, 0.9]}, "strict")[1] == "PR"


def test_best_response_is_the_best_before_progression():
    assert best_overall_response(table({"neck": [10.0, 9.0, 6.0, 9.0, 2.0]})) == "PR"
    assert best_overall_response(table({"neck": [10.0, 13.0, 2.0]})) == "PD"
    assert best_overall_response(table({"neck": [10.0, 9.0, 13.0]})) == "SD"
    assert best_overall_response(table({"neck": [10.0, 3.0, 0.0]})) == "CR"


def test_stable_disease_must_last_six_weeks():
    assert best_overall_response(table({"neck": [10.0, 9.0]}, days=(0.0, 41.0))) == "NE"
    assert best_overall_response(table({"neck": [10.0, 9.0]}, days=(0.0, 42.0))) == "SD"
    assert best_overall_response(table({"neck": [10.0, 9.0, 13.0]}, days=(0.0, 41.0, 80.0))) == "PD"


def test_time_to_progression_is_the_scan_that_shows_it():
    event = time_to_progression(table({"neck": [10.0, 4.0, 4.1, 6.0, 9.0]}))
    assert event == (180.0, True, "target lesions")
    assert event.months == 180.0 / DAYS_PER_MONTH


def test_without_progression_time_is_censored_at_the_end():
    controlled = table({"neck": [10.0, 4.0, 4.1]}, end_d=500.0)
    assert time_to_progression(controlled) == (500.0, False, "censored")
    assert is_controlled_at_end(controlled)


def test_death_by_lethal_burden_is_an_event_on_its_day():
    dead = table({"neck": [10.0, 9.0]}, end_d=100.0, is_dead=True)
    assert time_to_progression(dead) == (100.0, True, "lethal burden")
    assert not is_controlled_at_end(dead)
    assert best_overall_response(dead) == "SD"
    assert best_overall_response(table({"neck": [10.0]}, end_d=30.0, is_dead=True)) == "PD"


def test_a_target_that_was_not_measured_cannot_be_read_and_is_not_the_nadir():
    assert overall({"neck": [10.0, np.nan, 9.0], "chest": [3.0, 3.0, 3.0]}) == ["baseline", "NE", "SD"]
    assert overall({"neck": [10.0, 9.0], "non_target": [3.0, np.nan]})[1] == "SD"
    assert overall({"neck": [10.0, 0.0], "non_target": [3.0, np.nan]})[1] == "PR"
    assert overall({"neck": [10.0, 9.0, 9.0], "non_target": [3.0, np.nan, 3.0]})[2] == "SD"


def test_measured_targets_that_suffice_for_progression_do_not_wait_for_the_others():
    assert overall({"neck": [10.0, 16.0], "chest": [3.0, np.nan]})[1] == "PD"
    assert overall({"neck": [10.0, 15.5], "chest": [3.0, np.nan]})[1] == "NE"


def test_a_lesion_shows_a_new_lesion_although_the_targets_were_not_measured():
    assert overall({"neck": [10.0, np.nan], "occult liver": [0.1, 1.2]})[1] == "PD"


def test_a_node_that_was_normal_at_baseline_is_not_recorded_and_new_once_measurable():
    sizes = {"neck": [5.0, 3.0, 3.0], "non_target node": [0.99, 1.49, 1.5]}
    assert [(visit.non_target, visit.overall) for visit in assess(table(sizes))] == [("", "baseline"), ("", "PR"), ("", "PD")]
    assert assess(table(sizes))[2].cause == "new lesion: non_target node"
    assert assess(table({"neck": [5.0, 3.0], "non_target node": [1.0, 1.0]}))[1].non_target == "non-CR/non-PD"


def test_a_new_lesion_stays_progression_although_it_disappears_again():
    assert overall({"neck": [5.0, 3.0, 3.0], "occult liver": [0.0, 1.0, 0.0]}) == ["baseline", "PD", "PD"]


def test_a_node_is_back_after_complete_response_from_ten_millimetres_on():
    assert overall({"node": [2.0, 0.9, 0.99, 1.0]}) == ["baseline", "CR", "CR", "PD"]


def test_one_lesion_is_read_as_the_only_target_whatever_its_role():
    sizes = table({"neck": [10.0, 7.0, 9.0], "not_evaluable pelvis": [3.0, 8.5, 4.0], "node": [4.0, 2.6, 0.9],
                   "occult liver": [0.1, 1.5, 1.5]})
    assert [lesion_response(sizes, lesion, 60.0) for lesion in sizes.lesions] == ["PR", "PD", "PR", "NE"]
    assert [lesion_response(sizes, lesion, 120.0) for lesion in sizes.lesions] == ["PD", "PD", "CR", "NE"]
    assert lesion_response(sizes, "neck", 61.0) == ""


def test_no_scan_gives_no_reading():
    empty = table({"neck": []}, end_d=50.0)
    assert assess(empty) == ()
    assert best_overall_response(empty) == "NE"
    assert time_to_progression(empty) == (50.0, False, "censored")


def test_local_control_is_read_from_the_scan_before_the_course():
    sizes = {"neck": [10.0, 6.0, 7.2], "not_evaluable pelvis": [3.0, 8.5, 8.6], "node": [3.0, 3.0, 9.0]}
    control = local_control(table(sizes, irradiated={"neck": 0.0, "not_evaluable pelvis": 63.0}, end_d=200.0))
    assert control == {"neck": (120.0, True, "progression of neck"), "not_evaluable pelvis": (200.0, False, "censored")}
    assert lesion_control(table(sizes), "node") == (120.0, True, "progression of node")


def test_a_record_is_read_on_the_scans_that_took_place(tmp_path):
    untreated = read_scans(load(make_record(tmp_path / "untreated.h5", "untreated")))
    assert untreated.is_dead
    assert untreated.time_d.tolist() == [0.0, 66.0, 132.0]
    assert untreated.end_d == 238.0
    assert time_to_progression(untreated) == (66.0, True, "target lesions")
    combined = read_scans(load(make_record(tmp_path / "combined.h5", "combined")))
    assert combined.longest_cm.shape == (8, 4)
    assert combined.irradiated_from_d[:3].tolist() == [0.0, 0.0, 69.0]
    assert best_overall_response(combined) == "PR"
    assert list(local_control(combined)) == ["neck", "mediastinum", "pelvis"]


def test_the_size_at_a_scan_is_the_row_not_after_it(tmp_path):
    times_d = row_times_d(1.0, 70.0)
    sizes = np.outer(1 + times_d / 100, [10.0, 8.0, 3.0, 0.1])
    record = load(make_record(tmp_path / "a.h5", every_d=1.0, end_d=70.0, sizes_cm=sizes))
    move_second_scan(record, 66.9)
    assert read_scans(record).longest_cm[1, 0] == pytest.approx(16.6)


def test_scans_that_fall_between_sparse_rows_are_refused_with_the_remedy(tmp_path):
    record = load(make_record(tmp_path / "a.h5"))
    move_second_scan(record, 68.5)
    with pytest.raises(RecordError, match=r"scan on day 68\.5; set output\.scalars_every_h"):
        read_scans(record)
