"""What the terminal shows: progress while it works, then answers, tables and bars. Drawn by rich."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.progress_bar import ProgressBar
from rich.table import Table

from concurrent_collections import get_build_info

from .measuring import Results, cores, gil_is_enabled, harness


class Progress:
    """A progress bar; where the stream is no terminal, one line for each stage.

    It draws only when it is told to, never from a thread of its own: that would disturb the measurement.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: RichProgress | None = None
        self._task: Any = None
        if stream.isatty():
            self._bar = RichProgress(
                TextColumn("{task.description:<30}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=Console(file=stream),
                auto_refresh=False,
            )

    def __enter__(self) -> Progress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar:
            self._bar.stop()

    def begin(self, title: str, total: int) -> None:
        """Start a stage of so many steps."""
        if self._bar:
            self._task = self._bar.add_task(title, total=max(total, 1))
            self._bar.refresh()
        else:
            print(f"{title} ...", file=self._stream, flush=True)

    def advance(self) -> None:
        """One step further."""
        if self._bar:
            self._bar.advance(self._task)
            self._bar.refresh()

    def reached(self, done: int) -> None:
        """So many steps of this stage are done."""
        if self._bar:
            self._bar.update(self._task, completed=done)
            self._bar.refresh()


def circumstances() -> str:
    """The interpreter and the machine, in one line; ratios mean little without."""
    return (
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"GIL {'on' if gil_is_enabled() else 'off'}, {cores()} cores, {platform.machine()}"
    )


def build_circumstances() -> str:
    """How concurrent_collections itself was built, in one line."""
    built: dict[str, Any] = get_build_info()
    slow = ", checks its invariants (slow)" if built["checks_invariants"] else ""
    slow += ", with what tests need" if built["test_hooks"] else ""
    return (
        f"allocator {built['allocator']}, reclamation {' '.join(built['smr_schemes'])}, "
        f"compiled by {built['compiler']}{slow}"
    )


def shown(rates: tuple[float, float, float]) -> str:
    """A rate or ratio and, when there was more than one run, the extremes."""
    middle, low, high = rates
    return str(harness.figures(middle) if low == high else harness.with_spread(rates))


def table_of(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table whose columns stand right-aligned under their heads."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in head:
        lines = name.replace(" + ", "\n+ ") if "+" in name else name.replace(" ", "\n")
        table.add_column(lines, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def bars_of(results: Results, what: str) -> Table:
    """A bar for each map under each number of threads."""
    longest = max(
        results.rates(what, threads, name)[0]
        for threads in results.threads
        for name in results.names
    )
    grid = Table.grid(padding=(0, 2))
    for threads in results.threads:
        label = f"  {threads} thread{'s' if threads > 1 else ''}"
        for name in results.names:
            rate = results.rates(what, threads, name)[0]
            bar = ProgressBar(longest, rate, width=40)
            grid.add_row(label, name, bar, harness.figures(rate))
            label = ""
    return grid


def show(results: Results, stream: TextIO) -> None:
    """Print what the user reads at the end."""
    console = Console(file=stream, markup=False, highlight=False, emoji=False)
    sources, (ours, theirs) = results.sources, results.names

    def say(text: str = "") -> None:
        console.print(text, soft_wrap=True)

    skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(sources.skipped.items()))
    say()
    say(f"Index of {sources.root}")
    say(
        f"  {len(sources.files):,} files, {sources.bytes / 1e6:.1f} MB, {results.words:,} words, "
        f"{sources.additions:,} additions (one word of one file each)"
    )
    say(f"  skipped: {skipped or 'nothing'}")
    say(f"  {circumstances()}")
    say(f"  concurrent_collections: {build_circumstances()}")
    say()
    say("Questions to the ordered index")
    for answer in results.answers:
        say(f"  {answer.question}:")
        say(f"      {answer.answer}")
    say()
    say("Building the index, the words being in memory: million additions a second")
    console.print(
        table_of(
            ["threads", ours, theirs, "ratio"],
            [
                [
                    str(threads),
                    *(shown(results.rates("building", threads, name)) for name in results.names),
                    shown(results.ratios("building", threads)),
                ]
                for threads in results.threads
            ],
        )
    )
    console.print(bars_of(results, "building"))
    say()
    say("The whole job, reading and finding words included: MB of text a second")
    console.print(
        table_of(
            ["threads", "no index", ours, "in index", theirs, "in index", "ratio"],
            [
                [
                    str(threads),
                    harness.figures(results.reading[threads].rate),
                    *(
                        cell
                        for name in results.names
                        for cell in (
                            shown(results.rates("whole_job", threads, name)),
                            f"{results.indexing_share(threads, name):.0%}",
                        )
                    ),
                    harness.figures(results.ratios("whole_job", threads)[0]),
                ]
                for threads in results.threads
            ],
        )
    )
    say("  (no index: reading and finding words alone; in index: that part of the threads' time)")
    console.print(bars_of(results, "whole_job"))
    say()
    say(
        f"Medians of {results.repeat} run{'s' if results.repeat > 1 else ''} (slowest-fastest). "
        "Both indexes were equal, every word in order with every place, in all "
        f"{results.comparisons} comparisons."
    )
    if results.disturbance():
        say("Other programs were using the machine: the figures are too low and uneven.")
    if gil_is_enabled():
        say(
            "The GIL is on, so one thread runs at a time and none of this can scale; "
            "a free-threaded Python shows what it is for."
        )


def stdout() -> TextIO:
    """Standard output; a word that it cannot write does not end the demonstration."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    return sys.stdout
