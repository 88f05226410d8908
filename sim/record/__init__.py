"""The HDF5 record of a run: its schema, how it is written and read back, and bundles of many."""
