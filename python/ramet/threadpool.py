"""OS threads that do for greenlets what would block all of them."""
import atexit
import concurrent.futures
import os
import sys
import threading
from _queue import Empty as _NativeEmpty
from _queue import SimpleQueue as _NativeQueue
from _thread import RLock as _NativeRLock
from _thread import allocate_lock as _allocate_lock
from _thread import start_new_thread as _start_new_thread

from ramet._core import AsyncResult, Event, Greenlet, Semaphore, _add_idle_workers, get_hub, get_hub_if_exists
from ramet._futures import Future
from ramet.pool import GroupMappingMixin

__all__ = ["ThreadPool", "ThreadResult", "ThreadPoolExecutor"]


_starting = set()  # a lock for each worker that has not begun, which lets go of it


@atexit.register
def _await_starts():
    """A thread that begins when the interpreter is half gone crashes it."""
    for lock in list(_starting):
        lock.acquire(timeout=1)


def _rest():
    """A worker that has a hub, made by some call, and waits for the next call keeps nobody waiting."""
    hub = get_hub_if_exists()
    monitor = hub.periodic_monitoring_thread if hub is not None else None
    if monitor is not None:
        monitor.ignore_current_greenlet_blocking()


class ThreadResult:
    """One call for a worker, and the AsyncResult that has its outcome: who waits for that is woken by the worker."""

    __slots__ = ("func", "args", "kwargs", "receiver", "hub", "pool", "_loop")

    def __init__(self, pool, func, args, kwargs):
        self.pool, self.hub = pool, pool.hub
        self.func, self.args, self.kwargs = func, args, kwargs
        self.receiver = AsyncResult()
        self.receiver.rawlink(self._report)
        self._loop = get_hub().loop
        self._loop.ref()  # gevent.wait() is not over before

    def run(self):
        """In the worker.  Whatever is raised is the outcome."""
        func, args, kwargs = self.func, self.args, self.kwargs
        self.args = self.kwargs = None
        try:
            value = func(*args, **kwargs)
        except BaseException as e:
            del func, args, kwargs
            self.receiver.set_exception(e, sys.exc_info())
        else:
            del func, args, kwargs
            self.receiver.set(value)

    def _report(self, receiver):
        """In the hub of the caller."""
        self._loop.unref()
        if receiver.exception is not None:
            self.hub.handle_error((self.pool, self.func), *receiver.exc_info)

    @property
    def value(self):
        return self.receiver.value

    @property
    def exception(self):
        return self.receiver.exception

    def successful(self):
        return self.receiver.successful()


class ThreadPool(GroupMappingMixin):
    """At most maxsize OS threads, begun as they are needed.

    A worker that has had nothing to do for idle_task_timeout seconds ends, if that is not negative.
    """

    def __init__(self, maxsize, hub=None, idle_task_timeout=-1):
        self.hub = hub if hub is not None else get_hub()
        self._idle_task_timeout = idle_task_timeout
        self._maxsize = 0
        self._begin_again()
        self.maxsize = maxsize

    def _begin_again(self):
        self.pid = os.getpid()
        self.task_queue = _NativeQueue()  # of ThreadResults, and of None for each worker that is to end
        self._semaphore = Semaphore(self._maxsize + 1)  # one more than can be worked on is ready to be
        self._lock = _NativeRLock()  # held for moments
        self._workers = 0  # that have not been told to end
        self._living = 0
        self._unfinished = self._killing = 0
        self._nothing_unfinished = Event()
        self._nothing_unfinished.set()
        self._nobody_lives = Event()
        self._nobody_lives.set()

    def _check_fork(self):
        """The child of a fork has no workers."""
        if self.pid != os.getpid():
            _add_idle_workers(self._unfinished - self._workers)
            for _ in range(self._unfinished):
                self.hub.loop.unref()
            self._begin_again()

    _on_fork = _check_fork

    def __repr__(self):
        hub = f"<{type(self.hub).__name__} at 0x{id(self.hub):x} thread_ident=0x{self.hub.thread_ident:x}>"
        return (f"<{type(self).__name__} at 0x{id(self):x} tasks={len(self)} size={self.size} maxsize={self.maxsize} "
                f"hub={hub}>")

    def __len__(self):
        """How many calls have not ended."""
        return self._unfinished

    @property
    def maxsize(self):
        """How many workers there may be; spawn blocks when more than one call beyond that has not ended."""
        return self._maxsize

    @maxsize.setter
    def maxsize(self, maxsize):
        if not isinstance(maxsize, int):
            raise TypeError(f"maxsize must be integer: {maxsize!r}")
        if maxsize < 0:
            raise ValueError(f"maxsize must not be negative: {maxsize!r}")
        more = maxsize - self._maxsize
        self._maxsize = maxsize
        self._semaphore.counter += min(more, 0)
        for _ in range(more):
            self._semaphore.release()
        self.adjust()

    @property
    def size(self):
        """How many workers there are.  To set it begins some, or makes some end when they have nothing to do."""
        return self._workers

    @size.setter
    def size(self, size):
        if size < 0:
            raise ValueError(f"Size of the pool cannot be negative: {size!r}")
        if size > self._maxsize:
            raise ValueError(f"Size of the pool cannot be bigger than maxsize: {size!r} > {self._maxsize!r}")
        while self._workers < size:
            self._add_worker()
        while self._workers > size:
            self._end_worker()

    def adjust(self):
        """Have as many workers as there are calls for, within maxsize."""
        while self._workers > self._maxsize:
            self._end_worker()
        while self._workers < min(self._unfinished, self._maxsize):
            self._add_worker()

    # ---- workers ----------------------------------------------------------------------------------------------------

    def _add_worker(self):
        with self._lock:
            self._workers += 1
            self._living += 1
            self._nobody_lives.clear()
        _add_idle_workers(1)
        begun = _allocate_lock()
        begun.acquire()
        _starting.add(begun)
        try:
            _start_new_thread(self._work, (self.task_queue, begun))
        except BaseException:
            _starting.discard(begun)
            with self._lock:
                self._workers -= 1
            self._worker_ends()
            _add_idle_workers(-1)
            raise

    def _end_worker(self):
        with self._lock:
            self._workers -= 1
        _add_idle_workers(-1)  # it will tell us that it has ended
        self.task_queue.put(None)

    def _worker_ends(self):
        with self._lock:
            self._living -= 1
            if not self._living:
                self._nobody_lives.set()

    def _work(self, tasks, begun):
        _starting.discard(begun)
        begun.release()
        try:
            while self._work_once(tasks):
                pass
        finally:
            self._worker_ends()

    def _work_once(self, tasks):
        """False: the worker is to end."""
        task = self._next_task(tasks)
        if task is None:
            return False
        try:
            _run_hooked(task)
        finally:
            del task
            self._one_less()
        return True

    def _next_task(self, tasks):
        _rest()
        if self._idle_task_timeout is None or self._idle_task_timeout < 0:
            return tasks.get()
        while True:
            try:
                return tasks.get(timeout=self._idle_task_timeout)
            except _NativeEmpty:
                if self._leave_unless_needed():
                    return None

    def _leave_unless_needed(self):
        with self._lock:
            if self._unfinished >= self._workers:
                return False
            self._workers -= 1
            _add_idle_workers(-1)
            return True

    def _one_less(self):
        with self._lock:
            self._unfinished -= 1
            if not self._unfinished:
                self._nothing_unfinished.set()
        self._semaphore.release()
        _add_idle_workers(1)

    # ---- calls ------------------------------------------------------------------------------------------------------

    def spawn(self, func, *args, **kwargs):
        """Have a worker call func(*args, **kwargs): returns an AsyncResult.

        Waits while there are more than maxsize calls that have not ended.
        """
        self._check_fork()
        self._semaphore.acquire()
        try:
            task = ThreadResult(self, func, args, kwargs)
            with self._lock:
                self._unfinished += 1
                self._nothing_unfinished.clear()
            _add_idle_workers(-1)
        except BaseException:
            self._semaphore.release()
            raise
        try:
            self.adjust()
        except BaseException:
            if not self._workers:
                self._one_less()
                raise
        self.task_queue.put(task)
        if self._killing:
            self.size = 0
        return task.receiver

    def join(self):
        """Wait until all calls have ended."""
        self._check_fork()
        self._nothing_unfinished.wait()

    def kill(self):
        """End the workers once they have done what there is to do, and wait for it."""
        self._check_fork()
        self._killing += 1  # calls that others make meanwhile do not keep them alive
        try:
            self.size = 0
            self._nobody_lives.wait()
        finally:
            self._killing -= 1

    def _apply_immediately(self):
        return get_hub() is not self.hub

    def _apply_async_use_greenlet(self):
        return True

    def _apply_async_cb_spawn(self, callback, result):
        callback(result)


def _run_hooked(task):
    """With what threading.settrace and setprofile ask for by then, though the thread is older."""
    trace, profile = threading._trace_hook, threading._profile_hook
    if not (trace or profile):
        task.run()
        return
    sys.settrace(trace)
    sys.setprofile(profile)
    try:
        task.run()
    finally:
        sys.setprofile(None)
        sys.settrace(None)


class ThreadPoolExecutor(concurrent.futures.ThreadPoolExecutor):
    """A ThreadPool as concurrent.futures has them: result() lets other greenlets run."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._threadpool = ThreadPool(self._max_workers)
        self._pending = set()  # greenlets that wait for a place in the pool

    def submit(self, fn, *args, **kwargs):
        """A Future of fn(*args, **kwargs).  Does not block: calls that are too many wait in greenlets."""
        if self._shutdown:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = Future()
        pool = self._threadpool
        if pool._semaphore.locked():
            waiting = Greenlet.spawn(self._spawn, pool, future, fn, args, kwargs)
            self._pending.add(waiting)
            waiting.rawlink(self._pending.discard)
        else:
            self._spawn(pool, future, fn, args, kwargs)
        return future

    @staticmethod
    def _spawn(pool, future, fn, args, kwargs):
        pool.spawn(future.call, fn, args, kwargs).rawlink(future.settle)

    def shutdown(self, wait=True, **kwargs):
        """No more calls; waits for those there are if wait."""
        super().shutdown(wait, **kwargs)
        pool = self._threadpool
        self._threadpool = None
        if pool is not None:
            if wait:
                for waiting in list(self._pending):
                    waiting.join()
                pool.join()
                pool.kill()
            else:
                pool.size = 0

    kill = shutdown
