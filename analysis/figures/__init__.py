"""Figures, one slide each; one meaning has one colour everywhere."""
