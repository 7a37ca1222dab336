"""What is wrong with a setting, said so that it can be mended: where, which key, what was expected."""

from collections.abc import Iterable
from dataclasses import dataclass

from r3gan.long_numbers import with_short_numbers


@dataclass(frozen=True)
class SettingProblem:
    """One line for the user."""

    where: str  # "ablations.yaml:12", or the command-line option
    key: str  # dotted path as the user wrote it
    message: str

    def __str__(self) -> str:
        text = f"{self.where}: {self.key}: {self.message}" if self.key else f"{self.where}: {self.message}"
        return with_short_numbers(text)


class BadSettings(Exception):
    """Settings that make no configuration, with all that is wrong with them."""

    def __init__(self, problems: Iterable[SettingProblem]):
        self.problems = list(dict.fromkeys(problems))
        super().__init__("\n".join(map(str, self.problems)))
