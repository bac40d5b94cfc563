"""What the notebooks share: how long they measure, on what, and how their pictures are drawn.

The measuring itself is that of benchmarks/: one thread team, contestants in turns (`harness`), and the workloads of
`maps` and `queues`. CC_NOTEBOOK_PERCENT, 100 by default, shortens every measurement: `tools/notebooks` sets it.
"""

import base64
import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import comparators  # noqa: E402
import harness  # noqa: E402
import maps  # noqa: E402
import queues  # noqa: E402

import concurrent_collections  # noqa: E402

__all__ = ["comparators", "harness", "maps", "queues"]

PERCENT = int(os.environ.get("CC_NOTEBOOK_PERCENT", "100"))
THREADS = (1, 2, 4)


def share(most, least=1):
    """A number of seconds, entries or rounds, less of it where notebooks are to be short."""
    return max(least, type(most)(most * PERCENT / 100))


def options(repeats=3):
    """How long each contestant is measured, as the programs of benchmarks/ take it."""
    seconds = share(0.2, 0.02)
    return SimpleNamespace(repeats=repeats, seconds=seconds, patience=0.0, quick=PERCENT < 100)


def say_where():
    """Print what has to stand beside every figure, and what it means for threads."""
    of = harness.environment(concurrent_collections)
    harness.print_environment(of)
    if of["gil"]:
        print(
            "With the GIL threads take turns: more of them do not get more done, in any container."
        )
    else:
        print(f"Free-threaded: up to {of['cpus']} threads run at the same time here.")


def median_rates(found):
    """{name: results} as measured, to {name: (median, least, most)} in million operations a second."""
    return {
        name: harness.spread([result.rate for result in results]) for name, results in found.items()
    }


def contest(contestants, threads=1, repeats=3):
    """Measure (name, what makes it, what a thread does with it, chunks of work) in turns: as `harness.contest` has it."""
    in_turns = [(name, None, make, use, chunks) for name, make, use, chunks in contestants]
    return harness.measure_contestants(in_turns, threads, options(repeats), lambda made: None)


def measure_maps(contestants, workload, threads=THREADS, keys=10_000):
    """A workload of benchmarks/maps.py: {threads: {name: results}}."""
    everybody = maps.CONTESTANTS[:]
    maps.CONTESTANTS[:] = contestants
    try:
        return {n: maps.measure("int", keys, n, workload, options()) for n in threads}
    finally:
        maps.CONTESTANTS[:] = everybody


def print_table(header, rows):
    def text(value):
        return harness.figures(value) if isinstance(value, float) else value

    print(harness.table(header, [[text(value) for value in row] for row in rows]))


# ---- pictures -------------------------------------------------------------------------------------


class Picture:
    """A figure as Jupyter shows it, whatever its settings are, and the sentence for those who cannot see it."""

    def __init__(self, figure, sentence):
        self.figure, self.sentence = figure, sentence

    def _repr_mimebundle_(self, include=None, exclude=None):
        file = io.BytesIO()
        self.figure.savefig(file, format="png", dpi=120)
        png = base64.b64encode(file.getvalue()).decode("ascii")
        return {"image/png": png, "text/plain": self.sentence}


def axes_of(*titles, height=3.2):
    """A figure with a panel for each title, side by side."""
    figure = Figure(figsize=(4.2 * max(len(titles), 1.6), height), layout="constrained")
    panels = list(figure.subplots(1, len(titles), squeeze=False)[0])
    for axes, title in zip(panels, titles, strict=True):
        axes.set_title(title, fontsize="medium")
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels


def draw_bars(axes, values, unit):
    """Bars that lie, with names beside them: {name: number, or (median, least, most)}."""
    for name, value in values.items():
        middle, low, high = value if isinstance(value, tuple) else (value, value, value)
        bar = axes.barh([name], [middle], xerr=[[middle - low], [high - middle]], ecolor="#1f2328")
        axes.bar_label(bar, [harness.figures(middle)], padding=3, fontsize="small")
    axes.margins(x=0.15)
    axes.invert_yaxis()
    axes.set_xlabel(unit)


def draw_lines(axes, lines, x, y, *, log=False):
    """{name: (xs, ys)}; a y may be (median, least, most)."""
    for name, (xs, ys) in lines.items():
        triples = [v if isinstance(v, tuple) else (v, v, v) for v in ys]
        middles = [middle for middle, _, _ in triples]
        (line,) = axes.plot(xs, middles, marker="o", markersize=3, label=name)
        lows, highs = [low for _, low, _ in triples], [high for _, _, high in triples]
        axes.fill_between(xs, lows, highs, color=line.get_color(), alpha=0.15)
    axes.set(xlabel=x, ylabel=y)
    if log:
        axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")


def draw_scaling(axes, by_threads, unit="M operations/s"):
    """{threads: {name: results}}: a line for each contestant."""
    rates = {threads: median_rates(found) for threads, found in by_threads.items()}
    names = next(iter(rates.values()))
    lines = {name: (list(rates), [of[name] for of in rates.values()]) for name in names}
    draw_lines(axes, lines, "threads", unit)
    axes.set_xticks(list(rates))


def draw_timeline(axes, profile, subject, name, unit, *, scale=1, label=None):
    """The samples of a profile: one figure of one subject over time."""
    of = profile.timelines[subject]
    at = of["names"].index(name)
    values = [row[at] / scale for row in of["rows"]]
    axes.plot([row[0] for row in of["rows"]], values, linewidth=1, label=label)
    axes.set(xlabel="seconds", ylabel=unit)
    axes.set_ylim(0, max(1.0, axes.get_ylim()[1], 1.05 * max(values)))
