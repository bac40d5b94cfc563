"""Both charts as a PNG, drawn by matplotlib, which is imported when everything is measured: it may turn the GIL on."""

from __future__ import annotations

from pathlib import Path

from .measuring import Results
from .showing import circumstances

PANELS = (
    ("building", "Building the index (words in memory)", "million additions per second"),
    ("whole_job", "The whole job (read, find words, index)", "MB of text per second"),
)
COLOURS = ("#1f77b4", "#b8b8b8")


def draw_png(results: Results, path: Path) -> None:
    """Draw the file, or raise matplotlib's ImportError."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.2), dpi=130, layout="constrained")
    figure.suptitle("One ordered index, many threads", fontsize=15, fontweight="bold")
    for axes, (what, title, unit) in zip(figure.subplots(1, 2), PANELS, strict=True):
        highest = [0.0] * len(results.threads)
        for name, colour, shift in zip(results.names, COLOURS, (-0.2, 0.2), strict=True):
            rates = [results.rates(what, threads, name) for threads in results.threads]
            axes.bar(
                [position + shift for position in range(len(rates))],
                [median for median, _, _ in rates],
                width=0.38,
                color=colour,
                label=name,
                yerr=[
                    [median - slowest for median, slowest, _ in rates],
                    [fastest - median for median, _, fastest in rates],
                ],
                error_kw={"elinewidth": 1, "capsize": 3, "ecolor": "#444444"},
            )
            highest = [max(top, rate[2]) for top, rate in zip(highest, rates, strict=True)]
        for position, threads in enumerate(results.threads):
            axes.annotate(
                f"{results.ratios(what, threads)[0]:.1f}x",
                (position, highest[position]),
                xytext=(0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=11,
                fontweight="bold",
            )
        axes.set_title(title, fontsize=12)
        axes.set_xlabel("threads")
        axes.set_ylabel(unit)
        axes.set_xticks(range(len(results.threads)), [str(count) for count in results.threads])
        axes.set_ylim(0, max(highest) * 1.3)  # room for the legend
        axes.legend(loc="upper center", ncols=2, frameon=False, fontsize=11)
        axes.grid(axis="y", alpha=0.3)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(
        f"{circumstances()}  ·  {len(results.sources.files):,} files, "
        f"{results.sources.additions:,} additions, {results.words:,} words\n"
        "bars: medians; lines: slowest and fastest run; bold: median of the rounds' ratios"
        + ("\nother programs were using the machine meanwhile" if results.disturbance() else ""),
        fontsize=9,
        color="#555555",
    )
    figure.savefig(path)
