"""Iterators over the results of a function that others call."""
from ramet._core import Greenlet, Queue, Semaphore

__all__ = ['IMap', 'IMapUnordered']

_END = object()


class _Failure:
    """An error that is raised where its result would be."""
    __slots__ = ("exception",)

    def __init__(self, exception):
        self.exception = exception


def _outcome(task):
    return task.value if task.successful() else _Failure(task.exception)


class IMapUnordered(Greenlet):
    """Begins the tasks; who iterates over it gets their results, the earliest first."""

    def __init__(self, func, arguments, spawn, maxsize=None):
        super().__init__()
        self.func = func
        self.arguments = arguments
        self.queue = Queue()  # of what is ready, and in the end of _END
        self._spawn_task = spawn
        self._room = Semaphore(maxsize) if maxsize else None
        self._begun = self._ended = 0
        self._has_begun_all = False
        self._is_over = False

    def _run(self):
        try:
            for arguments in self.arguments:
                if self._room:
                    self._room.acquire()
                self._begin(arguments)
        except BaseException as e:
            self.queue.put(self._last(_Failure(e)))
            if not isinstance(e, Exception):
                raise
        finally:
            self._has_begun_all = True
            self.arguments = self._spawn_task = self.func = None
            self._finish_if_all()

    def _begin(self, arguments):
        task = self._spawn_task(self.func, *arguments)
        index, self._begun = self._begun, self._begun + 1
        task.rawlink(lambda t: self._on_end(index, t))

    def _on_end(self, index, task):
        self._ended += 1
        self.queue.put(self._entry(index, _outcome(task)))
        self._finish_if_all()

    def _finish_if_all(self):
        if self._has_begun_all and self._begun == self._ended:
            self.queue.put(_END)

    def _entry(self, index, outcome):
        return outcome

    def _last(self, outcome):
        """What comes after all that was begun."""
        return outcome

    def _next_outcome(self):
        return self.queue.get()

    def __iter__(self):
        return self

    def __next__(self):
        outcome = _END if self._is_over else self._next_outcome()
        if outcome is _END:
            self._is_over = True
            raise StopIteration
        if self._room:
            self._room.release()
        if isinstance(outcome, _Failure):
            raise outcome.exception
        return outcome

    next = __next__


class IMap(IMapUnordered):
    """The same in the order of the arguments."""

    def __init__(self, func, arguments, spawn, maxsize=None):
        super().__init__(func, arguments, spawn, maxsize)
        self._early = {}  # what is ready before its turn
        self._turn = 0

    def _entry(self, index, outcome):
        return index, outcome

    def _last(self, outcome):
        return self._begun, outcome

    def _next_outcome(self):
        while self._turn not in self._early:
            entry = self.queue.get()
            if entry is _END:
                return _END
            self._early[entry[0]] = entry[1]
        self._turn += 1
        return self._early.pop(self._turn - 1)
