# Tasks of event loops that wait for a container: the way from a notifying thread into a loop.
#
# What a task may rely on. A wait that raises, is cancelled, or whose loop is closed has taken
# nothing, and its notification goes to the next in line. A task that wakes without finding an item
# keeps its place in line. That holds for every container whose kind has find_waitable; what it is
# that the task wants, only the container knows.
#
# The awaitable. A task waits for a _TaskWait, which is three things at once: the awaitable that its
# coroutine awaits, the future that its loop waits for (the protocol of asyncio.isfuture), and its
# place in line. Between two steps of such a task no bytecode of ours is run. So the handler of a
# signal, which the interpreter runs between two bytecodes, cannot raise there: not with an item in
# hand, nor in the middle of telling a task.
#
# Telling. Whoever notifies a task may be any thread, and loops are not thread-safe: so the notified
# task goes into an inbox of the loop's port, and one call_soon_threadsafe for all that come until
# the loop gets to it runs the inbox's `drain` there. Only the public API of loops is used. All that
# runs in loops is Python code, in which handlers of signals may raise; `call_soon` insists all the
# same.
#
# Closed loops. Nothing but that call holds the inbox. When a loop is closed, or collected, its
# calls go, the inbox goes, and in going takes back from its tasks what they have been told, for the
# next in line. A loop that is stopped is told, and the next in line is notified as well.

import os
import threading
import weakref

cdef extern from "Python.h":
    PyObject *PyImport_GetModuleDict()
    ctypedef struct type_with_slots "PyTypeObject":
        PyObject *(*tp_iternext)(PyObject *) noexcept
    unsigned long PyThread_start_new_thread(void (*function)(void *) noexcept, void *argument)
    unsigned long PYTHREAD_INVALID_THREAD_ID

cdef object sleep
from time import sleep

cdef enum:
    BEGINS, WAITS, ENDED  # stages
    PENDING = 0, SET, CANCELLED  # what the loop sees

cdef enum:
    WORKED, WAITS_FOR_ITSELF, TAKES_TURNS  # what comes of a step


@cython.final
@cython.no_gc_clear  # the line of waiters belongs to `container`, which must outlive the node in it
cdef class _TaskWait:
    """Wait until what a task wants of a container has worked. For coroutines, which await it once."""
    # What changes, changes in the hands of the one who has raised `is_running`, or in the loop's
    # thread.
    cdef cc_waiter node
    cdef cc_waitable waitable
    cdef _Container container
    cdef object argument   # of the attempts
    cdef object loop
    cdef _LoopPort port
    cdef list callbacks    # None, or _TaskCall
    cdef object message    # of a cancellation
    cdef cc_atomic_u32 is_running
    cdef int stage, sign
    cdef double pause      # before it is told from elsewhere
    cdef bint is_in_line
    cdef public bint _asyncio_future_blocking

    def __cinit__(self, _Container container not None, int what, argument):
        cc_container_find_waitable(container, what, &self.waitable)
        if "sniffio" in <dict>PyImport_GetModuleDict():
            refuse_other_libraries()
        self.container = container
        self.argument = argument
        self.pause = 0.001
        cc_waiter_init(&self.node, CC_WAITER_FOREIGN, <void *><PyObject *>self)

    # ---- the awaitable ----

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):  # fills the slot that `step_of_task` takes over
        return None

    def send(self, value):
        return next(self)

    def throw(self, error, value=None, traceback=None):
        self.close()
        if isinstance(error, BaseException):
            value = error
        elif not isinstance(value, BaseException):  # as generators take it
            value = error() if value is None else error(value)
        raise value if traceback is None else value.with_traceback(traceback)

    def close(self):
        """Wait no more. A notification goes to the next in line."""
        self.begin_step()
        self.end()
        cc_store_release_u32(&self.is_running, 0)

    def __del__(self):
        self.leave()

    cdef int begin_step(self) except -1:
        if cc_exchange_acq_rel_u32(&self.is_running, 1):
            raise RuntimeError("another thread is awaiting this")
        return 0

    cdef int end(self) except -1:
        self.stage = ENDED
        self.leave()
        self.argument = None
        return 0

    cdef int step(self, end) except -1:
        # WORKED: `end` has the result.
        cdef int outcome
        self.begin_step()
        try:
            outcome = self.try_or_wait(end)
            if outcome == WORKED:
                self.stage = ENDED
                self.argument = None
            return outcome
        except BaseException:
            self.end()
            raise
        finally:
            cc_store_release_u32(&self.is_running, 0)

    cdef int try_or_wait(self, end) except -1:
        cdef int answer
        if self.stage == ENDED:
            raise RuntimeError("cannot await this twice")
        if self.stage == WAITS and self.sign == PENDING:
            raise RuntimeError("resumed before the wait has ended")
        if self.sign == CANCELLED:
            self.result()
        cdef bint hands_over = cc_place_hands_over(self.waitable.place)
        if hands_over and self.accept():
            end.value = True
            return WORKED
        answer = self.attempt(end)
        if answer != CC_NOT_NOW:
            self.accept()
            return self.after(answer)
        self.accept()  # it was looked at in vain: somebody else was faster
        if self.port is None:
            self.loop = RUNNING_LOOP()
            self.port = PORT_OF(self.loop)
        self.sign = PENDING
        self.stage = WAITS
        cc_let_tests_in("before the line")
        if self.enqueue():
            self.accept()
            end.value = True
            return WORKED
        cc_let_tests_in("in line")
        # Once more, now that nobody can bring it about without our hearing of it.
        if not hands_over:
            answer = self.attempt(end)
            if answer != CC_NOT_NOW:
                cc_let_tests_in("tried again")
                if not self.leave() or answer != CC_ANOTHER_TURN:
                    return self.after(answer)
                # The node is on its way through an inbox, and cannot go back into the line before
                # that has let it go: then the task is told.
        self._asyncio_future_blocking = True
        return WAITS_FOR_ITSELF

    cdef int after(self, int answer) except -1:
        # Of an attempt that was not in vain.
        if answer == CC_ANOTHER_TURN:
            self.stage = BEGINS
            return TAKES_TURNS
        return WORKED

    cdef int attempt(self, end) except -1:
        cdef PyObject *result = NULL
        cdef int answer = self.waitable.attempt(self.waitable.closure, <PyObject *>self.argument, &result)
        if result != NULL:
            end.value = <object>result
            Py_DECREF(<object>result)
        return answer

    # ---- the place in line ----

    cdef bint enqueue(self) except -1:
        # True: a credit has been handed over at once.
        self.is_in_line = True
        return cc_place_enqueue_task(self.waitable.place, &self.node)

    cdef bint accept(self) except -1:
        # The notification, if there is one (True), has been followed.
        if self.is_in_line:
            self.is_in_line = False
            return cc_place_leave_task(&self.node) == CC_NOTIFIED
        return False

    cdef bint leave(self) except -1:
        # A notification that was not accepted goes to the next one. True: somebody else has taken
        # the node out of the line.
        cdef cc_leaving met = CC_LEFT
        if self.is_in_line:
            self.is_in_line = False
            met = cc_place_leave_task(&self.node)
            if met == CC_NOTIFIED:
                cc_place_pass_on(self.waitable.place)
        return met != CC_LEFT

    cdef int take_back(self) except -1:
        # It may never follow its notification.
        if cc_waiter_take(&self.node):
            cc_place_pass_on(self.waitable.place)
        return 0

    # ---- the future ----

    def get_loop(self):
        return self.loop

    def done(self):
        return self.sign != PENDING

    def cancelled(self):
        return self.sign == CANCELLED

    def result(self):
        if self.sign == PENDING:
            raise asyncio_error("InvalidStateError")("the wait has not ended yet")
        if self.sign == CANCELLED:
            make = asyncio_error("CancelledError")
            raise make() if self.message is None else make(self.message)

    def exception(self):
        self.result()

    def cancel(self, msg=None):
        """Of the task that waits: it is told, and then ends the wait itself."""
        if self.sign != PENDING:
            return False
        self.message = msg
        self.sign = CANCELLED
        self.call_back()
        return True

    def add_done_callback(self, callback, *, context=None):
        if self.callbacks is None:
            self.callbacks = []
        self.callbacks.append(_TaskCall(self, callback, copy_context() if context is None else context))
        if self.sign != PENDING:
            self.call_back()

    def remove_done_callback(self, callback):
        cdef list before = self.callbacks or []
        self.callbacks = [call for call in before if (<_TaskCall>call).callback != callback]
        return len(before) - len(self.callbacks)

    cdef bint call_back(self) except -1:
        # False: the loop cannot be made to do it.
        cdef _TaskCall call
        cdef bint is_told = True
        while self.callbacks:
            call = self.callbacks.pop()
            if not call_soon(self.loop, self.loop.call_soon, call, {"context": call.context}):
                is_told = False
        return is_told

    cdef int wake(self) except -1:
        if self.sign == PENDING:
            self.sign = SET
            if not self.call_back():
                self.take_back()
        return 0


@cython.final
cdef class _TaskCall:
    """What a loop is to call when its task can go on. Once, though it may be on the loop's list twice."""
    cdef _TaskWait task
    cdef object callback, context
    cdef cc_atomic_u32 is_called

    def __cinit__(self, _TaskWait task, callback, context):
        self.task = task
        self.callback = callback
        self.context = context

    def __call__(self):
        if not cc_exchange_acq_rel_u32(&self.is_called, 1):
            self.callback(self.task)

    def __del__(self):
        # Not called: the loop has been closed, or is gone.
        if not cc_exchange_acq_rel_u32(&self.is_called, 1):
            self.task.take_back()


cdef PyObject *step_of_task(PyObject *reference) noexcept:
    # The slot of __next__. By hand: nothing may fail with an item in hand, and a traceback for
    # every item is dear.
    cdef _TaskWait task = <_TaskWait>reference
    cdef object end
    cdef int outcome
    try:
        end = StopIteration()
        outcome = task.step(end)
        if outcome == WAITS_FOR_ITSELF:
            Py_INCREF(task)
            return reference
        if outcome == TAKES_TURNS:
            Py_INCREF(None)
            return <PyObject *>None  # what asyncio.sleep(0) yields
    except BaseException as error:
        end = error
    PyErr_SetObject(type(end), end)
    return NULL


(<type_with_slots *>_TaskWait).tp_iternext = step_of_task

cdef object RUNNING_LOOP, PORT_OF  # of _event_loops.py
cdef object copy_context
from contextvars import copy_context


cdef object asyncio_error(str name):
    import asyncio  # whoever awaits has it; the others need not load it
    return getattr(asyncio, name)


cdef int refuse_other_libraries() except -1:
    # Early, and not only when there is nothing to take. Inside trio in guest mode an asyncio loop
    # is running, too.
    sniffio = sys.modules["sniffio"]
    try:
        name = sniffio.current_async_library()
    except sniffio.AsyncLibraryNotFoundError:
        return 0  # what need not wait needs no loop
    if name != "asyncio":
        raise RuntimeError(f"what is awaited here needs an event loop of asyncio, and this is {name}'s; wait in a thread instead: "
                           f"`await {name}.to_thread.run_sync(queue.get)`, or the same with put or a semaphore's acquire")
    return 0


cdef cc_container_kind INBOX

cdef enum:
    SEALED = 1  # in the place of an inbox's newest waiter: drained, or dying


@cython.final
cdef class _LoopInbox(_Container):
    """The tasks that one call in a loop will tell."""
    cdef cc_atomic_uptr newest  # cc_waiter *, or SEALED; owns a reference to each one's _TaskWait

    def __del__(self):
        # Not drained: the loop has been closed, or is gone.
        cdef cc_waiter *node = oldest_first(take_all(self))
        cdef _TaskWait task
        while node != NULL:
            task = <_TaskWait>node.owner
            node = node.next
            Py_DECREF(task)
            task.take_back()

    cdef int leave_to_caller(self, _TaskWait task) except -1:
        # The next in line is not notified from here, but by the caller's loop: there may be any
        # number of such tasks.
        cdef cc_waiter *node = take_all(self)
        cdef _TaskWait other
        while node != NULL:
            other = <_TaskWait>node.owner
            node = node.next
            Py_DECREF(other)
            if other is not task:
                other.take_back()
        return 0

    cdef int send_from_elsewhere(self) except -1:
        cdef cc_waiter *node = oldest_first(take_all(self))
        cdef _TaskWait task
        while node != NULL:
            task = <_TaskWait>node.owner
            node = node.next
            Py_DECREF(task)
            send_from_elsewhere(task)
        return 0

    cdef bint push(self, _TaskWait task) noexcept:
        # False: too late.
        cdef uintptr_t newest = cc_load_relaxed_uptr(&self.newest)
        Py_INCREF(task)
        while newest != SEALED:
            task.node.next = <cc_waiter *>newest
            if cc_cas_acq_rel_uptr(&self.newest, &newest, <uintptr_t>&task.node):
                return True
        Py_DECREF(task)
        return False

    def drain(self):
        """Wake the tasks. Runs in the loop."""
        cdef cc_waiter *node = oldest_first(take_all(self))
        cdef _TaskWait task
        while node != NULL:
            task = <_TaskWait>node.owner
            node = node.next
            Py_DECREF(task)
            try:
                task.wake()
            except BaseException as error:
                raise_later(error)


cdef cc_waiter *take_all(_LoopInbox inbox) noexcept:
    cdef uintptr_t newest = cc_exchange_acq_rel_uptr(&inbox.newest, SEALED)
    return NULL if newest == SEALED else <cc_waiter *>newest


cdef cc_waiter *oldest_first(cc_waiter *node) noexcept:
    cdef cc_waiter *after
    cdef cc_waiter *oldest = NULL
    while node != NULL:
        after = node.next
        node.next = oldest
        oldest = node
        node = after
    return oldest


@cython.final
cdef class _LoopPort:
    """Where the notifications for one loop arrive. Held by the tasks that wait."""
    cdef readonly object loop
    # Behind the port's critical section:
    cdef object find_inbox      # a weak reference, or None
    cdef object __weakref__

    def __cinit__(self, loop):
        self.loop = loop

    cdef bint send(self, _TaskWait task) except -1:
        # True: the loop runs, and will get to it. Or it will drop the inbox, which then sees to it.
        # Raises only if the task is in no inbox.
        cdef _LoopInbox inbox = None
        cdef bint is_new = False
        with cython.critical_section(self):
            if self.find_inbox is not None:
                inbox = self.find_inbox()
            if inbox is None or not inbox.push(task):
                is_new = True
                inbox = _LoopInbox()
                self.find_inbox = weakref.ref(inbox)
                inbox.push(task)
        if is_new and not call_soon(self.loop, self.loop.call_soon_threadsafe, inbox.drain, {}):
            if is_closed(self.loop):
                inbox.leave_to_caller(task)
            else:
                inbox.send_from_elsewhere()
            return False
        try:
            return not self.loop.is_closed() and self.loop.is_running()
        except BaseException as error:
            raise_later(error)
            return False


cdef bint call_soon(loop, how, function, dict keywords) except -1:
    # False: the loop is closed, or cannot be told from here. A signal's handler may raise in the
    # middle of the loop's code, and it is not known how far that came: so once more. What it has
    # raised is kept until then, or it would be raised in there again.
    cdef int attempts
    cdef bint is_told = False
    cdef list raised = []
    for attempts in range(3):
        try:
            how(function, **keywords)
            is_told = True
            break
        except BaseException as error:
            if isinstance(error, RuntimeError) and is_closed(loop):
                break
            raised.append(error)
            if isinstance(error, (RecursionError, MemoryError)):
                break
    for error in raised:
        raise_later(error)
    return is_told


cdef bint is_closed(loop) except -1:
    try:
        return loop.is_closed()
    except BaseException as error:
        raise_later(error)
        return False


cdef void drop_waiters(cc_waiter *node) noexcept:
    cdef cc_waiter *after
    while node != NULL:
        after = node.next
        Py_DECREF(<object><PyObject *>node.owner)
        node = after


cdef int deliver(PyObject *reference) noexcept:
    # Takes over the line's reference. Nothing may escape from here: the caller may have an item in
    # its hands.
    cdef _TaskWait task = <_TaskWait>reference
    cdef bint will_answer = False
    Py_DECREF(task)
    try:
        will_answer = task.port.send(task)
    except BaseException as error:
        raise_later(error)
        send_from_elsewhere(task)
    # Else the next in line is notified, unless the task has answered meanwhile.
    return will_answer or not cc_waiter_take(&task.node)


# A task that was told nothing is in no line any more, and nobody would ever tell it. Where there is
# no stack or no memory left to do it, a thread that has a stack of its own does, and it has time.

cdef int send_from_elsewhere(_TaskWait task) noexcept:
    Py_INCREF(task)
    if PyThread_start_new_thread(send_in_thread, <void *><PyObject *>task) == PYTHREAD_INVALID_THREAD_ID:
        if Py_AddPendingCall(send_when_pending, <void *><PyObject *>task):
            Py_DECREF(task)
    return 0


cdef void send_in_thread(void *reference) noexcept with gil:
    send_when_pending(reference)  # which raises nothing


cdef int send_when_pending(void *reference) except -1:
    cdef _TaskWait task = <_TaskWait><PyObject *>reference
    Py_DECREF(task)
    try:
        sleep(task.pause)  # lest tries that go on failing are all that is done
        task.pause = min(2 * task.pause, 1.0)
        task.port.send(task)
    except BaseException as error:
        raise_later(error)
        send_from_elsewhere(task)
    return 0


cdef int may_sleep(const char *call) except -1:
    # Of a thread that finds nothing: refuse sleeps from which nobody can wake it.
    cdef dict modules = <dict>PyImport_GetModuleDict()
    if "gevent.monkey" in modules and modules["gevent.monkey"].is_module_patched("threading"):
        # Native threads, of gevent's pool for example, have no hub, and may sleep.
        hubs = modules.get("gevent._hub_local")
        if hubs is None or hubs.get_hub_if_exists() is not None:
            name = call.decode()
            raise RuntimeError(f"{name} would block all greenlets of this thread: gevent has patched `threading`, but this puts "
                               f"real threads to sleep; use gevent.queue or gevent.lock, or call {name} in a thread of "
                               f"gevent's pool (gevent.get_hub().threadpool.apply)")
    return 0


cdef int raise_later(error) except -1:
    # Exceptions that signal handlers raise belong to the main thread, which is free to have them a
    # little later. What is raised for want of memory or stack is no handler's; whoever calls would
    # take it for a failure of what has worked.
    if cc_waiting_is_main_thread() and not isinstance(error, (RecursionError, MemoryError)):
        Py_INCREF(error)
        if Py_AddPendingCall(raise_now, <void *><PyObject *>error) == 0:
            return 0
        Py_DECREF(error)
    PyErr_SetObject(type(error), error)
    PyErr_WriteUnraisable(None)
    return 0


cdef int raise_now(void *reference) except -1:
    error = <object><PyObject *>reference
    Py_DECREF(error)
    raise error


# ---------------------------------------------------------------- types

cdef int traverse_inbox(PyObject *self, visitproc visit, void *argument) noexcept:
    # Whoever pushes is attached, and in the middle of nothing while the collector looks.
    cdef uintptr_t newest = cc_load_relaxed_uptr(&(<_LoopInbox>self).newest)
    cdef cc_waiter *node = NULL if newest == SEALED else <cc_waiter *>newest
    cdef int answer = 0
    while node != NULL and answer == 0:
        answer = visit(<PyObject *>node.owner, argument)
        node = node.next
    return answer


cdef void clear_inbox(PyObject *self) noexcept:
    drop_waiters(take_all(<_LoopInbox>self))


INBOX.traverse = traverse_inbox
INBOX.clear = INBOX.free = clear_inbox
cc_container_class_add(<PyTypeObject *>_LoopInbox, &INBOX, NULL)


def _note_main_thread():
    """Called in the child of a fork, whose main thread is the one that has forked."""
    cc_waiting_note_main_thread(threading.get_ident())


cc_waiting_begin(deliver, may_sleep, eval(compile("lambda: None", "<concurrent_collections>", "eval"), {}))
# Not the thread that runs this: the package may be imported anywhere first.
cc_waiting_note_main_thread(threading.main_thread().ident)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_main_thread)

from concurrent_collections import _event_loops  # noqa: E402
RUNNING_LOOP = _event_loops.running_loop
PORT_OF = _event_loops.port_of
