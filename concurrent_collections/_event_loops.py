"""Event loops of asyncio, for tasks.pxi: the loop that runs here, and its port."""

import threading
import weakref

from concurrent_collections import _queues


class _OfThread(threading.local):
    """The port of the loop that ran here last. Two threads that run one loop in turn make two ports."""

    # A weak reference: who waits has a strong one. No loop is kept alive from here.
    find_port = staticmethod(lambda: None)


_here = _OfThread()


def running_loop():
    import asyncio  # whoever awaits has it; the others need not load it

    return asyncio.get_running_loop()


def port_of(loop):
    port = _here.find_port()
    if port is None or port.loop is not loop:
        port = _queues._LoopPort(loop)
        _here.find_port = weakref.ref(port)
    return port
