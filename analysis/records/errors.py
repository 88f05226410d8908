"""The one class of error for mistakes in records and outputs that a user can correct."""


class RecordError(Exception):
    """A record or an output file is not as it must be: shown as one message without a traceback, exit code 2."""
