"""Colours: one meaning each, and apart for readers without red or green cones."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lesionlab.analysis.figures import style
from lesionlab.analysis.records.treatments import Part

# Machado, Oliveira and Fernandes 2009, severity 1.0; they act on linear RGB.
VISION = {
    "trichromat": np.eye(3),
    "deuteranope": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "protanope": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
}
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
WHITE_XYZ = np.array([0.95047, 1.0, 1.08883])
CASE_ARMS = ("combined", "untreated", "radiotherapy", "anti_pd1", "anlotinib")
PARTS = (Part("radiotherapy", "radiotherapy", 0), Part("anti_pd1", "anti-PD-1", 1), Part("anlotinib", "anlotinib", 2))
THIRD = Part("atezolizumab", "atezolizumab", 3)


def perceived(colour: str, vision: str) -> np.ndarray:
    """Return CIELAB coordinates (3,) of a colour as seen with a kind of vision."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(VISION[vision] @ linear, 0, 1) / WHITE_XYZ
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def nearest(colours: list[str], vision: str) -> float:
    """Return the smallest CIELAB distance between any two colours."""
    return min(float(np.linalg.norm(perceived(a, vision) - perceived(b, vision))) for a, b in combinations(colours, 2))


@pytest.mark.parametrize("vision", VISION)
def test_tissue_classes_stay_apart(vision: str) -> None:
    assert nearest([entry.colour for entry in style.TISSUE], vision) > 20


@pytest.mark.parametrize("vision", VISION)
def test_the_arms_of_the_case_stay_apart(vision: str) -> None:
    assert nearest([look.colour for look in style.arm_styles(CASE_ARMS, PARTS).values()], vision) > 15


@pytest.mark.parametrize("vision", VISION)
def test_radiotherapy_scans_and_five_classes_of_drugs_stay_apart(vision: str) -> None:
    assert nearest([style.SCANS, *(style.treatment_colour(rank) for rank in range(6))], vision) > 15
    assert style.treatment_colour(6) == style.treatment_colour(1)


@pytest.mark.parametrize("vision", VISION)
def test_causes_of_death_stay_apart(vision: str) -> None:
    assert nearest([colour for _, colour in style.DEATH_CAUSES.values()], vision) > 15


def test_red_and_green_of_one_lightness_would_be_seen_as_too_close() -> None:
    assert nearest(["#C00000", "#5B7A00"], "deuteranope") < 20


def test_every_arm_of_a_large_comparison_has_its_own_line() -> None:
    arms = [*CASE_ARMS, "radiotherapy_anti_pd1", "radiotherapy_anlotinib", "anti_pd1_anlotinib",
            "no_boost", "no_low_dose", "anlotinib_2_on_1_off"]
    looks = style.arm_styles(arms, PARTS)
    assert list(looks) == arms
    assert len({(look.colour, look.line) for look in looks.values()}) == len(arms)


def test_arms_are_named_after_the_words_of_their_treatments() -> None:
    arms = ["untreated", "anti_pd1", "radiotherapy_anti_pd1", "anti_pd1_anlotinib", "atezolizumab", "radiotherapy_anti_pd1_anlotinib"]
    assert [look.label for look in style.arm_styles(arms, (*PARTS, THIRD)).values()] == [
        "Untreated", "Anti-PD-1 alone", "Radiotherapy + anti-PD-1", "Anti-PD-1 + anlotinib", "Atezolizumab alone",
        "Radiotherapy + anti-PD-1 + anlotinib"]
    assert style.factor_label("anti_pd1", PARTS) == "Anti-PD-1" and style.factor_label("radiotherapy_neck", PARTS) == "Radiotherapy neck"


def test_a_third_class_takes_a_colour_of_its_own_and_its_combinations_lines_of_their_own() -> None:
    parts = (*PARTS, THIRD)
    pairs = ["radiotherapy_atezolizumab", "anti_pd1_atezolizumab", "anlotinib_atezolizumab"]
    looks = style.arm_styles([*CASE_ARMS, "atezolizumab", *pairs], parts)
    assert looks["atezolizumab"] == ("Atezolizumab alone", style.CLASS_COLOURS[2], "-")
    assert style.factor_colour("atezolizumab", parts) == style.CLASS_COLOURS[2]
    assert len({look[1:] for look in looks.values()}) == len(looks)


def test_two_drugs_of_one_class_in_two_arms_are_two_lines() -> None:
    looks = style.arm_styles(["anlotinib", "lenvatinib"], (*PARTS, Part("lenvatinib", "lenvatinib", 2)))
    assert [look.label for look in looks.values()] == ["Anlotinib alone", "Lenvatinib alone"]
    assert looks["anlotinib"][1:] == ("#56B4E9", "-") and looks["lenvatinib"][1:] != looks["anlotinib"][1:]


def test_names_become_words() -> None:
    assert style.words("no_low_dose") == "No low dose"
    assert style.words("") == ""


def test_metadata_carry_the_disclaimer() -> None:
    assert all(style.DISCLAIMER in style.metadata("x", suffix).values() for suffix in ("png", "pdf"))
