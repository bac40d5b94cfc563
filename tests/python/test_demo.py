"""The demonstration, on small trees: what it reads, what it builds, what it prints."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "docs/examples"
pytest.importorskip("sortedcontainers")
pytest.importorskip("rich")
sys.path.append(str(EXAMPLES))

from word_index import __main__ as command  # noqa: E402
from word_index import index as indexes  # noqa: E402
from word_index import measuring, showing, words  # noqa: E402

INDEXES = [indexes.LockFreeIndex, indexes.LockedIndex, indexes.LockedForFilesIndex]


@pytest.fixture
def tree(tmp_path):
    """A few files of text, and some that are none."""
    root = tmp_path / "tree"
    (root / "package").mkdir(parents=True)
    (root / "__pycache__").mkdir()
    (root / ".hidden").mkdir()
    (root / "one.py").write_text("async def thread():\n    await thread_pool\n")
    (root / "package" / "two.py").write_text("class Thread: pass\nthread = thread_local\n")
    (root / "empty.txt").write_text("")
    (root / "picture.bin").write_bytes(b"word\0word")
    (root / "latin.txt").write_bytes(b"caf\xe9")
    (root / "__pycache__" / "one.pyc").write_text("left_out")
    (root / ".hidden" / "secret.txt").write_text("left_out")
    return root


class Silence(io.StringIO):
    """A stream that is no terminal."""


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self):
        return True


def sources_below(root, limit=None):
    with showing.Progress(Silence()) as progress:
        return words.read_sources(root, limit, progress)


# ---- reading -----------------------------------------------------------------------------


def test_words_are_identifiers_with_their_lines():
    text = "a = b1 + 2c\n\nété a_b a a"
    assert words.lines_of_words(text) == {"a": (1, 3), "b1": (1,), "été": (3,), "a_b": (3,)}


def test_finds_files_in_order_and_leaves_caches_and_hidden_directories_out(tree):
    assert words.find_files(tree).paths == sorted(
        ["one.py", os.path.join("package", "two.py"), "empty.txt", "picture.bin", "latin.txt"]
    )


def test_a_limit_takes_files_from_all_over_the_tree(tmp_path):
    for number in range(100):
        (tmp_path / f"{number:02}").write_text("word")
    assert words.find_files(tmp_path, 4).paths == ["00", "25", "50", "75"]
    assert len(words.find_files(tmp_path, 1000).paths) == 100


def test_files_that_are_no_text_are_skipped_and_counted(tree):
    (tree / "dangling").symlink_to("nowhere")
    sources = sources_below(tree)
    assert sources.skipped == {"binary": 1, "not UTF-8": 1, "not a regular file": 1}
    assert [file.path for file in sources.files if file.words] == [
        "one.py",
        os.path.join("package", "two.py"),
    ]


def test_an_unreadable_file_is_skipped(tmp_path):
    with pytest.raises(words.SkippedFile, match="unreadable"):
        words.text_of(tmp_path / "absent")


def test_an_enormous_file_is_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(words, "LARGEST_FILE", 10)
    (tmp_path / "large").write_text("word " * 3)
    with pytest.raises(words.SkippedFile, match="larger than"):
        words.text_of(tmp_path / "large")


def test_shares_hold_every_file_once_and_are_balanced(tmp_path):
    for number in range(20):
        (tmp_path / str(number)).write_text(" ".join(f"w{word}" for word in range(number + 1)))
    sources = sources_below(tmp_path)
    shares = sources.in_shares(3)
    assert sorted(file.number for share in shares for file in share) == list(range(20))
    loads = [sum(file.words for file in share) for share in shares]
    assert max(loads) - min(loads) <= 20


# ---- the index ---------------------------------------------------------------------------


@pytest.mark.parametrize("index_type", INDEXES)
def test_threads_that_add_the_same_words_lose_no_place(index_type):
    index = index_type()
    files = deque(range(200))

    def work(_):
        add_file = index.writer()
        while True:
            try:
                number = files.popleft()
            except IndexError:
                return
            add_file(words.FileWords(number, {f"word{word}": (number, word) for word in range(20)}))

    with measuring.harness.Team(8) as team:
        team.each(work)
    assert len(index) == 20
    assert [word for word, _ in index.items()] == sorted(f"word{word}" for word in range(20))
    for word in range(20):
        assert indexes.sorted_places(index.places_of(f"word{word}")) == [
            (number, (number, word)) for number in range(200)
        ]


@pytest.mark.parametrize("index_type", INDEXES)
def test_range_and_neighbour_questions(index_type):
    index = index_type()
    index.writer()(words.FileWords(0, {word: (1,) for word in ["a", "b", "ba", "b\u00e9", "c"]}))
    assert [word for word, _ in index.items_between("b", "c")] == ["b", "ba", "b\u00e9", "c"]
    assert [word for word, _ in index.items_between("b", "b\U0010ffff")] == ["b", "ba", "b\u00e9"]
    assert (index.floor("bb"), index.ceiling("bb")) == ("ba", "b\u00e9")
    assert (index.floor("b"), index.ceiling("b")) == ("b", "b")
    assert (index.floor("A"), index.ceiling("d")) == (None, None)
    assert index.places_of("absent") is None


@pytest.mark.parametrize(
    "other",
    [
        {"a": (1,)},
        {"a": (1,), "b": (2,), "c": (3,)},
        {"a": (1,), "c": (2,)},
        {"a": (1,), "b": (1, 2)},
    ],
)
def test_a_difference_between_the_indexes_is_an_error(other):
    one, two = indexes.LockFreeIndex(), indexes.LockedIndex()
    one.writer()(words.FileWords(0, {"a": (1,), "b": (2,)}))
    two.writer()(words.FileWords(0, other))
    with pytest.raises(words.DemoError, match="differ"):
        indexes.require_equal(one, two)


def test_the_order_in_which_files_were_added_makes_no_difference():
    one, two = indexes.LockFreeIndex(), indexes.LockedIndex()
    for number in range(5):
        one.writer()(words.FileWords(number, {"a": (number,)}))
        two.writer()(words.FileWords(4 - number, {"a": (4 - number,)}))
    indexes.require_equal(one, two)


def test_a_file_that_becomes_unreadable_meanwhile_is_a_sentence(tree):
    sources = sources_below(tree)
    (tree / "one.py").unlink()
    with measuring.harness.Team(2) as team:
        with pytest.raises(words.DemoError, match="unreadable meanwhile"):
            measuring.do_the_whole_job(team, sources, indexes.LockFreeIndex())


# ---- the command -------------------------------------------------------------------------


def test_the_whole_command(tree, tmp_path, capsys):
    png = tmp_path / "chart.png"
    threads_before = threading.active_count()
    code = command.main([str(tree), "--threads", "1,3", "--repeat", "2", "--png", str(png)])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert "3 files" in captured.out
    assert "1 binary, 1 not UTF-8" in captured.out
    assert "async, await" in captured.out
    assert "in all 12 comparisons" in captured.out
    assert "GIL " in captured.out
    assert captured.err.splitlines() == [
        "Reading 5 files ...",
        "Measuring with 1 thread ...",
        "Measuring with 3 threads ...",
    ]
    assert threading.active_count() == threads_before
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        assert "matplotlib is not installed" in captured.out
    else:
        assert png.read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_there_is_a_sentence(tree, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert command.main([str(tree), "--quick", "--png", str(tmp_path / "chart.png")]) == 0
    assert "matplotlib is not installed" in capsys.readouterr().out


@pytest.mark.parametrize("lock_for", ["word", "file"])
def test_both_ways_to_lock(tree, tmp_path, capsys, lock_for):
    options = ["--quick", "--lock-for", lock_for, "--png", str(tmp_path / "chart.png")]
    assert command.main([str(tree), *options]) == 0
    assert ("SortedDict + Lock per file" in capsys.readouterr().out) == (lock_for == "file")


def test_errors_are_one_sentence(tree, tmp_path, capsys, monkeypatch):
    def error_of(*command_line):
        assert command.main(list(map(str, command_line))) == 2
        lines = capsys.readouterr().err.splitlines()
        return lines[-1]

    assert error_of(tmp_path / "absent").endswith("absent does not exist.")
    assert error_of(tree / "one.py").endswith("is not a directory.")
    (tmp_path / "empty").mkdir()
    assert "no text file with a word" in error_of(tmp_path / "empty")
    assert "There is no directory" in error_of(tree, "--png", tmp_path / "absent" / "chart.png")
    monkeypatch.setitem(sys.modules, "word_index.showing", None)
    assert "is not installed for" in error_of(tree)
    monkeypatch.setitem(sys.modules, "sortedcontainers", None)
    assert "sortedcontainers" in error_of(tree)


@pytest.mark.parametrize(
    "wrong", [["--threads", "0"], ["--threads", "1,x"], ["--limit", "0"], ["--repeat", "-1"]]
)
def test_wrong_options_are_refused(wrong, capsys):
    with pytest.raises(SystemExit):
        command.main(wrong)
    assert "invalid" in capsys.readouterr().err


def test_the_progress_bar_on_a_terminal():
    terminal = Terminal()
    with showing.Progress(terminal) as progress:
        progress.begin("Working", 2)
        progress.advance()
        progress.advance()
    text = terminal.getvalue()
    assert "Working" in text
    assert "2/2" in text


def test_words_that_the_terminal_cannot_write_do_not_end_the_demo(tree, tmp_path):
    (tree / "greek.txt").write_text("avός", encoding="utf-8")
    command = [sys.executable, "-P", "-m", "word_index", str(tree), "--quick"]
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(EXAMPLES)]))
    result = subprocess.run(
        [*command, "--png", str(tmp_path / "chart.png")],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": path},
        capture_output=True,
        timeout=200,
    )
    assert result.returncode == 0, result.stderr
    assert b"async, av\\u03cc\\u03c2, await" in result.stdout
    assert b"----" in result.stdout
