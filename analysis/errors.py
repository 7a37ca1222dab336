"""The one error that a user of the report can do something about."""


class ReportError(Exception):
    """The study cannot be reported on; the message says why and what to do."""


class NothingFinished(ReportError):
    """There are runs, but none of them has come to its end."""
