"""Estimates with intervals: paired replicates and survival."""
