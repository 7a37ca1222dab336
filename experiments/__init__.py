"""From a study file to tracked runs: plan, launchers, tracking."""
