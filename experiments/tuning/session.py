"""One search from its first to its last trial in this process: workers, display, tracking, and its record."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from optuna.storages import BaseStorage

from experiments.cli import console, print_errors, warn_if_behind
from experiments.launch.launchers import Launcher
from experiments.names import TUNING_ARTIFACT
from experiments.tracking.address import how_to_compare
from experiments.tracking.search_record import SearchRecord
from experiments.tracking.searches import SearchTracker
from experiments.tuning.display import SearchDisplay, progress_text
from experiments.tuning.optuna_study import open_study
from experiments.tuning.record import search_record
from experiments.tuning.search import Search
from experiments.tuning.storage import STORAGE_ERRORS, storage_message
from experiments.tuning.takeover import take_over
from experiments.tuning.trial_files import tidy
from experiments.tuning.workers import Workers
from r3gan.files import write_text


@dataclass(frozen=True)
class Session:
    """What all searches of one command share."""

    storage: BaseStorage
    launcher: Launcher
    asked_to_stop: Callable[[], bool]
    wait_seconds: float = 30.0  # how long MLflow may leave the command without an answer in the end

    def run(self, search: Search) -> bool:
        """Work on a search until its budget is spent. Returns False, after a message, if something stood in the way."""
        try:
            return self._run(search)
        except STORAGE_ERRORS as error:
            print_errors([f"{search.name}: {storage_message(error)}"])
            return False

    def _run(self, search: Search) -> bool:
        study, folder, lock = (
            open_study(search, self.storage),
            search_folder(search, self.launcher.execution.output),
            threading.Lock(),
        )
        take_over(study)

        def read() -> SearchRecord:
            return search_record(search, study)

        with SearchTracker(read, self.wait_seconds) as tracker, SearchDisplay(console, search) as display:

            def publish(is_over: bool = False) -> None:
                with lock:
                    record = read()
                    display.show(record)
                    tidy(folder, record, is_over=is_over)
                    text = json.dumps(record.to_json())  # indented, a large one would take ten times as long
                    try:
                        write_text(folder / TUNING_ARTIFACT, text)
                    except OSError as error:  # a full disk, say: it is a copy, and written again after the next trial
                        display.say(f"not written: {folder / TUNING_ARTIFACT}: {error.strerror}")

            display.show(read(), quiet=True)
            workers = Workers(
                search=search,
                storage=self.storage,
                folder=folder,
                launcher=self.launcher,
                observers=[display],
                asked_to_stop=self.asked_to_stop,
                show=display.say,
                after_trial=publish,
            )
            workers.run()
            publish(is_over=not workers.should_stop())
        if workers.error:
            print_errors([f"{search.name}: {workers.error}"])
        warn_if_behind(tracker.warning)
        if tracker.experiment is not None:
            console.print(how_to_compare("trials", tracker.experiment), markup=False, soft_wrap=True)
        console.print(f"{search.name}: {progress_text(read())}", markup=False, soft_wrap=True)
        return workers.error is None


def search_folder(search: Search, output: Path) -> Path:
    """Where a search's trials lie: one folder per identity, so that a changed search never overwrites."""
    place = output / search.study.name / "tune" / search.dataset / search.variant
    return place / f"{search.method}-{search.identity}"
