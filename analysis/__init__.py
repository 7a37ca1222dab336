"""From MLflow runs to statistics, tables, figures and a report. Never trains."""
