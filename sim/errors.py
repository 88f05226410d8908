"""The one class of error for what a user can mend."""


class UserError(Exception):
    """A mistake in a command, a scenario or a file: shown as one message without a traceback, exit code 2."""
