"""What Optuna's storage keeps of a trial beyond its parameters and values: the names, in one place."""

RETRIES = "retry_history"  # Optuna's own system attribute: the numbers of the attempts that a trial repeats
FIXED = "fixed_params"  # Optuna's own system attribute of a trial that was queued with parameters

WORKER = "worker"  # the host, process and slot that run it
IS_DEFAULT = "is_default"  # whether it is the variant's own setting
RUNGS = "rungs"  # [images, value of each objective] per evaluation, if there are several objectives
COST = "cost"  # {"kimg": ..., "seconds": ...} so far
INHERITED = "inherited"  # the same of what it has from the jobs of other trials, and "starts_from": which ones
OUTCOME = "outcome"  # a TrialState
REASON = "reason"  # why it diverged or failed
SURPLUS = "surplus"  # it was begun beyond the budget, and ended at once
