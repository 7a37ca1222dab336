"""Pickles read as data: a machine of our own for the instructions that a tree of modules needs, which runs nothing.

A pickle is a program that may name any function and call it. Here a name stays a name, a call stays a record of what
was to be called with what, and every name that is not expected ends the reading. No instruction sets aside more memory
than the file has bytes for, whatever sizes it speaks of; keys are texts and whole numbers, which are quick to hash.
"""

import pickletools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

HIGHEST_PROTOCOL = 5
ORDERED_DICT = ("collections", "OrderedDict")


class RefusedPickle(Exception):
    """A pickle that is not what was expected, or is damaged; the message says which name or instruction shows it."""


class Name(NamedTuple):
    """What a pickle calls a class or a function."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False)
class Call:
    """A function that was to be called, and what with."""

    function: Name
    arguments: tuple[Any, ...]


@dataclass(eq=False)
class Instance:
    """An object that was to be made of a class, with its attributes."""

    kind: Name
    state: Any = None


class Reference(NamedTuple):
    """A persistent id."""

    value: Any


def read_pickle(file: BinaryIO, known: Collection[tuple[str, str]], references: bool = False) -> Any:
    """The value of the pickle at the file's place, which is then behind it.

    known: names (module, name) that it may hold. references: whether it may hold persistent ids.
    Raises RefusedPickle.
    """
    machine = _Machine(known, references)
    try:
        for opcode, argument, _ in pickletools.genops(file):
            machine.run(opcode.name, argument)
        return machine.result()
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise RefusedPickle(f"it is no sound pickle ({error or type(error).__name__})") from error


class _Machine:
    """The pickle machine's stack, the stacks below its marks, and its memo."""

    def __init__(self, known: Collection[tuple[str, str]], references: bool):
        self.known, self.references = known, references
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def result(self) -> Any:
        """What STOP found."""
        if len(self.stack) != 1 or self.below:
            raise ValueError("it ends in the middle")
        return self.stack[0]

    def run(self, opcode: str, argument: Any) -> None:
        """One instruction. Raises RefusedPickle."""
        if opcode in CONSTANTS:
            self.stack.append(argument)
        elif opcode in VALUES:
            self.stack.append(VALUES[opcode]())
        elif opcode in ACTIONS:
            ACTIONS[opcode](self, argument)
        elif opcode not in WITHOUT_EFFECT:
            raise RefusedPickle(f"it holds the instruction {opcode}, which no tree of modules needs")

    def since_mark(self) -> list[Any]:
        """What lies above the last mark, which goes."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def name(self, module: Any, name: Any) -> None:
        """Push a name if it is known."""
        found = Name(str(module), str(name))
        if found not in self.known:
            raise RefusedPickle(f"it asks for {found}")
        self.stack.append(found)

    def call(self) -> None:
        """A call, except of OrderedDict without arguments, which is a dictionary."""
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise RefusedPickle(f"it calls a {type(function).__name__}, not a function by its name")
        if function == ORDERED_DICT and arguments:
            raise RefusedPickle(f"it calls {function} with arguments")
        self.stack.append({} if function == ORDERED_DICT else Call(function, arguments))

    def new(self) -> None:
        """An instance, still empty."""
        arguments, kind = self.stack.pop(), self.stack.pop()
        if not isinstance(kind, Name) or arguments != ():
            what = kind if isinstance(kind, Name) else f"a {type(kind).__name__}"
            raise RefusedPickle(f"it makes an object of {what} with arguments or of no class")
        self.stack.append(Instance(kind))

    def build(self) -> None:
        """Give an instance its attributes."""
        state, instance = self.stack.pop(), self.stack[-1]
        if not isinstance(instance, Instance) or instance.state is not None or not isinstance(state, dict):
            raise RefusedPickle(f"it sets the state of a {type(instance).__name__}")
        instance.state = state

    def set_items(self, pairs: list[Any]) -> None:
        """Into the dictionary on top."""
        keys, target = pairs[::2], self.stack[-1]
        if type(target) is not dict or len(pairs) % 2 or not all(type(key) in (str, int) for key in keys):
            keys_expected = "by other keys than texts and whole numbers"
            raise RefusedPickle(f"it sets items of a {type(target).__name__} {keys_expected}")
        target.update(zip(keys, pairs[1::2], strict=True))

    def append(self, items: list[Any]) -> None:
        """To the list on top."""
        if type(self.stack[-1]) is not list:
            raise RefusedPickle(f"it appends to a {type(self.stack[-1]).__name__}")
        self.stack[-1].extend(items)

    def add(self, items: list[Any]) -> None:
        """To the set on top."""
        if type(self.stack[-1]) is not set or not all(type(item) in (str, int) for item in items):
            target = type(self.stack[-1]).__name__
            raise RefusedPickle(f"it adds other things than texts and whole numbers to a {target}")
        self.stack[-1].update(items)

    def tuple_of(self, count: int) -> None:
        """Of the uppermost values."""
        if len(self.stack) < count:
            raise IndexError("its stack is empty")
        self.stack[-count:] = [tuple(self.stack[-count:])]

    def reference(self) -> None:
        """A persistent id."""
        if not self.references:
            raise RefusedPickle("it holds the instruction BINPERSID, which no tree of modules needs")
        self.stack.append(Reference(self.stack.pop()))

    def mark(self) -> None:
        """Begin a new stack."""
        self.below.append(self.stack)
        self.stack = []

    def protocol(self, number: int) -> None:
        """Say which version it is."""
        if not 2 <= number <= HIGHEST_PROTOCOL:
            raise RefusedPickle(f"it is of protocol {number}; 2 to {HIGHEST_PROTOCOL} were expected")


WITHOUT_EFFECT = {"FRAME", "STOP"}
CONSTANTS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
VALUES: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": set,
}


def _remember(machine: _Machine, place: int | None) -> None:
    machine.memo[len(machine.memo) if place is None else place] = machine.stack[-1]


def _stack_global(machine: _Machine, _: Any) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.name(module, name)


def _set_item(machine: _Machine, _: Any) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.set_items([key, value])


def _tuple(machine: _Machine, _: Any) -> None:
    items = machine.since_mark()
    machine.stack.append(tuple(items))


ACTIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _Machine.protocol,
    "MARK": lambda m, _: m.mark(),
    "MEMOIZE": lambda m, _: _remember(m, None),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _remember),
    **{get: lambda m, place: m.stack.append(m.memo[place]) for get in ("BINGET", "LONG_BINGET")},
    "GLOBAL": lambda m, text: m.name(*text.split(" ", 1)),
    "STACK_GLOBAL": _stack_global,
    "REDUCE": lambda m, _: m.call(),
    "NEWOBJ": lambda m, _: m.new(),
    "BUILD": lambda m, _: m.build(),
    "SETITEM": _set_item,
    "SETITEMS": lambda m, _: m.set_items(m.since_mark()),
    "APPEND": lambda m, _: m.append([m.stack.pop()]),
    "APPENDS": lambda m, _: m.append(m.since_mark()),
    "ADDITEMS": lambda m, _: m.add(m.since_mark()),
    "TUPLE": _tuple,
    **{f"TUPLE{n}": lambda m, _, n=n: m.tuple_of(n) for n in (1, 2, 3)},  # type: ignore[misc]
    "BINPERSID": lambda m, _: m.reference(),
}
