"""One biological rule a file; the order in which they act is in `sim/schedule.py`."""
