"""Animations: arms side by side on one clock."""
