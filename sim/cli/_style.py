"""Matplotlib as the command line loads it, before any verb is imported."""

import contextlib
import os
from pathlib import Path


def own_style() -> None:
    """Load matplotlib with its own defaults: figures look the same whatever a notebook or a settings file says."""
    os.environ |= {"MPLBACKEND": "agg", "MATPLOTLIBRC": os.devnull}
    # A matplotlibrc in the working folder comes before all others, and may hold anything.
    if Path("matplotlibrc").exists():
        with contextlib.chdir(Path(__file__).parent):
            import matplotlib  # noqa: F401
