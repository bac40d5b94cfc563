"""A map between whose steps, and within whose functions of values, a test can let others come in."""

from __future__ import annotations

from concurrent_collections import SkipListMap


class Steps:
    """Calls `rival` once, at the step with a number; `taken` says whether there was such a step.

    `before_effects`: a rival that raises may do so only where an operation has not had its effect yet, as in the map itself.
    """

    def __init__(self, number, rival, before_effects=False):
        self.before_effects = before_effects
        self.number = number
        self.rival = rival
        self.count = 0
        self.is_inside = False

    @property
    def taken(self):
        return self.count > self.number

    def __call__(self, is_done=False):
        if self.is_inside or (is_done and self.before_effects):
            return
        self.count += 1
        if self.count - 1 == self.number:
            self.is_inside = True
            try:
                self.rival()
            finally:
                self.is_inside = False


class SteppedMap(SkipListMap):
    """Calls `step()` before and after each operation, and when a function of values is done, before its result counts."""

    step = staticmethod(lambda is_done=False: None)


def _stepped(name):
    operation = getattr(SkipListMap, name)

    def method(self, *arguments, **options):
        self.step()
        arguments = tuple(map(self._with_step, arguments))
        result = operation(self, *arguments, **options)
        self.step(is_done=True)
        return result

    return method


def _with_step(self, argument):
    if not callable(argument):
        return argument

    def function(*values):
        result = argument(*values)
        self.step()
        return result

    return function


SteppedMap._with_step = _with_step
for _name in (
    *("compute", "compute_if_present", "first_item", "get", "put", "pop", "delete"),
    *("__setitem__", "__getitem__", "__contains__"),
):
    setattr(SteppedMap, _name, _stepped(_name))
