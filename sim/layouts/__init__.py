"""How cells are packed for a kernel's loop; no law is in here."""
