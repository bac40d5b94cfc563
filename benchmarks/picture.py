"""The picture of the README: one shared map and one shared queue, beside what people use today, as an SVG.

    python benchmarks/picture.py docs/throughput.svg [--threads 1,2,8] [--keys 100000] [--repeats 5]
                                 [--seconds 0.4] [--patience 0] [--quick] [--json FILE]

The figures are those of maps.py (80/10/10 get/set/pop, uniform) and queues.py (pairs), measured by them, in turns. Under the
bars stand the interpreter, the machine, and what other processes took of it: draw it on a quiet one.
"""

import argparse
import gc
import sys
from html import escape

import harness
import maps
import queues

import concurrent_collections

OURS, THEIRS = "#2563c9", "#9aa5b4"
WIDTH, HEIGHT, TOP, BOTTOM = 800, 330, 70, 250  # the bars stand between TOP and BOTTOM
BAR, GAP = 44, 26


def measured(options):
    """[(title, unit, [(threads, {name: [Result, ...]}), ...]), ...]; of each pair of names, ours is the first."""
    ours, theirs = maps.OURS, maps.SORTED
    maps.CONTESTANTS[:] = [ours, theirs]
    of_maps = [(n, maps.measure("int", options.keys, n, "mixed", options)) for n in options.threads]
    players = [c for c in queues.CONTESTANTS if c.name in ("LockFreeQueue", "queue.Queue")]
    players.sort(key=lambda c: c.name != "LockFreeQueue")
    of_queues = [
        (n, queues.measure_together(queues.pairs, n, players, options)) for n in options.threads
    ]
    of_keys = f"80 % get, 10 % set, 10 % pop; {options.keys:,} keys; M operations/s"
    return [
        ("One map, shared by all threads", of_keys, of_maps),
        ("One queue, shared by all threads", "each puts and gets; M items/s", of_queues),
    ]


def text(x, y, what, size=13, anchor="middle", weight="normal", colour="#1f2328"):
    style = f'font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x:.0f}" y="{y:.0f}" {style}>{escape(what)}</text>'


def bars(left, title, unit, rows):
    """One half of the picture."""
    spreads = [
        (threads, name, harness.spread([result.rate for result in results]))
        for threads, found in rows
        for name, results in found.items()
    ]
    names = list(dict.fromkeys(name for _, name, _ in spreads))
    highest = max(high for _, _, (_, _, high) in spreads)
    parts = [text(left, 24, title, 14, "start", "bold"), text(left, 42, unit, 12, "start")]
    for i, name in enumerate(names):
        x = left + 175 * i
        parts.append(f'<rect x="{x}" y="50" width="11" height="11" fill="{(OURS, THEIRS)[i]}"/>')
        parts.append(text(x + 17, 60, name, 12, "start"))
    x = left
    for number, (threads, name, (middle, low, high)) in enumerate(spreads):
        which = names.index(name)

        def y(rate):
            return BOTTOM - (BOTTOM - TOP - 18) * rate / highest

        parts.append(
            f'<rect x="{x}" y="{y(middle):.1f}" width="{BAR}" height="{BOTTOM - y(middle):.1f}"'
            f' fill="{(OURS, THEIRS)[which]}"/>'
        )
        centre = x + BAR / 2
        parts.append(
            f'<path d="M{centre} {y(low):.1f}V{y(high):.1f}" stroke="#1f2328" stroke-width="1"/>'
        )
        parts.append(text(centre, y(high) - 4, harness.figures(middle), 12))
        if which == 0:
            label = f"{threads} thread{'s' if threads > 1 else ''}"
            parts.append(text(x + BAR + 2, BOTTOM + 18, label, 12))
        x += BAR + 4 if number % len(names) < len(names) - 1 else BAR + GAP
    return parts


def picture(panels, environment):
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" role="img">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#ffffff"/>',
    ]
    for i, panel in enumerate(panels):
        parts += bars(20 + i * WIDTH // 2, *panel)
    others = [
        result["others"]
        for _, _, rows in panels
        for _, found in rows
        for results in found.values()
        for result in results
    ]
    gil = "on" if environment["gil"] else "off"
    build = environment["build"]
    machine = f"{environment['cpus']} x {environment['cpu'] or build['arch']}"
    first = f"CPython {environment['python']}, GIL {gil}; {machine}; {build['compiler']}"
    rounds = len(next(iter(panels[0][2][0][1].values())))
    second = (
        f"medians of {rounds} rounds in turns, lines from the slowest to the fastest; other processes took"
        f" {100 * harness.spread(others)[0]:.0f} % of the CPUs"
    )
    parts += [text(20, 292, first, 12, "start"), text(20, 310, second, 12, "start"), "</svg>"]
    return "\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("svg")
    parser.add_argument("--threads", default="1,2,8")
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4)
    parser.add_argument("--patience", type=float, default=0)
    parser.add_argument("--quick", action="store_true", help="only to see that it works")
    parser.add_argument("--json", help="write every single measurement there")
    options = parser.parse_args()
    options.threads = [int(n) for n in options.threads.split(",")]
    if options.quick:
        options.keys, options.repeats, options.seconds = 1000, 2, 0.02
    environment = harness.environment(concurrent_collections)
    harness.print_environment(environment)
    panels = measured(options)
    for title, unit, rows in panels:
        print(f"\n## {title} ({unit})\n")
        lines = [
            [
                threads,
                *(
                    harness.with_spread(harness.spread([r.rate for r in results]))
                    for results in found.values()
                ),
            ]
            for threads, found in rows
        ]
        print(harness.table(["threads", *rows[0][1]], lines))
    with open(options.svg, "w") as file:
        file.write(picture(panels, environment))
    harness.save(options.json, environment=environment, panels=panels)
    print(f"\nwritten: {options.svg}", file=sys.stderr)


if __name__ == "__main__":
    gc.freeze()
    main()
