"""Reading records, and exporting them for other tools."""
