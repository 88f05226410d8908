"""The clinical reading of a run: scans, RECIST, outcomes, and the reported findings."""
