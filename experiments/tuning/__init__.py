"""Optuna searches over configuration keys, whose trials are ordinary jobs."""
