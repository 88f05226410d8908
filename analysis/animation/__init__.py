"""Moving pictures: arms side by side on one clock."""
