"""The page: arms side by side in a browser, from records, as one file for a class, or live; one player, no library, no network."""
