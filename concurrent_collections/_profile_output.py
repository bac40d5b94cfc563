"""How a profile is shown: tables, by rich if it is installed, and pictures, by matplotlib."""

import functools
import io

__all__ = ["draw", "print_tables"]


def print_tables(views, seconds, file):
    """A table for each view."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        print_plainly(views, seconds, file)
        return
    console = Console(file=file)
    for name, view in views.items():
        table = Table(title=f"{name} ({seconds:.3f} s)", title_justify="left")
        for column in ("subject", "figure", "value"):
            table.add_column(column, overflow="fold")
        for row in rows_of(view):
            table.add_row(*map(Text, row))  # as it is: "[...]" in a str would be a style
        console.print(table)


def as_text(value):
    if isinstance(value, float):
        return f"{value:,.6g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {as_text(of)}" for name, of in value.items()) or "-"
    if isinstance(value, list):
        return "; ".join(as_text(of) for of in value) or "-"
    return "-" if value is None else str(value)


def rows_of(view):
    for subject, figures in view.items():
        for i, (name, value) in enumerate(figures.items()):
            yield ("" if i else subject, name.replace("_", " "), as_text(value))


def print_plainly(views, seconds, file):
    for name, view in views.items():
        rows = list(rows_of(view))
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        print(f"{name} ({seconds:.3f} s)", file=file)
        for subject, figure, value in rows:
            print(f"  {subject:<{widths[0]}}  {figure:<{widths[1]}}  {value}", file=file)
        print(file=file)


def column(timeline, name):
    at = timeline["names"].index(name)
    return [row[at] for row in timeline["rows"]]


def draw(views, timelines):
    """A matplotlib Figure with a panel for each view that has something to draw."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "plot() needs matplotlib, which is not installed: python -m pip install matplotlib",
            name="matplotlib",
        ) from error
    panels = [draw_limbo]
    panels += [panel for view, panel in PANELS.items() if view in views]
    figure = Figure(figsize=(7, 2.8 * len(panels)), layout="constrained")
    for panel, axes in zip(panels, figure.subplots(len(panels), squeeze=False)[:, 0], strict=True):
        panel(axes, views, timelines)
    figure._repr_png_ = functools.partial(png_of, figure)  # so notebooks show it, without pyplot
    return figure


def png_of(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def draw_limbo(axes, views, timelines):
    for subject, of in timelines.items():
        if "waiting" in of["names"]:
            axes.plot(column(of, "seconds"), column(of, "waiting"), label=subject)
    axes.set(title="Limbo: removed things that wait", xlabel="seconds", ylabel="things")
    axes.legend(fontsize="small")


def draw_blocks(axes, views, timelines):
    of = views["memory"]["process"]
    sizes = list(of["blocks_in_use_by_bytes"])
    used = list(of["blocks_in_use_by_bytes"].values())
    axes.bar(sizes, used, label="in use")
    axes.bar(sizes, list(of["blocks_free_by_bytes"].values()), bottom=used, label="free")
    axes.set(title="Memory of entries", xlabel="bytes of a block", ylabel="blocks")
    axes.legend(fontsize="small")


def draw_comparisons(axes, views, timelines):
    for subject, of in views["comparator"].items():
        by_type = of.get("nanoseconds_by_type", {})
        axes.barh(
            [f"{subject}: {kinds}" for kinds in by_type],
            [one["median"] for one in by_type.values()],
        )
    axes.set(title="A comparison, called from Python (median)", xlabel="nanoseconds")


def draw_levels(axes, views, timelines):
    for subject, of in views["skiplist"].items():
        if of.get("levels"):
            axes.plot(range(len(of["levels"])), of["levels"], marker="o", label=subject)
            axes.legend(fontsize="small")
    axes.set_yscale("symlog")
    axes.set(title="Skip list", xlabel="level", ylabel="nodes linked")


def draw_lengths(view, title):
    def panel(axes, views, timelines):
        for subject in views[view]:
            of = timelines[subject]
            axes.plot(column(of, "seconds"), column(of, "length"), label=subject)
        axes.set(title=title, xlabel="seconds", ylabel="items")
        axes.legend(fontsize="small")

    return panel


PANELS = {
    "memory": draw_blocks,
    "comparator": draw_comparisons,
    "skiplist": draw_levels,
    "queue": draw_lengths("queue", "Queues: length"),
    "stack": draw_lengths("stack", "Stacks: length"),
}
