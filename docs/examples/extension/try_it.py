"""Four threads count numbers; all of it without the interpreter."""

import array
import sys
import threading

from totals import Totals

totals = Totals()
numbers = array.array("q", [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5] * 1000)
threads = [threading.Thread(target=totals.add, args=(numbers,)) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(totals.between(3, 6))
if not getattr(sys, "_is_gil_enabled", lambda: True)():
    print("and the GIL is still off")
