"""The model: tumour cells, vessels, T cells, fields, drugs and radiation on a lattice; `schedule` is its table of contents."""

from lesionlab.sim.parameters.version import DISCLAIMER, __version__

__all__ = ["DISCLAIMER", "__version__"]
