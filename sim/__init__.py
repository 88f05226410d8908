"""The model: tumour cells, vessels, T cells, fields, drugs and radiation on a lattice; `schedule` is its table of contents."""

from lesionlab.sim.parameters.version import DISCLAIMER, __version__

__all__ = ["DISCLAIMER", "__version__"]

if __name__ != "lesionlab.sim":
    raise ImportError("import lesionlab.sim: under its bare name every module would be loaded a second time")
