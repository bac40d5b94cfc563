"""The command: `tools/demo`."""

from __future__ import annotations

import argparse
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .index import LockedForFilesIndex, LockedIndex, LockFreeIndex, new_sorted_dict
from .words import DemoError, read_sources

DEFAULT_LIMIT = 250
QUICK_LIMIT = 100


def counts_of_threads(text: str) -> list[int]:
    """The numbers of ``--threads``, each once, in the order given."""
    counts = list(dict.fromkeys(int(part) for part in text.split(",")))
    if min(counts) < 1:
        raise ValueError(text)
    return counts


def positive(text: str) -> int:
    """A number of at least one."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


# argparse names the function in its message.
counts_of_threads.__name__ = "list of thread counts"
positive.__name__ = "positive number"


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/demo",
        description="Threads build one ordered index of the files below a directory, on a "
        "lock-free SkipListMap and on a SortedDict with a lock.",
    )
    parser.add_argument(
        "path",
        metavar="PATH",
        nargs="?",
        type=Path,
        help="the directory to index (default: this Python's own standard library)",
    )
    parser.add_argument(
        "--threads",
        metavar="N,N,...",
        type=counts_of_threads,
        help="how many threads to measure with (default: 1,2,4,8)",
    )
    parser.add_argument(
        "--limit",
        metavar="N",
        type=positive,
        help=f"index at most N files, spread evenly over the tree (default: {DEFAULT_LIMIT})",
    )
    parser.add_argument(
        "--repeat", metavar="N", type=positive, help="measure each run N times (default: 3)"
    )
    parser.add_argument(
        "--lock-for",
        choices=("word", "file"),
        default="word",
        help="hold the SortedDict's lock for one word (default), or for all words of a file",
    )
    parser.add_argument(
        "--png",
        metavar="FILE",
        type=Path,
        help="where to draw the chart (default: in the directory for temporary files)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"a few seconds: {QUICK_LIMIT} files, 1 and 2 threads, one run each",
    )
    return parser


def run(options: argparse.Namespace) -> None:
    """Do what the command line says, or raise `DemoError`."""
    root: Path = options.path or Path(sysconfig.get_path("stdlib"))
    if not root.exists():
        raise DemoError(f"{root} does not exist.")
    if not root.is_dir():
        raise DemoError(f"{root} is not a directory.")
    png: Path = options.png or Path(tempfile.gettempdir()) / "concurrent_collections_demo.png"
    if not png.absolute().parent.is_dir():
        raise DemoError(f"There is no directory {png.absolute().parent} to draw the chart in.")
    quick: bool = options.quick
    thread_counts = options.threads or ([1, 2] if quick else [1, 2, 4, 8])
    limit = options.limit or (QUICK_LIMIT if quick else DEFAULT_LIMIT)
    repeat = options.repeat or (1 if quick else 3)
    locked = LockedForFilesIndex if options.lock_for == "file" else LockedIndex
    new_sorted_dict()  # is it there at all?
    try:
        from .measuring import measure
        from .showing import Progress, show, stdout
    except ImportError as error:
        raise DemoError(f"{error.name} is not installed for {sys.executable}.") from None

    with Progress(sys.stderr) as progress:
        sources = read_sources(root, limit, progress)
        results = measure(sources, (LockFreeIndex, locked), thread_counts, repeat, progress)
    show(results, stdout())
    try:
        from .chart import draw_png

        draw_png(results, png)
    except ImportError:
        print("matplotlib is not installed, so there is no chart as a PNG.")
    except OSError as error:
        raise DemoError(f"The chart cannot be written to {png}: {error.strerror}.") from None
    else:
        print(f"The chart is in {png}")


def main(command_line: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    options = arguments().parse_args(command_line)
    try:
        run(options)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("demo: interrupted.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
