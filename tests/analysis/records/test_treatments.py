"""Classes of drugs come from the record: in its order, with its words, and none is lost."""

import json

import pytest

from lesionlab.analysis.records.treatments import Part, parts_of, read_classes

LISTED = json.dumps([{"name": "anti_pd1", "label": "anti-PD-1", "component": "anti_pd1", "drugs": {"toripalimab": "toripalimab"}},
                     {"name": "vegfr_tki", "label": "anti-angiogenic", "component": None, "drugs": {}},
                     {"name": "anti_pdl1", "label": "anti-PD-L1", "component": None, "drugs": {"a_mab": "A-mab", "b_mab": "B-mab"}}])
DRUGS, NAMES = ("a_mab", "toripalimab", "b_mab"), ("anti_pdl1", "anti_pd1", "anti_pdl1")


def test_the_list_of_the_record_gives_order_words_and_drugs() -> None:
    found = read_classes(LISTED, DRUGS, NAMES)
    assert [(row.name, row.label, row.component) for row in found] == [
        ("anti_pd1", "anti-PD-1", "anti_pd1"), ("vegfr_tki", "anti-angiogenic", None), ("anti_pdl1", "anti-PD-L1", None)]
    assert [row.drugs for row in found] == [(("toripalimab", "toripalimab"),), (), (("a_mab", "A-mab"), ("b_mab", "B-mab"))]


def test_parts_are_named_by_the_class_or_after_its_drugs_and_keep_the_rank_of_the_class() -> None:
    whole, alone = read_classes(LISTED, DRUGS, NAMES), read_classes(LISTED, ("a_mab",), ("anti_pdl1",))
    assert parts_of([whole, alone]) == (Part("radiotherapy", "radiotherapy", 0), Part("anti_pd1", "anti-PD-1", 1),
                                        Part("a_mab_b_mab", "A-mab + B-mab", 3), Part("a_mab", "A-mab", 3))


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"a": 1}', '[{"name": "x"}]',
                                  '[{"name": 1, "label": 2, "component": 3, "drugs": 4}]'])
def test_a_record_that_lists_none_has_the_two_classes_there_were_and_loses_no_drug(text: str) -> None:
    found = read_classes(text, DRUGS, NAMES)
    assert [row.name for row in found] == ["anti_pd1", "vegfr_tki", "anti_pdl1"]
    assert [row.drugs for row in found] == [(("toripalimab", "toripalimab"),), (), (("a_mab", "a mab"), ("b_mab", "b mab"))]
