"""The tiny screen of the tests: one lesion of 500 cells a patient, three weeks, a scan a week, both drugs from day 0."""

from pathlib import Path

SCENARIO = """
schema: 1
arm: both
start: 2024-01-01
end: 2024-01-22
seed: 5
burn_in_d: 2
time_step_h: 2
lesions: {tumour: {size_cm: [5, 5], measured: 2024-01-01, section_cells: 500}}
t_cell_entry: {entry_per_vessel_per_d: 0.2}
drugs:
  toripalimab: {class: anti_pd1, dose_mg: 240, start: 2024-01-01, interval_d: 21, until: 2024-01-22}
  anlotinib: {class: vegfr_tki, dose_mg: 12, start: 2024-01-01, interval_d: 1, until: 2024-01-22}
scans: [2024-01-01, 2024-01-15, 2024-01-22]
"""
POPULATION = """
schema: 1
title: "tiny"
varies:
  doubling_time_d: {kind: log_normal, median: 8, geometric_sd: 1.2, within: [4, 60], evidence: assumed, source: "a test"}
  t_cell_entry.entry_per_vessel_per_d: {kind: log_normal, geometric_sd: 2.5, evidence: assumed, source: "a test"}
  lesions.tumour.vessel_density_factor: {kind: classes, edges: [0.8, 1, 1.5], shares: [0.25, 0.75], evidence: assumed, source: "a test"}
  drugs.anlotinib.pharmacokinetics.clearance_l_per_h:
    {kind: log_normal, median: 9.26, geometric_sd: 1.33, within: [3, 30], evidence: literature, source: "a test"}
choice:
  t_cell_entry.entry_per_vessel_per_d: {low: 0.05, high: 0.8, is_log: true}
  vessels.pruning_per_d: {low: 0.03, high: 0.3}
"""


def write(folder: Path, scenario: str = SCENARIO, population: str = POPULATION) -> tuple[Path, Path]:
    """Write both files into a folder and return their paths."""
    paths = folder / "tiny_screen.yaml", folder / "tiny.yaml"
    for path, text in zip(paths, (scenario, population), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths
