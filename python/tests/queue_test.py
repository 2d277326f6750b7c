"""Queues and channels: order, limits, kills, tasks, shutdown, threads."""
import copy
import gc
import os
import time

import ramet
from lib.green import Thing, in_hub, in_thread, leaves_nothing, quietly, refer, settle, spawn
from lib.tap import equal, main, raises, test
from ramet._core import sleep
from ramet.event import Event
from ramet.queue import (Channel, Empty, Full, JoinableQueue, LifoQueue, PriorityQueue, Queue, ShutDown, SimpleQueue,
                         UnboundQueue)

ALL = (SimpleQueue, Queue, LifoQueue, PriorityQueue)


@test
def items_come_out_in_their_order():
    for kind, order in ((SimpleQueue, [3, 1, 2]), (Queue, [3, 1, 2]), (LifoQueue, [2, 1, 3]),
                        (PriorityQueue, [1, 2, 3]), (UnboundQueue, [3, 1, 2])):
        q = kind(items=[3, 1, 2])
        equal((q.peek(), q.peek_nowait(), len(q)), (order[0], order[0], 3))
        equal([q.get() for _ in range(3)], order)
        for x in (3, 1, 2):
            q.put(x)
        equal([q.get_nowait() for _ in range(3)], order)
    assert JoinableQueue is Queue and issubclass(Queue, SimpleQueue)


@test
def there_is_room_for_maxsize():
    for kind in ALL:
        q = kind(2)
        equal((q.maxsize, q.empty(), q.full(), q.qsize(), bool(q)), (2, True, False, 0, True))
        q.put(1)
        q.put_nowait(2)
        raises(Full, q.put, 3, block=False)
        raises(Full, q.put_nowait, 3)
        raises(Full, q.put, 3, timeout=0.001)
        raises(Full, q.put, 3, True, 0)
        equal((q.full(), len(q), q.qsize()), (True, 2, 2))
    equal((Queue(0).maxsize, Queue(-1).maxsize, Queue(None).full(), Queue(1, [1, 2]).qsize()), (None, None, False, 2))
    raises(TypeError, Queue, "a")
    raises(ValueError, UnboundQueue, 3)


@test
def nothing_is_empty():
    for kind in (*ALL, Channel):
        q = kind()
        raises(Empty, q.get, False)
        raises(Empty, q.get_nowait)
        raises(Empty, q.get, timeout=0.001)
        raises(Empty, q.get, True, 0)
    raises(Empty, Queue().peek_nowait)
    raises(Empty, Queue().peek, timeout=0.001)


@test
def getters_are_served_in_order():
    for kind in ALL:
        q, seen = kind(), []
        gs = [spawn(lambda i=i: seen.append((i, q.get()))) for i in range(3)]
        settle()
        for x in (1, 2, 3):
            q.put(x)
        equal((len(q), q.empty()), (0, True))  # what is promised is gone
        raises(Empty, q.get_nowait)
        for g in gs:
            g.join()
        equal([i for i, _ in seen], [0, 1, 2])
        equal(sorted(x for _, x in seen), [1, 2, 3])


@test
def putters_are_served_in_order():
    q = Queue(1)
    gs = [spawn(q.put, i) for i in range(4)]
    settle()
    equal(str(q), "<Queue maxsize=1 queue=deque([0]) putters[3] tasks=1>")
    equal([q.get() for _ in range(4)], [0, 1, 2, 3])
    for g in gs:
        g.join(5)
    equal(q.unfinished_tasks, 4)


@test
def more_room_lets_putters_in():
    q = Queue(1)
    gs = [spawn(q.put, i) for i in range(5)]
    settle()
    q.maxsize = 3
    settle()
    equal(([g.ready() for g in gs], len(q), q.maxsize), ([True] * 3 + [False] * 2, 3, 3))
    q.maxsize = None
    settle()
    equal((all(g.ready() for g in gs), len(q), q.maxsize), (True, 5, None))


@test
def a_killed_getter_loses_no_item():
    for kind in ALL:
        q = kind()
        first, second = quietly(q.get), quietly(q.get)
        settle()
        q.put(1)
        first.kill(KeyError("late"), block=False)
        assert isinstance(first.get(), KeyError)
        equal(second.get(timeout=5), 1)
        g = quietly(q.get)
        settle()
        q.put(2)
        g.kill()
        equal(q.get_nowait(), 2)


@test
def a_killed_putter_puts_nothing():
    q = Queue(1, [0])
    g, other = quietly(q.put, 1), spawn(q.put, 2)
    settle()
    g.kill()
    equal([q.get(), q.get()], [0, 2])
    other.join()
    raises(Empty, q.get_nowait)


@test
def peekers_leave_it_to_others():
    q = Queue()
    gs = [spawn(q.peek), spawn(q.peek), spawn(q.get)]
    settle()
    q.put("x")
    equal([g.get(timeout=5) for g in gs[:1] + gs[2:]], ["x", "x"])
    equal(gs[1].ready(), True)
    g = quietly(q.peek)
    settle()
    g.kill()
    q.put(1)
    equal(q.get(), 1)


@test
def time_runs_out_without_harm():
    q = Queue(1, [0])
    gs = [quietly(q.put, 1, True, 0.002 * i) for i in range(5)]
    assert all(isinstance(g.get(), Full) for g in gs)
    q.get()
    gs = [quietly(q.get, True, 0.002 * i) for i in range(5)]
    assert all(isinstance(g.get(), Empty) for g in gs)
    q.put(1)
    equal(q.get(), 1)


@test
def the_hub_never_blocks():
    q = Queue(1)
    assert isinstance(in_hub(q.get)[1], Empty)
    equal(in_hub(lambda: q.put(1)), (None, None))
    assert isinstance(in_hub(lambda: q.put(1))[1], Full)
    equal(in_hub(q.get), (1, None))
    getter = spawn(q.get)
    settle()
    equal(in_hub(lambda: q.put(2)), (None, None))
    equal(getter.get(), 2)
    c = Channel()
    assert isinstance(in_hub(c.get)[1], Empty)
    assert isinstance(in_hub(lambda: c.put(1))[1], Full)


@test
def iteration_ends_at_stopiteration():
    for q in (Queue(items=[1, 2, StopIteration]), SimpleQueue(None, [1, 2, StopIteration])):
        equal(list(q), [1, 2])
    q = Queue(items=[1, StopIteration])
    assert iter(q) is q
    equal((next(q), q.qsize()), (1, 1))
    raises(StopIteration, q.next)
    for q in (Channel(), Queue(1), SimpleQueue()):
        spawn(lambda q=q: [(sleep(0.001), q.put(x)) for x in (1, 2, StopIteration)])
        equal(list(q), [1, 2])


@test
def what_it_looks_like():
    q = Queue(2, [1, 2])
    equal((str(q), str(Queue())), ("<Queue maxsize=2 queue=deque([1, 2]) tasks=2>", "<Queue>"))
    assert repr(q).startswith("<Queue at 0x"), repr(q)
    q = SimpleQueue()
    spawn(q.get)
    settle()
    equal(str(q), "<SimpleQueue getters[1]>")
    q.put(1)
    q.put(q)
    assert "..." in repr(q)
    equal(str(Queue[int]), "ramet.queue.Queue[int]")


@test
def copies_are_apart():
    for q in (Queue(5, [2, 1]), PriorityQueue(5, [2, 1]), LifoQueue(None, [2, 1])):
        c = q.copy()
        equal((type(c), c.maxsize, len(c), c.unfinished_tasks), (type(q), q.maxsize, 2, 2))
        equal([c.get(), c.get(), len(q)], [q.peek(), 2 if type(q) is PriorityQueue else 3 - q.peek(), 2])


@test
def tasks_are_joined():
    q = Queue()
    equal((q.join(), q.join(timeout=0.001)), (True, True))
    q.put(1)
    q.put(2)
    equal((q.unfinished_tasks, q.join(0.001)), (2, False))

    def work():
        for _ in q:
            sleep(0.001)
            q.task_done()
    spawn(work)
    joiners = [spawn(q.join) for _ in range(2)]
    equal((q.join(), q.unfinished_tasks), (True, 0))
    equal([g.get() for g in joiners], [True, True])
    equal(str(raises(ValueError, q.task_done)), "task_done() called too many times")
    equal((Queue(items=[1, 2], unfinished_tasks=5).unfinished_tasks, Queue(None, [1]).unfinished_tasks), (5, 1))
    g = quietly(Queue(items=[1]).join)
    settle()
    g.kill()
    assert not hasattr(SimpleQueue(), "join")


@test
def shutdown_turns_everybody_away():
    q = Queue(1)
    getters = [quietly(q.get) for _ in range(2)]
    settle()
    q.shutdown()
    assert all(isinstance(g.get(), ShutDown) for g in getters)
    raises(ShutDown, q.put, 1)
    raises(ShutDown, q.get)
    raises(ShutDown, q.get_nowait)
    q = Queue(1, [1])
    putter = quietly(q.put, 2)
    settle()
    q.shutdown()
    assert isinstance(putter.get(), ShutDown)
    equal((q.get(), q.is_shutdown), (1, True))
    raises(ShutDown, q.peek)


@test
def an_immediate_shutdown_empties_it():
    q = Queue(items=[1, 2])
    joiner = spawn(q.join)
    settle()
    q.shutdown(immediate=True)
    equal((joiner.get(), q.unfinished_tasks, len(q)), (True, 0, 0))
    raises(ShutDown, q.get)
    q = Queue()
    promised = quietly(q.get)
    settle()
    q.put(1)
    q.shutdown(True)
    assert isinstance(promised.get(), ShutDown)


@test
def an_item_that_does_not_fit_is_its_putters_error():
    class Picky(PriorityQueue):
        def _put(self, item):
            super()._put(item + 0)

    q = Picky(1, [1])
    good, bad, late = quietly(q.put, 0), quietly(q.put, "x"), quietly(q.put, 2)
    settle()
    q.maxsize = 5
    assert isinstance(bad.get(), TypeError)
    equal((good.get(), late.get(), len(q), q.unfinished_tasks), (None, None, 3, 3))
    raises(TypeError, q.put, "x")
    equal([q.get(), q.get(), q.get()], [0, 1, 2])


@test
def subclasses_have_their_own_order():
    class Bag(Queue):
        def _init(self, maxsize):
            self.queue = set()

        def _put(self, item):
            self.queue.add(item)

        def _get(self):
            return self.queue.pop()

    b = Bag(2, [1, 1])
    equal((len(b), b.full()), (1, False))
    b.put(1)
    equal((b.get(), b.empty()), (1, True))
    g = spawn(b.get)
    settle()
    b.put(9)
    equal(g.get(), 9)

    class Loud(SimpleQueue):
        seen = []

        def _put(self, item):
            self.seen.append(item)
            super()._put(item * 2)

        def _get(self):
            return super()._get() + 1

        def _qsize(self):
            return super()._qsize()

    q = Loud(1)
    q.put(1)
    putter = spawn(q.put, 2)
    settle()
    equal((q.get(), q.get(), Loud.seen), (3, 5, [1, 2]))
    putter.join()

    class Initialised(Queue):
        def __init__(self, extra):
            super().__init__()
            self.extra = extra

        def _create_queue(self, items=()):
            return super()._create_queue([*items, "made"])

    equal((Initialised(3).extra, Initialised(3).get()), (3, "made"))


@test
def its_container_may_be_emptied_by_hand():
    q = Queue(items=[1, 2])
    q.queue.clear()
    equal(q.empty(), True)
    g = spawn(q.get)
    settle()
    q.put(1)
    q.queue.clear()
    settle()
    equal(g.ready(), False)
    q.put(2)
    equal(g.get(timeout=5), 2)


# ---- Channel --------------------------------------------------------------------------------------------------------

@test
def a_channel_keeps_nothing():
    c, seen = Channel(), []

    def produce():
        seen.append("put")
        c.put(1)
        seen.append("done")
    spawn(produce)
    settle()
    equal((seen, c.balance, c.qsize(), c.empty(), c.full(), bool(c)), (["put"], 1, 0, True, True, True))
    equal(str(c), "<Channel getters[0] putters[1]>")
    equal(c.get(), 1)
    settle()
    equal((seen, c.balance), (["put", "done"], 0))
    g = spawn(c.get)
    settle()
    equal(c.balance, -1)
    c.put_nowait(5)
    equal(g.get(), 5)
    raises(Full, c.put, 1, block=False)
    raises(Full, c.put_nowait, 1)
    raises(Full, c.put, 1, timeout=0.001)
    raises(ValueError, Channel, 2)
    equal(c.balance, 0)


@test
def a_channel_loses_nothing_with_a_killed_getter():
    c = Channel()
    first, second = quietly(c.get), quietly(c.get)
    settle()
    c.put_nowait(1)
    first.kill(block=False)
    equal(second.get(timeout=5), 1)
    g = quietly(c.get)
    settle()
    c.put_nowait(2)
    g.kill()
    equal(c.get(timeout=5), 2)
    p = quietly(c.put, 3)
    settle()
    p.kill()
    raises(Empty, c.get_nowait)


# ---- threads --------------------------------------------------------------------------------------------------------

@test
def threads_and_greenlets_share_queues():
    for kind, maxsize in ((Queue, None), (Queue, 3), (SimpleQueue, 1), (PriorityQueue, 2), (LifoQueue, 2)):
        q, n = kind(maxsize), 1500

        def produce(base):
            for i in range(n):
                q.put(base + i)

        def consume():
            return [q.get() for _ in range(n)]

        consumers = [in_thread(consume), spawn(consume), in_thread(consume), spawn(consume)]
        producers = [in_thread(produce, 0), spawn(produce, n), spawn(produce, 2 * n), in_thread(produce, 3 * n)]
        items = [x for g in consumers for x in g.get(timeout=30)]
        for p in producers:
            p.get(timeout=30)
        equal(sorted(items), list(range(4 * n)))
        equal((len(q), q.empty()), (0, True))


@test
def threads_share_a_channel():
    c, n = Channel(), 1000
    results = [in_thread(lambda: [c.get() for _ in range(n)]), spawn(lambda: [c.get() for _ in range(n)])]
    putters = [in_thread(lambda: [c.put(i) for i in range(n)]), spawn(lambda: [c.put(n + i) for i in range(n)])]
    equal(sorted(x for r in results for x in r.get(timeout=30)), list(range(2 * n)))
    for p in putters:
        p.get(timeout=30)


@test
def kills_and_timeouts_lose_no_item():
    q, got, end = Queue(4), [], time.monotonic() + 1.5

    def consume():
        while True:
            try:
                got.append(q.get(timeout=0.0005))
            except Empty:
                if time.monotonic() > end + 0.5:
                    return

    def be_killed():
        while time.monotonic() < end:
            g = quietly(lambda: got.append(q.get()))
            sleep(0.0002)
            g.kill()

    def produce():
        i = 0
        while time.monotonic() < end:
            q.put(i)
            i += 1
            if i % 50 == 0:
                sleep(0.001)
        return i

    producers = [spawn(produce), in_thread(produce)]
    others = [spawn(consume), in_thread(consume), spawn(be_killed), spawn(be_killed)]
    made = sum(p.get(timeout=30) for p in producers)
    for g in others:
        g.get(timeout=30)
    equal(len(got) + len(q), made)


@test
def the_child_of_a_fork_has_none_of_the_other_threads():
    q, e = Queue(), Event()
    gs = [spawn(q.get), in_thread(q.get), spawn(e.wait), in_thread(e.wait)]
    settle()
    while e.linkcount() < 2:
        sleep(0.001)
    pid = os.fork()
    if pid == 0:
        q.put(1)
        q.put(2)
        e.set()
        answers = gs[0].get(timeout=5), q.get_nowait(), gs[2].get(timeout=5), e.linkcount()
        os._exit(answers != (1, 2, True, 0))
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
    q.put(1)
    q.put(2)
    e.set()
    equal(sorted(map(int, [g.get(timeout=5) for g in gs])), [1, 1, 1, 2])


@test
def queues_leave_nothing_behind():
    def use(n):
        for _ in range(n):
            for kind in (*ALL, Channel):
                q = kind()
                g = spawn(q.get)
                sleep(0)
                q.put(5)
                g.join()
                g = quietly(q.get)
                sleep(0)
                g.kill()
            q = Queue(1, [1])
            g = spawn(q.put, 2)
            sleep(0)
            copy.copy(q.queue)
            q.copy()
            q.get()
            g.join()
    leaves_nothing(use, 200)
    q, thing = Queue(), Thing()
    ref = refer(thing)
    q.put((q, thing))
    del q, thing
    gc.collect()
    assert ref() is None


@test
def a_timeout_as_the_limit_is_what_is_raised():
    for q in (Queue(1), SimpleQueue(1), LifoQueue(1), PriorityQueue(1), Channel()):
        for call in ((q.get,), (q.put, 1)):
            if call[0] == q.put and not isinstance(q, Channel):
                q.put(0)
            t = ramet.Timeout(0.01)
            assert raises(ramet.Timeout, *call, timeout=t) is t
            raises(KeyError, *call, timeout=ramet.Timeout(0.01, KeyError))
            raises(Full if call[0] == q.put else Empty, *call, block=False, timeout=t)
    t = ramet.Timeout(0.01)
    for wait in (ramet.event.AsyncResult().get, ramet.spawn(ramet.sleep, 100).get):
        assert raises(ramet.Timeout, wait, timeout=t) is t
        raises(KeyError, wait, timeout=ramet.Timeout(0.01, KeyError))


@test
def who_puts_into_a_channel_goes_on_after_who_takes():
    c, seen = Channel(), []

    def taker():
        seen.append(c.get())
        seen.append(c.get())

    def putter():
        for item in "cd":
            c.put(item)
            seen.append("put " + item)

    g = ramet.spawn(taker)
    for item in "ab":
        c.put(item)
        seen.append("put " + item)
    g.get()
    equal(seen, ["a", "put a", "b", "put b"])
    del seen[:]
    g = ramet.spawn(putter)
    seen.append(c.get())
    seen.append(c.get())
    g.get()
    equal(seen, ["c", "put c", "d", "put d"])


main()
