# The way from a notifying thread into an event loop: what tasks that wait for a queue stand in line with.

# ---------------------------------------------------------------- tasks of event loops
#
# A task waits for a future of its loop. Whoever notifies it may be any thread, and futures are not
# thread-safe: so the notified waiter goes into an inbox of the loop's port, and one call_soon_threadsafe for
# all that come until the loop gets to it runs the inbox's `drain` there, which sets the futures. Only the public API
# of loops is used.
#
# Nothing but that call holds the inbox, and nothing but the inbox what is told. When a loop is closed, or collected, its
# calls go, the inbox goes, the tasks in it can be collected, and they pass on in `leave` what they have been
# told. If the port held the inbox, a second task that still stands in line would keep the first one alive.

@cython.final
@cython.no_gc_clear  # the line of waiters belongs to `queue`, which must outlive the node in it
cdef class _TaskWaiter:
    """One task that stands in line. For _async_queue.py."""
    cdef cc_waiter node
    cdef _Queue queue
    cdef _LoopPort port
    cdef readonly object future
    cdef int what
    cdef bint is_in_line, keeps_turn

    def __cinit__(self, _Queue queue not None, _LoopPort port not None, future, bint for_room,
                  _TaskWaiter before):
        inside(queue)
        self.queue = queue
        self.port = port
        self.future = future
        self.what = CC_FOR_ROOM if for_room else CC_FOR_AN_ITEM
        cc_waiter_init(&self.node, CC_WAITER_FOREIGN, <void *><PyObject *>self)
        if before is not None:
            self.node.turn = before.node.turn
            self.keeps_turn = True

    def enqueue(self):
        """Stand in line. Then try once more, and wait for the future."""
        self.is_in_line = True
        cc_object_queue_enqueue_task(inside(self.queue), &self.node, self.what, self.keeps_turn)

    def accept(self):
        """The notification has been followed: an item was taken, or the queue was looked at in vain."""
        self.is_in_line = False

    def leave(self):
        """Stand in line no more; a notification that was not accepted goes to the next one."""
        if self.is_in_line:
            self.is_in_line = False
            if cc_object_queue_leave_task(&self.node):
                cc_object_queue_pass_on(inside(self.queue), self.what)


cdef enum:
    SEALED = 1  # in the place of an inbox's newest waiter: drained, or dying


@cython.final
cdef class _LoopInbox:
    """The waiters that one call in a loop will tell."""
    cdef object __weakref__
    cdef object for_gc          # always None: makes Cython give the type garbage collection
    cdef cc_atomic_uptr newest  # cc_waiter *, or SEALED; owns a reference to each one's _TaskWaiter

    def __dealloc__(self):
        drop_waiters(take_all(self))

    cdef bint push(self, cc_waiter *node) noexcept:
        # False: too late.
        cdef uintptr_t newest = cc_load_relaxed_uptr(&self.newest)
        while newest != SEALED:
            node.next = <cc_waiter *>newest
            if cc_cas_acq_rel_uptr(&self.newest, &newest, <uintptr_t>node):
                return True
        return False

    def drain(self):
        """Set the futures of the waiters. Runs in the loop."""
        cdef cc_waiter *after
        cdef cc_waiter *oldest = NULL
        cdef cc_waiter *node = take_all(self)
        while node != NULL:
            after = node.next
            node.next = oldest
            oldest = node
            node = after
        while oldest != NULL:
            after = oldest.next
            wake_task(<PyObject *>oldest.owner)
            oldest = after


cdef cc_waiter *take_all(_LoopInbox inbox) noexcept:
    cdef uintptr_t newest = cc_exchange_acq_rel_uptr(&inbox.newest, SEALED)
    return NULL if newest == SEALED else <cc_waiter *>newest


@cython.final
cdef class _LoopPort:
    """Where the notifications for one loop arrive. For _async_queue.py."""
    cdef object find_loop   # a weak reference where loops can have one
    cdef object strong_loop
    # Behind the port's critical section:
    cdef object find_inbox      # a weak reference, or None
    cdef _LoopInbox unsent      # the call for it could not be made, for want of memory; the next one tries again
    cdef object __weakref__

    def __cinit__(self, loop):
        try:
            self.find_loop = weakref.ref(loop)
        except TypeError:
            self.strong_loop = loop

    @property
    def loop(self):
        return self.strong_loop if self.find_loop is None else self.find_loop()

    cdef bint send(self, PyObject *reference) except -1:
        # Takes over the reference. True: the loop runs, and will get to it.
        cdef _LoopInbox inbox = None
        cdef cc_waiter *node = &(<_TaskWaiter>reference).node
        cdef bint is_new
        try:
            with cython.critical_section(self):
                is_new = self.unsent is not None
                if is_new:
                    inbox = self.unsent
                    self.unsent = None
                elif self.find_inbox is not None:
                    inbox = self.find_inbox()
                if inbox is None or not inbox.push(node):
                    is_new = True
                    inbox = _LoopInbox()
                    self.find_inbox = weakref.ref(inbox)
                    inbox.push(node)
        except BaseException:  # for want of memory
            Py_DECREF(<object>reference)
            raise
        loop = self.loop
        if loop is None:
            return False
        if not is_new:
            return not loop.is_closed() and loop.is_running()
        if call_soon(loop, inbox.drain):
            return loop.is_running()
        if not loop.is_closed():
            with cython.critical_section(self):
                self.keep(inbox)
        return False

    cdef int keep(self, _LoopInbox inbox) except -1:
        cdef cc_waiter *node
        cdef cc_waiter *after
        if self.unsent is None:
            self.unsent = inbox
            return 0
        node = take_all(inbox)  # of another thread that failed at the same time
        while node != NULL:
            after = node.next
            self.unsent.push(node)
            node = after
        return 0


cdef bint call_soon(loop, function) except -1:
    # False: the loop is closed. A signal's handler may raise in the middle of the loop's code, and it is not known how
    # far that came: so once more. What it has raised is kept until then, or it would be raised in there again.
    cdef int attempts
    cdef bint is_told = False
    cdef list raised = []
    for attempts in range(3):
        try:
            loop.call_soon_threadsafe(function)
            is_told = True
            break
        except RuntimeError:
            break
        except BaseException as error:
            raised.append(error)
    for error in raised:
        raise_later(error)
    return is_told


cdef void drop_waiters(cc_waiter *node) noexcept:
    cdef cc_waiter *after
    while node != NULL:
        after = node.next
        Py_DECREF(<object><PyObject *>node.owner)
        node = after


cdef void wake_task(PyObject *reference) noexcept:
    waiter = <_TaskWaiter>reference
    Py_DECREF(waiter)
    if not waiter.future.done():  # it may have been cancelled; then the task passes the notification on
        waiter.future.set_result(None)


cdef int deliver(PyObject *reference) noexcept:
    # Nothing may escape from here: the caller may have an item in its hands.
    cdef _TaskWaiter waiter = <_TaskWaiter>reference
    try:
        return waiter.port.send(reference)
    except BaseException as error:
        raise_later(error)
        return 0


cdef int raise_later(error) except -1:
    # Exceptions that signal handlers raise belong to the main thread, which is free to have them a little later. To
    # other threads such a thing does not happen, except for want of memory.
    if threading.current_thread() is threading.main_thread():
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
