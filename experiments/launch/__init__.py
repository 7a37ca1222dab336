"""Jobs on their way through a machine: launchers, the scheduler, costs, and what the terminal shows."""
