"""What goes wrong with data, as exceptions whose message is the whole story. Needs no torch."""


class DatasetUnavailable(Exception):
    """A dataset cannot be had; the message says which file belongs where."""


class BadData(DatasetUnavailable):
    """Data that is there and cannot be used; the message names the file, what was found and what was expected."""
