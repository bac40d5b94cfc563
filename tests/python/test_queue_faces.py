"""The faces `sync_q` and `async_q`, and the names of concurrent_collections.mixed: what users of queue.Queue, of
asyncio.Queue and of janus expect."""

from __future__ import annotations

import asyncio
import inspect
import queue
import subprocess
import sys

import pytest
from queue_kinds import each_store
from queue_waiters import a_moment, in_thread

from concurrent_collections import LockFreeStack, mixed

if sys.version_info >= (3, 13):
    QueueShutDown = asyncio.QueueShutDown
else:
    QueueShutDown = mixed.AsyncQueueShutDown


def public(cls):
    return {name for name in dir(cls) if not name.startswith("_")}


# ---------------------------------------------------------------- the face for tasks


@each_store
class TestAsyncFace:
    def test_it_has_what_asyncio_Queue_has(self, Queue):
        face = Queue().async_q
        assert not public(asyncio.Queue) - {"shutdown"} - public(face)
        for name in ("put", "get", "join"):
            assert inspect.iscoroutinefunction(getattr(face, name)), name
        for name in public(asyncio.Queue):
            ours, theirs = (
                inspect.getattr_static(cls, name) for cls in (type(face), asyncio.Queue)
            )
            if callable(theirs):
                assert inspect.signature(ours) == inspect.signature(theirs), name
            assert ours.__doc__, name

    def test_in_and_out(self, Queue):
        async def main():
            q = Queue(maxsize=2)
            face = q.async_q
            assert await face.put("a") is None
            assert (face.maxsize, face.qsize(), face.empty(), face.full()) == (2, 1, False, False)
            face.put_nowait("b")
            assert face.full()
            with pytest.raises(asyncio.QueueFull) as caught:
                face.put_nowait("c")
            assert not isinstance(caught.value, queue.Full)
            assert sorted([await face.get(), face.get_nowait()]) == ["a", "b"]
            assert face.empty()
            with pytest.raises(asyncio.QueueEmpty) as caught:
                face.get_nowait()
            assert not isinstance(caught.value, queue.Empty)
            assert caught.value.__cause__ is None
            assert caught.value.__suppress_context__

        asyncio.run(main())

    def test_both_faces_of_one_queue(self, Queue):
        q = Queue(maxsize=1)

        async def main():
            thread = in_thread(lambda: [q.sync_q.put(n) for n in range(20)])
            assert [await q.async_q.get() for _ in range(20)] == list(range(20))
            thread.end()
            thread = in_thread(lambda: [q.sync_q.get() for _ in range(20)])
            for n in range(20):
                await q.async_q.put(n)
            assert await asyncio.to_thread(thread.end) == list(range(20))

        asyncio.run(main())

    def test_join(self, Queue):
        q = Queue()

        async def main():
            await q.async_q.join()
            await q.async_q.put("item")
            joins = asyncio.create_task(q.async_q.join())
            thread = in_thread(q.sync_q.join)
            await a_moment()
            assert not joins.done()
            assert q.async_q.unfinished_tasks == q.sync_q.unfinished_tasks == 1
            await q.async_q.get()
            q.async_q.task_done()
            assert await joins is None
            assert await asyncio.to_thread(thread.end)
            with pytest.raises(ValueError, match="too many times"):
                q.async_q.task_done()

        asyncio.run(main())

    @pytest.mark.parametrize("immediate", [False, True])
    def test_shutdown(self, Queue, immediate):
        async def main():
            q, empty = Queue(iterable=[1], maxsize=1), Queue()
            waits = [
                asyncio.create_task(q.async_q.put(2)),
                asyncio.create_task(empty.async_q.get()),
            ]
            await a_moment()
            assert not q.async_q.closed
            q.async_q.shutdown(immediate)
            empty.async_q.shutdown(immediate=immediate)
            assert q.async_q.closed
            for wait in waits:
                with pytest.raises(QueueShutDown):
                    await wait
            with pytest.raises(QueueShutDown):
                q.async_q.put_nowait(2)
            with pytest.raises(QueueShutDown):
                await q.async_q.put(2)
            if not immediate:
                assert await q.async_q.get() == 1
            with pytest.raises(QueueShutDown):
                await q.async_q.get()
            with pytest.raises(QueueShutDown) as caught:
                q.async_q.get_nowait()
            assert not isinstance(caught.value, getattr(queue, "ShutDown", ()))

        asyncio.run(main())

    def test_cancelled_it_passes_on(self, Queue):
        async def main():
            q = Queue()
            first = asyncio.create_task(q.async_q.get())
            await a_moment()
            second = asyncio.create_task(q.async_q.get())
            await a_moment()
            q.sync_q.put("item")
            first.cancel()
            assert await second == "item"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(q.async_q.get(), 0.01)

        asyncio.run(main())

    def test_what_it_is(self, Queue):
        q = Queue()
        assert q.sync_q is q
        assert q.async_q == q.async_q
        assert hash(q.async_q) == hash(q.async_q)
        assert q.async_q != Queue().async_q
        assert q.async_q != q
        assert repr(q.async_q) == f"<AsyncQueue of {q!r}>"
        with pytest.raises(AttributeError):
            q.async_q = 1
        with pytest.raises(AttributeError):
            q.async_q.anything = 1
        face = q.async_q
        del q
        face.put_nowait(1)  # keeps the queue
        assert face.get_nowait() == 1

    def test_before_init(self, Queue):
        raw = Queue.cls.__new__(Queue.cls)
        for name in ("sync_q", "async_q"):
            with pytest.raises(RuntimeError, match="call __init__ of the base class first"):
                getattr(raw, name)


@each_store
def test_the_face_for_threads_has_what_queue_Queue_has(Queue):
    q = Queue().sync_q
    assert not {"put", "get", "join", "task_done", "qsize"} - public(q)
    assert not public(queue.Queue) - {"shutdown"} - public(q)
    with pytest.raises(queue.Empty):
        q.get_nowait()
    with pytest.raises(queue.Empty):
        q.get(timeout=0.01)


# ---------------------------------------------------------------- the module


each_closing = pytest.mark.parametrize("cls", [mixed.Queue, mixed.LifoQueue])


@each_closing
class TestNamesOfJanus:
    def test_close(self, cls):
        async def main():
            q = cls(maxsize=5)
            q.sync_q.put("dropped")
            assert not q.closed
            with pytest.raises(RuntimeError, match="call close"):
                await q.wait_closed()
            waits = asyncio.create_task(q.async_q.join())
            await a_moment()
            q.close()
            q.close()
            await q.wait_closed()
            await waits
            assert q.closed
            assert q.sync_q.closed
            assert q.async_q.closed
            for put in q.sync_q.put, q.sync_q.put_nowait:
                with pytest.raises(mixed.SyncQueueShutDown):
                    put(1)
            with pytest.raises(mixed.AsyncQueueShutDown):
                await q.async_q.put(1)
            with pytest.raises(mixed.SyncQueueShutDown):
                q.sync_q.get()

        asyncio.run(main())

    def test_aclose(self, cls):
        q = cls(iterable=[1])
        asyncio.run(q.aclose())
        assert q.closed
        assert len(q) == 0
        asyncio.run(q.aclose())

    def test_made_without_a_loop_and_used_in_several(self, cls):
        q = cls()
        q.sync_q.put(1)
        assert asyncio.run(q.async_q.get()) == 1
        asyncio.run(q.async_q.put(2))
        assert q.sync_q.get() == 2

    def test_its_parameters_are_those_of_its_base(self, cls):
        assert cls(0).maxsize == 0
        assert cls(maxsize=3).maxsize == 3
        assert len(cls(3, "ab")) == 2
        with pytest.raises(ValueError, match="more items than maxsize"):
            cls(1, "ab")
        assert cls[int].__origin__ is cls
        assert cls.__doc__
        assert cls.__module__ == "concurrent_collections.mixed"


def test_exceptions_of_the_module_are_those_of_the_libraries():
    assert mixed.SyncQueueEmpty is queue.Empty
    assert mixed.SyncQueueFull is queue.Full
    assert mixed.AsyncQueueEmpty is asyncio.QueueEmpty
    assert mixed.AsyncQueueFull is asyncio.QueueFull
    if sys.version_info >= (3, 13):
        assert mixed.SyncQueueShutDown is queue.ShutDown
        assert mixed.AsyncQueueShutDown is asyncio.QueueShutDown
    assert sorted(mixed.__all__) == sorted(
        name
        for name in public(mixed)
        if getattr(getattr(mixed, name), "__module__", "").startswith(
            ("concurrent_collections", "queue", "_queue", "asyncio")
        )
    )


def test_annotations():
    assert mixed.AsyncQueue[int].__origin__ is mixed.AsyncQueue
    assert mixed.SyncQueue[int].__args__ == (int,)
    assert mixed.Queue[int].__args__ == (int,)
    for cls in mixed.AsyncQueue, mixed.SyncQueue, mixed.Queue, mixed.LifoQueue:
        for name in public(cls):
            assert inspect.getattr_static(cls, name).__doc__, f"{cls.__name__}.{name}"


@pytest.mark.parametrize("wrong", [None, 5, queue.Queue(), LockFreeStack()])
def test_a_face_of_something_else(wrong):
    with pytest.raises(TypeError, match="queue: expected a queue of concurrent_collections, got"):
        mixed.AsyncQueue(wrong)


def test_who_has_no_use_for_it_does_not_load_it():
    program = (
        "import sys, concurrent_collections as c; q = c.LockFreeQueue(); q.sync_q.put(1); q.get();"
        "sys.exit('asyncio' in sys.modules or 'concurrent_collections.mixed' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-P", "-c", program], timeout=120).returncode == 0
