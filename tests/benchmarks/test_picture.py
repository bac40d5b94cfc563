"""What benchmarks/picture.py draws: with figures that are made up."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import harness
import pytest

picture = pytest.importorskip("picture")
SVG = "{http://www.w3.org/2000/svg}"
ENVIRONMENT = {
    "python": "3.99t",
    "gil": False,
    "cpu": "A <quick> one",
    "cpus": 4,
    "build": {"compiler": "cc 1", "arch": "x86_64"},
}


def rounds(*rates):
    """Results with these rates, in millions a second."""
    return [harness.Result(ops=rate * 1e6, wall=1.0, cpu=1.0, others=0.02) for rate in rates]


def panels():
    of_maps = [
        (1, {"ours": rounds(2, 4, 3), "theirs": rounds(1, 1, 1)}),
        (8, {"ours": rounds(6, 6, 6), "theirs": rounds(3, 3, 3)}),
    ]
    of_queues = [(1, {"ours": rounds(5, 5, 5), "theirs": rounds(5, 5, 5)})]
    return [("a map", "M/s", of_maps), ("a queue", "M/s", of_queues)]


def drawn():
    return ET.fromstring(picture.picture(panels(), ENVIRONMENT))


def test_heights_are_the_medians():
    bars = [each for each in drawn().iter(SVG + "rect") if each.get("width") == str(picture.BAR)]
    heights = [float(bar.get("height")) for bar in bars]
    assert len(heights) == 6
    assert [height / heights[1] for height in heights[:4]] == pytest.approx([3, 1, 6, 3], rel=0.01)
    assert heights[4] == heights[5]


def test_machine_and_interpreter_stand_on_it():
    said = " ".join(each.text for each in drawn().iter(SVG + "text"))
    for word in (
        "3.99t",
        "GIL off",
        "4 x A <quick> one",
        "medians of 3 rounds",
        "took 2 %",
        "8 threads",
        "1 thread",
    ):
        assert word in said


def test_it_measures_and_draws(tmp_path):
    program = Path(picture.__file__)
    command = [sys.executable, program, tmp_path / "x.svg", "--quick", "--threads", "1,2"]
    printed = subprocess.run(
        list(map(str, command)), check=True, capture_output=True, text=True, cwd=tmp_path
    ).stdout
    assert re.search(r"SkipListMap +\| SortedDict \+ Lock", printed)
    ET.parse(tmp_path / "x.svg")
