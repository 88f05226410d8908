"""Numerics without biology: compilation, random draws, the lattice, fields and exact kinetics."""
