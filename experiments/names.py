"""The names under which MLflow keeps a study: what `analysis` reads and `experiments` writes.

One MLflow experiment per study, named like it; one run per job, named `dataset/variant/seed`. A metric's step is the
number of real images shown to D, so kimg is step / 1000.

Tuning has an experiment of its own (`tuning_experiment`): one parent run per search, and below it one run per trial.
Only the parent carries TUNING_ARTIFACT, which holds the whole search as JSON.
"""

STUDY = "study"
VARIANT = "variant"
DATASET = "dataset"
SEED = "seed"
PROFILE = "profile"
IDENTITY = "identity"  # hash of everything that decides the job's result
CONFIGURATION = "configuration"  # the same without the seed: equal for all seeds of one variant
COMPARISON = "comparison"  # the baseline's CONFIGURATION: equal for all jobs that may be compared with each other
TAGS = (STUDY, VARIANT, DATASET, SEED, PROFILE, IDENTITY, CONFIGURATION, COMPARISON)
IS_JOB = f"tags.{COMPARISON} LIKE '%'"  # which runs are of jobs, in MLflow's search language

PLACE = "place"  # of the folder that the run was sent from; moved folders keep theirs
FOLDER = "folder"  # where that folder was when the run was last sent: host and path
SOURCES = "sources"  # hash of r3gan's sources that trained the job, of several with + between
CLASSES = "classes"  # of the dataset: how many, and the first names, for people
DESIGN = "design"  # how the study judges its jobs, as it says today (experiments/design.py)
ORIGIN = "origin"  # the study file when the run was made, its hash, and --set (experiments/origin.py)
DESIGN_AT_START = "design_at_start"  # the same when the run was made
OUTCOME = "outcome"  # what has become of the job (experiments/launch/outcome.py); empty: it has not ended
DEVICE = "device"  # a GPU's name, or cpu; this and the next ones as environment.json has them
RANKS, THREADS = "ranks", "threads"  # processes, and threads of each
PYTHON, TORCH, PROCESSOR = "python", "torch", "processor"  # versions, and the processor's own name
COMMIT, IS_EDITED = "mlflow.source.git.commit", "is_edited"  # of r3gan's sources; whether they differed from it
MACHINE = (DEVICE, RANKS, THREADS, PYTHON, TORCH, PROCESSOR, COMMIT, IS_EDITED)
NOTE_SENT = "note_sent"  # hash of the description that was sent last: what people have written since is left alone
REPORT = "report"  # of a job's run: the address of the run that holds the newest report on it
REPORT_NAME = "report_name"  # of a report's run, which is no job's
STARTS_FROM = "starts_from"  # parameter of a job's run, tag of a trial's: in whose state it began; absent: in none
INHERITED_SECONDS = "inherited_seconds"  # of training, spent by that job
INHERITED_FROM = "inherited_from"  # its identity
LACKS = "lacks"  # what MLflow did not take of the job

BASELINE = "baseline"  # the variant that the others are compared with

CONFIG_ARTIFACT = "config.json"
SAMPLES_FOLDER = "samples"  # of a job's directory: PNG grids named by image count; once of runs too (sample_images.py)
NEIGHBOURS_ARTIFACT = "neighbours.png"  # samples beside the training images nearest to them
INTERPOLATION_ARTIFACT = "interpolation.png"  # ways between samples
MODES_ARTIFACT = "modes.json"  # samples per mode of the last evaluation
WEIGHTS_FOLDER = "weights"


TUNING = "tuning"  # tag of a search's run and of its trials' runs: the search's identity
TRIAL = "trial"  # tag of a trial's run: its number
TUNING_ARTIFACT = "tuning.json"


def tuning_experiment(study: str) -> str:
    """The name of the MLflow experiment that holds a study's searches."""
    return f"{study}.tune"
