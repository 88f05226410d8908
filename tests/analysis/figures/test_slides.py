"""The two slides: hypoxia and vessels by depth measure what a made section holds, and the drug's window draws whom it says."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lesionlab.analysis.figures import style
from lesionlab.analysis.figures.depth import depth_figure, profile
from lesionlab.analysis.figures.standard import save
from lesionlab.analysis.figures.window import PANELS, window_figure
from lesionlab.analysis.records.record import Snapshots, load
from tests.made_record import make_record

SIDE, RADIUS = 121, 50


def made_section() -> Snapshots:
    """A disc of 50 sites of 20 um: vessels on every second site of the outer half of its radius, no oxygen within the inner half."""
    y, x = np.mgrid[:SIDE, :SIDE]
    radius = np.hypot(y - SIDE // 2, x - SIDE // 2)
    state = (radius <= RADIUS).astype(np.uint8)
    state[SIDE // 2, SIDE // 2] = 0
    oxygen = np.where(radius < RADIUS / 2, 1.0, 30.0).astype(np.float32)
    vessels = np.where((radius >= RADIUS / 2) & ((x + y) % 2 == 0), 2, 1).astype(np.uint8)
    um = 20.0 * np.arange(SIDE)
    whole = [array[np.newaxis, np.newaxis] for array in (state, oxygen, np.zeros_like(state), vessels)]
    return Snapshots(np.array([0.0]), um, um, np.array([0.0]), *whole, np.array([1.0]))


def test_the_profile_is_that_of_the_section() -> None:
    """1,000 um deep: down to 500 um nothing is hypoxic and half of 2,500 sites per mm2 hold a perfused vessel, below it the contrary."""
    found = profile(made_section())
    outer, inner = found.depth_um < 400, (found.depth_um > 600) & np.isfinite(found.hypoxic)
    assert found.hypoxic[outer] == pytest.approx(0.0) and found.hypoxic[inner] == pytest.approx(1.0)
    assert found.perfused_per_mm2[outer] == pytest.approx(1250.0, rel=0.05) and found.perfused_per_mm2[inner] == pytest.approx(0.0)
    # The gap in the middle is no margin.
    assert found.depth_um[-1] == pytest.approx(950.0)


def test_the_slide_by_depth_draws_a_line_a_group(tmp_path: Path) -> None:
    groups = {name: [load(make_record(tmp_path / f"{name}_{replicate}.h5", replicate=replicate, end_d=28.0)) for replicate in range(2)]
              for name in ("with", "without")}
    figure = depth_figure(groups, ("neck", "pelvis"))
    assert len(figure.axes) == 4 and all(len(axes.lines) == 2 for axes in figure.axes)
    assert "mean of 2 replicates" in figure.texts[1].get_text() and style.DISCLAIMER in figure.texts[1].get_text()
    assert len({(line.get_color(), line.get_linestyle()) for line in figure.axes[0].lines}) == 2
    assert Image.open(save(figure, tmp_path / "depth.png", "depth")).info["Disclaimer"] == style.DISCLAIMER


def test_the_window_ends_a_line_when_half_have_died(tmp_path: Path) -> None:
    days = np.arange(0.0, 29.0, 7.0)
    alive = np.ones((4, 5))
    dying = alive.copy()
    dying[:3, 3:] = np.nan
    courses = {arm: {panel.series: table * 0.5 for panel in PANELS} for arm, table in (("untreated", alive), ("anlotinib", dying))}
    figure = window_figure(days, courses, "anlotinib")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [panel.title for panel in PANELS]
    untreated, treated = figure.axes[0].lines
    assert untreated.get_xdata().tolist() == days.tolist() and treated.get_xdata().tolist() == [0.0, 7.0, 14.0]
    assert "n = 4 virtual patients" in figure.texts[1].get_text()
    path = save(figure, tmp_path / "window.png", "window")
    assert Image.open(path).size == style.SLIDE_PIXELS and Image.open(path).info["Disclaimer"] == style.DISCLAIMER
