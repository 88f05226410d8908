"""Mesa's own page: its picture of a section is that of the player; with Solara installed the page itself is rendered."""

from io import BytesIO

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from lesionlab.analysis.figures import style
from lesionlab.sim.model import TumourModel
from lesionlab.sim.page.mesa_page import section_component, section_png
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.scenario.load import scenario_from_text
from tests.tiny_arm import UNTREATED


@pytest.fixture(scope="module")
def model() -> TumourModel:
    return TumourModel(scenario_from_text(UNTREATED))


def test_a_section_is_a_picture_of_whole_sites_in_the_colours_of_the_figures(model: TumourModel) -> None:
    with Image.open(BytesIO(section_png(model, "neck"))) as picture:
        shown = np.asarray(picture.convert("RGB"))
    sites = model.state.tissues[0].state.shape[1:]
    edge = shown.shape[0] // sites[0]
    assert shown.shape[:2] == (edge * sites[0], edge * sites[1]) and edge >= 1
    known = {tuple(round(255 * part) for part in to_rgb(entry.colour)) for entry in style.TISSUE}
    found = {tuple(map(int, colour)) for colour in shown.reshape(-1, 3)[::7]}
    assert found <= known and len(found) > 3


def test_layers_differ_and_an_unknown_one_is_named_with_those_there_are(model: TumourModel) -> None:
    assert section_png(model, "neck", "oxygen") != section_png(model, "neck")
    with pytest.raises(UserError, match="dose: the page can show tissue, oxygen, vessels, t_cells"):
        section_png(model, "neck", "dose")
    with pytest.raises(UserError, match="liver: the page can show neck"):
        section_png(model, "liver")


def words_and_pictures(widget: object) -> list[object]:
    """Return the texts of a rendered widget and the bytes of its pictures."""
    found: list[object] = [widget.value] if type(widget).__name__ == "Image" else []
    for child in getattr(widget, "children", None) or ():
        found += [child] if isinstance(child, str) else words_and_pictures(child)
    return found


@pytest.mark.filterwarnings("ignore")
def test_the_component_is_drawn_anew_after_a_step(model: TumourModel) -> None:
    solara = pytest.importorskip("solara", reason="the extra viz is not installed")
    from mesa.visualization.utils import force_update

    box, handle = solara.render(section_component("neck")(model), handle_error=False)
    title, before, disclaimer = words_and_pictures(box)
    assert title == f"neck: tissue, day {model.time_d:.1f}" and disclaimer == f"{style.DISCLAIMER}."
    for _ in range(24):
        model.step()
    force_update()
    title, after, _ = words_and_pictures(box)
    assert title == f"neck: tissue, day {model.time_d:.1f}" and after != before
    handle.close()
