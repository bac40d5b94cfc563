"""How containers are shown by IPython: in lines of the terminal's width, and cut where IPython cuts."""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers understand it; typing is not imported, for it takes long
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Protocol, TypeVar

    _T = TypeVar("_T")

    class Printer(Protocol):
        """What is used of IPython.lib.pretty.RepresentationPrinter."""

        max_seq_length: int  # 0: no limit

        def text(self, text: str) -> None: ...
        def breakable(self) -> None: ...
        def pretty(self, thing: object) -> None: ...
        def begin_group(self, indent: int, text: str) -> None: ...
        def end_group(self, dedent: int, text: str) -> None: ...


def _print_all(
    printer: Printer,
    before: str,
    things: Iterable[_T],
    after: str,
    print_one: Callable[[_T], None],
) -> None:
    printer.begin_group(len(before), before)
    for i, thing in enumerate(things):
        if i:
            printer.text(",")
            printer.breakable()
        if printer.max_seq_length and i >= printer.max_seq_length:
            printer.text("...")
            break
        print_one(thing)
    printer.end_group(len(before), after)


def print_map(
    printer: Printer,
    name: str,
    items: Iterable[tuple[Any, Any]],
    cycle: bool,
    settings: Sequence[str] = (),
) -> None:
    """Show entries as ``Name({key: value, ...})``, with settings after them as in ``repr``."""

    def print_one(item: tuple[Any, Any]) -> None:
        printer.pretty(item[0])
        printer.text(": ")
        printer.pretty(item[1])

    if cycle:
        printer.text(f"{name}({{...}})")
    else:
        _print_all(printer, f"{name}({{", items, ", ".join(["}", *settings]) + ")", print_one)


def print_elements(
    printer: Printer,
    name: str,
    brackets: str,
    elements: Iterable[Any],
    cycle: bool,
    settings: Sequence[str] = (),
) -> None:
    """Show elements as ``Name({element, ...})``, with the brackets that are given, and settings as in ``repr``."""
    if cycle:
        printer.text(f"{name}({brackets[0]}...{brackets[1]})")
    else:
        before, after = f"{name}({brackets[0]}", ", ".join([brackets[1], *settings]) + ")"
        _print_all(printer, before, elements, after, printer.pretty)
