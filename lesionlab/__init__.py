"""LesionLab: an agent-based simulator of tumour, immune system and vessels under therapy.

`lesionlab.sim` is the model, `lesionlab.analysis` reads its records. In the repository both are links to the folders of
that name; a wheel holds them here and brings no other top-level package.
"""
