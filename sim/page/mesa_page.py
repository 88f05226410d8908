"""Mesa's own page: a section as a picture of one pixel a site, and plots of what the model collects, for people who come from Mesa.

The extra `viz` brings Mesa's Solara with the versions that draw; without it only `section_png` can be used.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from lesionlab.analysis.figures.style import DISCLAIMER
from lesionlab.sim.model import TumourModel
from lesionlab.sim.page.layers import layers
from lesionlab.sim.page.live import picture_of
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.processes.oxygen import whole_field

COLLECTED = ("burden_cells", "specific_effector_t_cells")
MOST_EDGE_PX = 300


def section_png(model: TumourModel, lesion: str, layer: str = "tissue") -> bytes:
    """Return a lesion's section now as a PNG with a palette, a whole number of pixels a site.

    Args:
        layer: tissue, oxygen, vessels or t_cells.

    Raises:
        UserError: there is no such lesion or layer.
    """
    tissues = {tissue.name: tissue for tissue in model.state.tissues}
    known = {one.name: one for one in layers(has_t_cell_states=True)}
    for name, there in ((lesion, tissues), (layer, known)):
        if name not in there:
            raise UserError(f"{name}: the page can show {', '.join(there)}")
    shown, tissue = known[layer], tissues[lesion]
    codes = picture_of(tissue, whole_field(tissue, model.parameters["oxygen"])).planes[shown.plane]
    edge = max(1, MOST_EDGE_PX // codes.shape[1])
    picture = Image.fromarray(np.ascontiguousarray(codes.repeat(edge, axis=0).repeat(edge, axis=1)), mode="P")
    picture.putpalette(bytes.fromhex("".join(colour.lstrip("#") for colour in shown.colours)))
    drawn = BytesIO()
    picture.save(drawn, "PNG")
    return drawn.getvalue()


def section_component(lesion: str, layer: str = "tissue") -> Callable[[TumourModel], Any]:
    """Return a component for `SolaraViz` that shows a section of the model and is drawn anew after every step."""
    import solara
    from mesa.visualization.utils import update_counter

    title = next(one.title for one in layers(has_t_cell_states=True) if one.name == layer)

    def section(model: TumourModel) -> None:
        update_counter.get()
        with solara.Card(f"{lesion}: {title.lower()}, day {model.time_d:.1f}"):
            solara.Image(section_png(model, lesion, layer))
            solara.Text(f"{DISCLAIMER}.")

    return solara.component(section)


def page(scenario: str = "teaching", lesion: str | None = None, steps_a_picture: int = 6) -> Any:
    """Return Mesa's page of a scenario: tissue, oxygen, T cells of a lesion, and two series as they grow.

    Args:
        lesion: the first lesion of the scenario if None.
        steps_a_picture: steps between two pictures while it plays.

    Raises:
        UserError: Solara is not installed.
    """
    try:
        from mesa.visualization import SolaraViz, make_plot_component
    except ImportError as error:
        raise UserError(f"Mesa's page needs the extra viz: pip install -e '.[viz]' ({error})") from None
    model = TumourModel(scenario, collect_every_d=1.0)
    shown = lesion or model.state.tissues[0].name
    pictures = [section_component(shown, layer) for layer in ("tissue", "oxygen", "t_cells")]
    plots = [make_plot_component(name) for name in COLLECTED]
    return SolaraViz(model, components=[*pictures, *plots], model_params={"arm": scenario, "collect_every_d": 1.0},
                     render_interval=steps_a_picture, name=f"LesionLab: {scenario}")
