"""Arithmetic over seeds: arrays in, estimates with intervals out. Nothing here reads MLflow, formats or draws."""
