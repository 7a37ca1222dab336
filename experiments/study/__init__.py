"""The study file and the plan: from YAML to a list of jobs, each with its configuration and identity. No torch."""
