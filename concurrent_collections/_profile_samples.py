"""What a profile keeps of its samples: numbers over time, and the stalls that they show."""

__all__ = ["MOST_STALLS", "Series", "Stalls"]

MOST_STALLS = 100  # that are described; all are counted


class Series:
    """Rows of numbers over time, in bounded memory: when there are too many every second one goes, here and from then on.

    One thread adds; any may read. What peaks and means are made of counts every row, those that have gone included.
    """

    def __init__(self, names, most):
        self.names = names
        self.rows = []  # replaced as a whole, never shortened in place
        self.count = 0
        self.peaks = dict.fromkeys(names, 0)
        self.sums = dict.fromkeys(names, 0)
        self.last = dict.fromkeys(names, 0)
        self._last_row = ()
        self._most = most
        self._every = 1

    def add(self, seconds, row):
        """Add a row, {name: number}, of that time."""
        self.last = row
        for name, value in row.items():
            self.peaks[name] = max(self.peaks[name], value)
            self.sums[name] += value
        self._last_row = (round(seconds, 6), *(row[name] for name in self.names))
        if self.count % self._every == 0:
            self.rows.append(self._last_row)
            if len(self.rows) >= self._most:
                self.rows = self.rows[::2]
                self._every *= 2
        self.count += 1

    def mean(self, name):
        """Return the mean of one number over all rows; 0 if there is none."""
        return self.sums[name] / self.count if self.count else 0.0

    def table(self):
        """The rows that are kept, and the last one in any case."""
        rows, last = list(self.rows), self._last_row  # in this order: the last one is no older
        if last and rows[-1:] != [last]:
            rows.append(last)
        return {"names": ["seconds", *self.names], "rows": [list(row) for row in rows]}


class Stalls:
    """Regions that have been open for at least two samples.

    A region that has been overtaken by its clock has begun before an era that others see, and no region that begins later
    can have the same beginning. So the same thread with the same beginning, both times overtaken, is the same region.
    """

    def __init__(self):
        self.count = 0
        self.longest = 0.0
        self.described = []  # replaced as a whole
        self._thread = self._began = None
        self._since = 0.0
        self._is_counted = False

    def see(self, seconds, era, oldest):
        """Note the oldest open region of a sample, or None, and the clock's era then."""
        if oldest is None or oldest.age == 0:
            self._thread = None
            return
        began = era - oldest.age
        if (oldest.thread_id, began) != (self._thread, self._began):
            self._thread, self._began, self._since = oldest.thread_id, began, seconds
            self._is_counted = False
            return
        lasts = seconds - self._since
        self.longest = max(self.longest, lasts)
        before = self.described[:-1] if self._is_counted else self.described
        self.count += not self._is_counted
        self._is_counted = True
        stall = {
            "thread_id": self._thread,
            "from": round(self._since, 6),
            "seconds": round(lasts, 6),
        }
        self.described = [*before, stall][-MOST_STALLS:]
