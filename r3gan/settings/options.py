"""`key=value` on the command line."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from r3gan.settings.problems import BadSettings, SettingProblem
from r3gan.settings.values import parse_value

SET_OPTION = "--set"


def parse_settings(
    options: Iterable[str], elsewhere: Mapping[str, str] = MappingProxyType({}), where: str = SET_OPTION
) -> dict[str, Any]:
    """Dotted key -> value, which is read as YAML. Raises BadSettings.

    elsewhere: keys that are no settings -> the option that is meant. where: what problems call the command line.
    """
    settings: dict[str, Any] = {}
    for option in options:
        key, equals, text = option.partition("=")
        if not equals or not all(key.split(".")):
            raise BadSettings([SettingProblem(where, option, "KEY=VALUE was expected, such as total_kimg=10")])
        if key in elsewhere:
            raise BadSettings([SettingProblem(where, key, f"is not a configuration key: use {elsewhere[key]}")])
        try:
            settings[key] = parse_value(text)
        except ValueError as error:
            raise BadSettings([SettingProblem(where, key, str(error))]) from error
    return settings
