"""Datasets: found, read, prepared once, and addressed by position in a seeded, endless order (docs/data.md)."""
