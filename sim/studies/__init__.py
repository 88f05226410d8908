"""Studies: many runs that answer one question; they start runs and read outcomes, and no run knows of them."""
