"""Generators in the formats of other programs, each checked after it was written, and what is said of them."""
