"""The tiny arm of the tests: one lesion of 500 cells, three days, radiotherapy from the second day and both drugs."""

UNTREATED = """
schema: 1
arm: tiny
start: 2021-07-05
end: 2021-07-08
seed: 7
burn_in_d: 1
lesions: {neck: {size_cm: [4, 3], measured: 2021-07-05, section_cells: 500}}
scans: [2021-07-05, 2021-07-08]
output: {scalars_every_h: 24, snapshots_every_d: 1}
"""
TREATED = UNTREATED + """
radiotherapy: [{lesion: neck, start: 2021-07-06, fractions: 2, volumes: {core: {dose_per_fraction_gy: 4}, mass: {dose_per_fraction_gy: 3}}}]
drugs:
  toripalimab: {class: anti_pd1, dose_mg: 240, start: 2021-07-05, interval_d: 21, until: 2021-07-08}
  anlotinib: {class: vegfr_tki, dose_mg: 12, start: 2021-07-06, interval_d: 1, until: 2021-07-08}
"""
