"""Memory layouts for the loops of kernels; no rule is in here."""
