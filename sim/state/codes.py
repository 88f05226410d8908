"""Codes: what a site holds, what can happen to a cell, and the number of each random purpose."""

from enum import IntEnum


class CellState(IntEnum):
    """What a lattice site holds; the numbers are those of the record's snapshots."""

    STROMA = 0
    PROLIFERATING = 1
    QUIESCENT = 2
    DOOMED = 3
    APOPTOTIC = 4
    KILLED_BY_T_CELL = 5
    KILLED_BY_RADIATION = 6
    NECROTIC = 7


class Hazard(IntEnum):
    """Rows of a section's hazard array, each integrated over the step; also the fate that a draw gives a cell."""

    DIVISION = 0
    FAILED_DIVISION = 1
    APOPTOSIS = 2
    HYPOXIA = 3
    RADIATION = 4
    T_CELL = 5


N_HAZARDS = len(Hazard)
NO_FATE = 255
_SHOWN_FIRST = (Hazard.RADIATION, Hazard.T_CELL, Hazard.HYPOXIA, Hazard.APOPTOSIS, Hazard.FAILED_DIVISION)
CAUSES = (*_SHOWN_FIRST, *(hazard for hazard in Hazard if hazard not in (*_SHOWN_FIRST, Hazard.DIVISION)))
"""The causes of death in the order of the record."""


class Purpose(IntEnum):
    """Random streams; a number is never reused (2 is spent), so old draws stay the same when new rules arrive."""

    VESSEL_LAYOUT = 1
    PD_L1_LAYOUT = 3
    VESSEL_FATE = 4
    VESSEL_OPENNESS = 5
    T_CELL_ARRIVALS = 6
    T_CELL_ENTRY = 7
    T_CELL_MOTION = 8
    T_CELL_KILLING = 9
    T_CELL_EXHAUSTION = 10
    PD_L1 = 11
    CELL_FATE = 12
    INTERPHASE_DEATH = 13
    WEIGHTED_CLONOGENS = 14
    CLEARANCE = 15
    PUSH = 16
    PULL = 17
    T_CELL_RADIATION = 18
    T_CELL_LIFESPAN = 19
    SUPPRESSION = 20
    PUSH_ORDER = 21
    PULL_ORDER = 22
    GHOST_CONTACT = 23
    GHOST_CONTACT_MOTION = 26
    ANTIGEN_LOSS = 24
    RESAMPLING = 25
    VESSEL_DEPENDENCE = 27
    VIRTUAL_PATIENT = 40
