"""Rest: what drifts by more than one percent a day is named, noise of few T cells is not."""

import pytest

from lesionlab.sim.measures.rest import Rest, drift_per_d
from tests.made_state import add_t_cells, bare_tissue, clock_at, state_of


def rest_after(blood_per_d: float, tissue_per_d: float, n_first: int, days: int = 20) -> str:
    """Return what is not at rest after days in which the pools grow at constant rates."""
    rest = Rest()
    for day in range(days):
        tissue = bare_tissue()
        add_t_cells(tissue, [0] * round(n_first * (1.0 + tissue_per_d) ** day))
        state = state_of(tissue, specific_blood=1e8 * (1.0 + blood_per_d) ** day)
        rest.note(state, clock_at(24 * day, burn_in_steps=24 * days))
        rest.note(state, clock_at(24 * day + 1, burn_in_steps=24 * days))
    return rest.unrest()


@pytest.mark.parametrize(("blood_per_d", "tissue_per_d", "n_first", "named"), [
    (0.0, 0.0, 1000, []), (0.008, 0.008, 1000, []), (0.03, 0.0, 1000, ["blood"]), (-0.03, 0.0, 1000, ["blood"]),
    (0.0, 0.03, 1000, ["lesions"]), (0.0, 0.03, 20, []), (0.03, -0.06, 1000, ["blood", "lesions"])])
def test_what_drifts_is_named(blood_per_d: float, tissue_per_d: float, n_first: int, named: list[str]) -> None:
    """Of twenty T cells a drift of 3 % a day lies within the noise."""
    said = rest_after(blood_per_d, tissue_per_d, n_first)
    assert [where for where in ("blood", "lesions") if where in said] == named


def test_a_burn_in_too_short_to_show_rest_says_so() -> None:
    assert "20 days" in rest_after(0.0, 0.0, 1000, days=19)


def test_the_drift_of_an_exponential_is_its_rate() -> None:
    assert drift_per_d([1.02**day for day in range(20)]) == pytest.approx(0.0198, abs=1e-4)
    assert drift_per_d([0.0] * 20) == 0.0 and drift_per_d([0.0] * 10 + [1.0] * 10) == float("inf")
