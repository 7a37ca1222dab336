"""One training job: the loop, its steps, losses and penalties, schedules, batches, and its state."""
