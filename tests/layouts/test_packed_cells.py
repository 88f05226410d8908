"""Packed cells: a code that has no room in a byte is refused where it is declared."""

from enum import IntEnum

import pytest

from lesionlab.sim.layouts.packed_cells import check_codes


class NineStates(IntEnum):
    """Codes 0 to 8: one more than three bits hold."""

    STROMA = 0
    MACROPHAGE = 8


def test_a_ninth_cell_state_is_refused_and_not_returned_as_stroma() -> None:
    with pytest.raises(ValueError, match=r"NineStates\.MACROPHAGE = 8 does not fit"):
        check_codes(NineStates)
