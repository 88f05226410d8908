"""Everything that changes in a run: arrays, codes, time, tables of T cells."""
