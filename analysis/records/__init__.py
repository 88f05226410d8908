"""Records read back and handed to other tools."""
