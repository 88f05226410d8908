"""The Python door, as `lesionlab` offers it: it calls what the command line calls, and gives arrays, tables and axes in return."""
