"""A run as a clinic reads it: scans, RECIST, outcomes, and what was reported."""
