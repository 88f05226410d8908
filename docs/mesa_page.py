"""Mesa's page of the teaching scenario: `pip install -e '.[viz]'`, then `solara run docs/mesa_page.py`."""

from lesionlab.sim.page.mesa_page import page as mesa_page

page = mesa_page("teaching")
