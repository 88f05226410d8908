"""Parameters, messages to the user, and the version of the code that computed a number."""
