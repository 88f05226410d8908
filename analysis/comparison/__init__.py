"""Arms against one another and against the case: summaries, synergy, attribution, deaths by cause."""
