"""Jobs and searches in MLflow: a copy of what lies on the disk."""
