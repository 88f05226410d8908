"""Shares: games with a known answer, sums over walks, and the plan of runs behind them."""

from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest

from lesionlab.analysis.comparison.attribution import of_couplings, of_treatments, shapley, worth_of
from lesionlab.sim.model import TumourModel
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.runs.job import Job
from lesionlab.sim.scenario.arms import keep
from lesionlab.sim.scenario.couplings import MECHANISMS
from lesionlab.sim.scenario.load import scenario_from_text
from lesionlab.sim.scenario.scenario import Scenario
from lesionlab.sim.studies.attribution import OF_RADIOTHERAPY, distinct, idle, plan, players, stated_day
from lesionlab.sim.treatment.drug_classes import DRUG_CLASSES
from tests.fake_simulation import scenario
from tests.made_state import remember
from tests.tiny_arm import TREATED

A, B, C, NONE = frozenset("a"), frozenset("b"), frozenset("c"), frozenset[str]()


def test_the_shares_of_the_glove_game_are_those_of_the_book() -> None:
    """One left glove (a), two right ones: a pair is worth 1, so 4/6, 1/6, 1/6 (Shapley 1953)."""
    cells = [NONE, A, B, C, A | B, A | C, B | C, A | B | C]
    worth = {cell: np.array([1.0 if "a" in cell and len(cell) > 1 else 0.0]) for cell in cells}
    assert {name: share[0] for name, share in shapley(worth, "abc").items()} == pytest.approx({"a": 4 / 6, "b": 1 / 6, "c": 1 / 6})


def test_treatments_share_what_they_do_alone_and_halve_what_only_two_do() -> None:
    stream = np.random.default_rng(1).normal(9, 1, 5)
    logs = {NONE: stream, A: stream - 2, B: stream - 0.5, A | B: stream - 2 - 0.5 - 0.6}
    found = of_treatments(logs, "ab")
    assert {name: share.mean for name, share in found.players.items()} == pytest.approx({"a": 2.3, "b": 0.8})
    assert (found.whole.mean, found.nothing.mean, found.whole.n) == (pytest.approx(3.1), 0.0, 5)


def test_a_replicate_whose_arm_had_ended_has_no_share() -> None:
    logs = {NONE: np.array([9.0, np.nan]), A: np.array([8.0, 1.0]), B: np.array([8.0, 1.0]), A | B: np.array([7.0, 1.0])}
    assert of_treatments(logs, "ab").whole == pytest.approx((1, 2.0, np.nan, 2.0, *[np.nan] * 4), nan_ok=True)


def test_worths_are_the_kill_and_what_it_has_beyond_the_sum_of_its_parts() -> None:
    logs = {NONE: 9.0, A: 8.0, B: 8.5, C: 9.25, A | B | C: 6.0}
    assert worth_of(logs, "abc", "kill") == 3.0
    assert worth_of(logs, "abc", "synergy") == pytest.approx(3.0 - (1.0 + 0.5 - 0.25))


def test_walks_in_every_order_give_the_exact_shares_and_sum_to_the_whole() -> None:
    def worth(joined: frozenset[str]) -> float:
        return 0.5 + (1.0 if "a" in joined and len(joined) > 1 else 0.0)

    walks = [[("", worth(NONE)), *((name, worth(frozenset(order[:place + 1]))) for place, name in enumerate(order))]
             for order in permutations("abc")]
    found = of_couplings(walks)
    assert {name: share.mean for name, share in found.players.items()} == pytest.approx({"a": 4 / 6, "b": 1 / 6, "c": 1 / 6})
    assert found.nothing.mean + sum(share.mean for share in found.players.values()) == pytest.approx(found.whole.mean)
    assert found.players["a"].n == 6 and found.players["a"].low < 4 / 6 < found.players["a"].high


def test_a_walk_with_a_run_that_ended_is_left_out_whole() -> None:
    found = of_couplings([[("", 0.0), ("a", np.nan), ("b", 1.0)], [("", 0.0), ("b", 0.25), ("a", 1.0)]])
    assert {name: (share.n, share.mean) for name, share in found.players.items()} == {"a": (1, 0.75), "b": (1, 0.25)}


def planned(n_walks: int = 2, couplings: tuple[str, ...] = ("memory", "oxygen_effect", "chemotaxis"), replicates: int = 2,
            patient: Scenario | None = None) -> tuple[tuple, dict[tuple[str, int], Job]]:
    patient = patient or scenario()
    known = {(arm.arm, replicate): Job(arm, replicate, Path(f"{arm.arm}_{replicate}.h5"))
             for kept in ((), ("radiotherapy",), ("anti_pd1",), ("anlotinib",), ("radiotherapy", "anti_pd1", "anlotinib"))
             for arm in [keep(patient, kept)] for replicate in range(replicates)}
    return plan(patient, couplings, n_walks, Job(patient, 0, Path("walks"), 60.0, True), known), known


def test_a_walk_goes_from_all_off_to_all_on_one_by_one_in_every_arm_alike() -> None:
    walks, known = planned()
    for number, walk in enumerate(walks):
        assert walk[0].joined == ""
        assert sorted(step.joined for step in walk[1:]) == ["chemotaxis", "memory", "oxygen_effect"]
        assert {job.replicate for step in walk for job in step.runs.values()} == {number}
        full = frozenset(("radiotherapy", "anti_pd1", "anlotinib"))
        off = [{name for name, is_on in step.runs[full].scenario.mechanisms.items() if not is_on} for step in walk]
        assert [len(one) for one in off] == [3, 2, 1, 0] and all(after < before for before, after in pairwise(off))
        assert all(job is known[job.scenario.arm, number] for job in walk[-1].runs.values())
        assert len(walk[0].runs) == 5 and walk[0].runs[full].until_d == 60.0 and walk[0].runs[full].is_quick


def test_a_coupling_that_is_idle_in_an_arm_stays_on_there_and_is_not_run_twice() -> None:
    walks, known = planned(couplings=("oxygen_effect", "blockade_to_pruning"))
    untreated = [step.runs[NONE] for step in walks[0]]
    assert untreated == [known["untreated", 0]] * 3
    assert len(distinct(walks)) < 2 * 3 * 5


def test_more_walks_keep_the_runs_of_fewer_and_no_two_runs_share_a_file() -> None:
    few, many = (distinct(planned(n)[0]) for n in (2, 6))
    assert {job.path for job in few} < {job.path for job in many}
    assert len({job.path for job in many}) == len({(job.identity) for job in many})


def test_only_couplings_that_are_on_and_known_can_be_named() -> None:
    patient = scenario("mechanisms={memory: false}")
    gated = scenario("t_cell_entry={ungated_share: 0.2}")
    assert players(gated) == tuple(MECHANISMS) and "memory" not in players(patient)
    assert set(MECHANISMS) - set(players(scenario())) == {"antigen_to_entry"}
    assert players(patient, ["chemotaxis", "chemotaxis"]) == ("chemotaxis",)
    with pytest.raises(UserError, match="no such mechanism; did you mean 'chemotaxis'"):
        players(patient, ["chemotaxi"])
    with pytest.raises(UserError, match="turns this mechanism off"):
        players(patient, ["memory"])
    with pytest.raises(UserError, match="two or more treatments"):
        planned(patient=scenario("drugs=null"))


def test_the_stated_day_is_six_weeks_or_as_wished_within_the_run() -> None:
    patient = scenario()
    assert stated_day(Job(patient, 0, Path("a")), None) == 42.0
    assert stated_day(Job(patient, 0, Path("a"), 40.0), None) == 40.0
    assert stated_day(Job(patient, 0, Path("a")), "2021-08-06") == 31.0
    with pytest.raises(UserError, match="--day 90: the runs end before it, on day 40"):
        stated_day(Job(patient, 0, Path("a"), 40.0), "90")
    with pytest.raises(UserError, match="--day soon: must be a date"):
        stated_day(Job(patient, 0, Path("a")), "soon")


@pytest.mark.parametrize(("kept", "couplings"), [
    (("anti_pd1", "anlotinib"), OF_RADIOTHERAPY), (("radiotherapy", "anti_pd1"), DRUG_CLASSES[1].couplings)])
def test_couplings_said_to_idle_without_their_treatment_change_no_byte(kept: tuple[str, ...], couplings: tuple[str, ...]) -> None:
    patient = keep(scenario_from_text(TREATED), kept)
    assert idle(patient) == couplings

    def end(arm: Scenario) -> dict[str, bytes]:
        model = TumourModel(arm)
        while model.running:
            model.step()
        return remember(model.state)

    assert end(patient) == end(patient.model_copy(update={"mechanisms": dict.fromkeys(couplings, False)}))
