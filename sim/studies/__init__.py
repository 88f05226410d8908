"""Questions that take many runs: sweeps, attribution, calibration."""
