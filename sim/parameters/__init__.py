"""What a parameter is, what a user is told, and which code computed a number."""
