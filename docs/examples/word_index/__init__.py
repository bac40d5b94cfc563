"""An example: threads build one ordered index of the files below a directory.

    tools/demo [PATH] [--threads 1,2,4,8] [--png FILE] ...

Every thread takes a file, reads it, finds its words (identifiers) and adds them to **one** index
that all threads share, from a word to the places where it occurs. The index is ordered, so when
it stands it answers what a ``dict`` cannot: which words lie between two others, which begin with
a prefix, which is nearest to one that does not occur.

The same program runs twice: on a lock-free `SkipListMap`, and on what people use today, a
``sortedcontainers.SortedDict`` with a ``threading.Lock``.

    index.py        the index on either map: start here
    questions.py    what an ordered index can be asked
    words.py        find files, read them, find words
    measuring.py    both programs in turns, compared after every round
    showing.py      progress, tables and bars in the terminal (rich)
    chart.py        the same as a PNG (matplotlib)
    __main__.py     the command
"""
