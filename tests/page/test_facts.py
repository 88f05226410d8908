"""Numbers in lessons: terms, forms, claims, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from lesionlab.analysis.records.record import by_arm, load
from lesionlab.sim.page.facts import Facts, in_words
from tests.made_record import make_record


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    folder = tmp_path_factory.mktemp("facts")
    for arm, replicate in (("radiotherapy", 0), ("radiotherapy", 1), ("anti_pd1", 0)):
        make_record(folder / f"{arm}_{replicate}.h5", arm, replicate=replicate, end_d=140)
    return Facts(by_arm([load(path) for path in sorted(folder.glob("*.h5"))]), "neck")


def test_a_term_is_the_median_of_the_arms_runs(facts: Facts, tmp_path: Path) -> None:
    for number in (0, 1):
        make_record(tmp_path / f"{number}.h5", "radiotherapy", replicate=number, end_d=140)
    runs = [load(tmp_path / f"{number}.h5") for number in (0, 1)]
    expected = np.median([run.of_lesion("longest_diameter_cm", "neck")[np.flatnonzero(run.time_d == 14)[0]] for run in runs])
    assert facts.value("radiotherapy.longest_diameter_cm@14") == pytest.approx(expected)


def test_terms_join_and_extremes_have_names(facts: Facts) -> None:
    ratio = facts.value("2 * radiotherapy.clonogens@70 / (anti_pd1.clonogens@70)")
    assert ratio == pytest.approx(2 * facts.value("radiotherapy.clonogens@70") / facts.value("anti_pd1.clonogens@70"))
    assert facts.value("anti_pd1.clonogens@most >= anti_pd1.clonogens@end") is True
    assert facts.value("anti_pd1.longest_diameter_cm@day_of_most") == 140


def test_a_claim_that_does_not_hold_is_said_with_both_sides(facts: Facts) -> None:
    assert facts.refuted("anti_pd1.longest_diameter_cm@140 > anti_pd1.longest_diameter_cm@0") == ""
    wrong = facts.refuted("anti_pd1.longest_diameter_cm@140 < 1")
    assert wrong.startswith("does not hold in these runs: 1") and "and 1 in" in wrong


@pytest.mark.parametrize(("text", "message"), [
    ("antipd1.clonogens@7", "no arm is called 'antipd1'.*anti_pd1"),
    ("anti_pd1.clonogen@7", "no series is called 'clonogen'.*clonogens"),
    ("anti_pd1.clonogens@later", "@later: must be a day or one of most, least, end, day_of_most"),
    ("__import__('os')", "is no term such as"),
    ("anti_pd1.clonogens@7 +", "cannot be worked out"),
    ("1 / 0", "cannot be worked out"),
    ("1 < 2 < 3", "is no term such as"),
])
def test_what_cannot_be_worked_out_is_refused(facts: Facts, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        facts.value(text)


def test_a_claim_must_compare(facts: Facts) -> None:
    with pytest.raises(ValueError, match="compares nothing"):
        facts.refuted("anti_pd1.clonogens@7")


def test_a_text_is_filled_and_the_rest_stays(facts: Facts) -> None:
    assert facts.filled("No {1 / 4 | %} more, {3 | 0} of **these**.") == "No 25 % more, 3 of **these**."


@pytest.mark.parametrize(("value", "form", "words"), [
    (3.14159, "", "3.1"), (1234567.0, "", "1.2 × 10⁶"), (0.0021, "e", "2.1 × 10⁻³"), (0.0, "e", "0"), (0.256, "%", "26 %"),
    (12.35, "1", "12.3"), (2000.0, "", "2000"), (float("nan"), "0", "no value")])
def test_numbers_become_words(value: float, form: str, words: str) -> None:
    assert in_words(value, form) == words
