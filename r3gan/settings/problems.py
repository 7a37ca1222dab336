"""What is wrong with a setting, said so that it can be mended: where, which key, what was expected."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

LONG_NUMBER = re.compile(r"\d{50,}")


@dataclass(frozen=True)
class SettingProblem:
    """One line for the user."""

    where: str  # "ablations.yaml:12", or the command-line option
    key: str  # dotted path as the user wrote it
    message: str

    def __str__(self) -> str:
        text = f"{self.where}: {self.key}: {self.message}" if self.key else f"{self.where}: {self.message}"
        return with_short_numbers(text)


def with_short_numbers(text: str) -> str:
    """The same, with the first digits alone of each number that is too long to read, and how many there are."""
    return LONG_NUMBER.sub(lambda found: f"{found[0][:8]}... ({len(found[0])} digits)", text)


class BadSettings(Exception):
    """Settings that make no configuration, with all that is wrong with them."""

    def __init__(self, problems: Iterable[SettingProblem]):
        self.problems = list(dict.fromkeys(problems))
        super().__init__("\n".join(map(str, self.problems)))
