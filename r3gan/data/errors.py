"""What goes wrong with data, as exceptions whose message is the whole story. Needs no torch."""

import errno

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DatasetUnavailable(Exception):
    """A dataset cannot be had; the message says which file belongs where."""


class BadData(DatasetUnavailable):
    """Data that is there and cannot be used; the message names the file, what was found and what was expected."""


class DiskFull(OSError):
    """There is no room to write; what was begun is kept and goes on once there is."""


def as_told(error: Exception, sentence: str) -> DatasetUnavailable | DiskFull:
    """The exception for what the system said, with a sentence about it."""
    return DiskFull(sentence) if isinstance(error, OSError) and error.errno in FULL else BadData(sentence)
