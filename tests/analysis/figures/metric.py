"""Columns by key, for tests of figures."""

from analysis.metrics import CURVES, shown_columns
from r3gan.tables.metrics import numbers

METRIC = {column.key: column for column in (*shown_columns(numbers()), *CURVES)}
