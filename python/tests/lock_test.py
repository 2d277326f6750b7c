"""Semaphores and locks: fairness, kills, threads."""
import threading
import time

from lib.green import in_hub, in_thread, leaves_nothing, quietly, settle, spawn, within
from lib.tap import equal, main, raises, test
from ramet import _core
from ramet._core import LockType, getcurrent, sleep
from ramet.exceptions import LoopExit
from ramet.lock import BoundedSemaphore, DummySemaphore, RLock, Semaphore


@test
def a_semaphore_counts():
    s = Semaphore(1)
    equal((s.acquire(), s.acquire(blocking=False), s.acquire(timeout=0.01), s.locked(), s.release(), s.counter),
          (True, False, False, True, 1, 1))
    equal((Semaphore().counter, Semaphore(value=3, hub=None).counter, s.ready()), (1, 3, True))
    raises(ValueError, Semaphore, -1)
    raises(TypeError, Semaphore, "a")
    with s:
        equal(s.counter, 0)
    equal(s.counter, 1)


@test
def tools_know_who_holds_it():
    """A lock that its holder waits for is a signal, and a semaphore has no holder."""
    for lock, known in ((RLock(), True), (LockType(), True), (BoundedSemaphore(1), True), (_core.ThreadRLock(), True),
                        (BoundedSemaphore(2), False), (Semaphore(1), False)):
        while lock.acquire(blocking=False) and not known and lock.counter:
            pass
        waits = spawn(lock.acquire)
        settle()
        equal((_core.waits_for(waits), _core.waits_for_whom(waits)),
              ("a lock", getcurrent()) if known else ("a semaphore", None))
        then = spawn(lock.acquire)
        settle()
        lock.release()  # hands it on
        if known:
            equal(_core.waits_for_whom(then), waits)
        then.kill()
        settle()
    signal = LockType()
    signal.acquire()
    g = spawn(lambda: (sleep(0.01), signal.release()))
    signal.acquire()
    g.join()
    joins = spawn(spawn(sleep, 600).join)
    settle()
    equal((_core.waits_for(joins), _core.waits_for_whom(joins).args), ("an end", (600,)))
    equal((_core.waits_for(getcurrent()), _core.waits_for_whom(None)), (None, None))
    elsewhere = LockType()
    equal(in_thread(elsewhere.acquire).get(), True)
    g = spawn(elsewhere.acquire)
    settle()
    equal((_core.waits_for(g), _core.waits_for_whom(g)), ("a lock", None))  # it is a greenlet of another thread
    elsewhere.release()
    g.join()


@test
def a_circle_of_locks_is_told_first():
    a, b = RLock(), RLock()

    def take(first, second):
        with first:
            sleep(0.01)
            with second:
                pass
    one, two = spawn(take, a, b), spawn(take, b, a)
    others = [spawn(Semaphore(0).acquire) for _ in range(3)]
    e = raises(LoopExit, one.join)
    lines = e.args[2]
    equal([f"<Greenlet at 0x{id(two):x}>" in lines[0] or f"<Greenlet at 0x{id(two):x}>" in lines[1],
           sum("a lock, held by <Greenlet at 0x" in line for line in lines[:2]), len(lines) >= 5], [True, 2, True])
    for g in [one, two, *others]:
        g.kill()


@test
def who_came_first_is_served_first():
    s, seen = Semaphore(0), []

    def take(i):
        s.acquire()
        seen.append(i)
    for i in range(5):
        spawn(take, i)
    settle()
    for i in range(5):
        s.release()
    settle()
    equal((seen, s.counter), (list(range(5)), 0))


@test
def who_takes_it_again_at_once_starves_nobody():
    s, others = Semaphore(1), []

    def take():
        with s:
            others.append(1)
    s.acquire()
    gs = [spawn(take) for _ in range(3)]
    settle()
    for _ in range(4):
        s.release()
        s.acquire()
    equal(len(others), 3)
    s.release()
    for g in gs:
        g.join()


@test
def what_a_killed_waiter_was_given_goes_to_the_next():
    for kind in (Semaphore, BoundedSemaphore, LockType, RLock):
        s = kind()
        s.acquire()
        first, second = quietly(s.acquire), quietly(s.acquire)
        settle()
        s.release()  # the first has it, but has not run
        first.kill(KeyError("late"), block=False)
        assert isinstance(first.get(), KeyError)
        equal(second.get(timeout=5), True)


@test
def time_runs_out_without_harm():
    s = Semaphore(0)
    gs = [spawn(s.acquire, True, 0.005 * i) for i in range(10)]
    equal([g.get() for g in gs], [False] * 10)
    equal((s.linkcount(), s.release(), s.acquire(timeout=1)), (0, 1, True))


@test
def wait_takes_nothing():
    s = Semaphore(0)
    equal(s.wait(0.001), 0)
    lookers, taker = [spawn(s.wait) for _ in range(2)], spawn(s.acquire)
    settle()
    s.release()
    equal([g.get() for g in lookers] + [taker.get(), s.counter], [1, 1, True, 0])
    equal(Semaphore(2).wait(), 2)


@test
def a_semaphore_tells_its_callbacks_while_it_has_something():
    s, seen = Semaphore(0), []
    s.rawlink(lambda _: seen.append("a"))
    s.release()
    s.rawlink(lambda _: seen.append("b"))
    s.release()
    settle()
    equal((seen, s.linkcount()), (["a", "b"], 0))
    s = Semaphore(0)
    s.rawlink(lambda x: seen.append(x.acquire(False)))
    s.rawlink(lambda x: seen.append("other"))
    s.release()
    settle()
    equal((seen[2:], s.linkcount()), ([True], 1))
    s.release()
    settle()
    equal(seen[3:], ["other"])


@test
def a_bounded_one_notices_too_many_releases():
    b = BoundedSemaphore(2)
    b.acquire()
    equal(b.release(), 2)
    equal(str(raises(ValueError, b.release)), "Semaphore released too many times")
    raises(RuntimeError, LockType().release)


@test
def a_dummy_has_enough():
    d = DummySemaphore(5)
    equal((d.acquire(), d.acquire(False, 1), d.release(), d.locked(), d.wait(), d.ready()),
          (True, True, None, False, 1, True))
    with d:
        pass
    d.rawlink(print)
    d.unlink(print)


@test
def the_hub_does_not_wait():
    s = Semaphore(0)
    assert isinstance(in_hub(s.acquire)[1], _core.BlockingSwitchOutError)
    equal(in_hub(lambda: s.acquire(blocking=False)), (False, None))


@test
def a_lock_is_as_the_interpreters_own():
    k = LockType()
    equal((k.acquire(), k.locked(), k.acquire(False), k.acquire(False, -1), k.acquire(True, 0.001)),
          (True, True, False, False, False))
    equal(str(raises(ValueError, k.acquire, False, 1)), "can't specify a timeout for a non-blocking call")
    equal(str(raises(ValueError, k.acquire, True, -2)), "timeout value must be strictly positive")
    equal(str(raises(OverflowError, k.acquire, timeout=1e30)), "timeout value is too large")
    k._at_fork_reinit()
    with k as entered:
        equal((entered, k.locked()), (True, True))
    equal(k.locked(), False)


@test
def a_try_lock_loop_lets_the_holder_run():
    k = LockType()
    k.acquire()

    def hold():
        sleep(0.02)
        k.release()
    spawn(hold)
    end = time.monotonic() + 10
    while not k.acquire(False):
        assert time.monotonic() < end, "the holder never ran"


@test
def an_rlock_belongs_to_its_greenlet():
    r = RLock()
    equal((r.acquire(), r.acquire(), r._count, r._owner), (True, True, 2, getcurrent()))
    equal(spawn(r.acquire, False).get(), False)
    equal(spawn(r.acquire, timeout=0.001).get(), False)
    assert isinstance(quietly(r.release).get(), RuntimeError)
    waits = spawn(lambda: (r.acquire(), r._is_owned(), r.release()))
    settle()
    r.release()
    equal(waits.ready(), False)
    r.release()
    equal(waits.get(), (True, True, None))
    raises(RuntimeError, r.release)
    equal((r._owner, r._count, r.locked()), (None, 0, False))


@test
def an_rlock_serves_a_condition():
    c = threading.Condition(RLock())
    with c, c:
        state = c._lock._release_save()
        equal((c._lock.locked(), state[0]), (False, 2))
        c._lock._acquire_restore(state)
        equal((c._lock._count, c._lock._is_owned()), (2, True))
    equal(c._lock.locked(), False)
    seen = []

    def use(i):
        with c:
            seen.append(i)
    for i in range(3):
        spawn(use, i)
    settle()
    equal(seen, [0, 1, 2])


@test
def threads_share_a_lock():
    for kind in (Semaphore, LockType, RLock):
        lock, total = kind(), [0]

        def work(n, yields):
            for _ in range(n):
                with lock:
                    x = total[0]
                    if yields:
                        yields(0)
                    total[0] = x + 1

        done = [in_thread(work, 300, time.sleep) for _ in range(2)]
        gs = [spawn(work, 300, sleep) for _ in range(3)]
        for g in gs:
            g.join(20)
        for d in done:
            d.get(timeout=20)
        equal(total, [1500])
        equal(lock.linkcount(), 0)


@test
def threads_kills_and_timeouts_lose_nothing():
    s = Semaphore(3)
    end = time.monotonic() + 1.5
    stop = lambda: time.monotonic() > end

    def work(pause):
        while not stop():
            if s.acquire(timeout=0.0005):
                try:
                    pause(0.0002)
                finally:
                    s.release()

    def be_killed():
        while not stop():
            g = quietly(lambda: s.acquire() and s.release())
            sleep(0.0003)
            g.kill()
            if g.get() is True:
                s.release()

    done = [in_thread(work, time.sleep) for _ in range(2)]
    gs = [spawn(work, sleep) for _ in range(4)] + [spawn(be_killed) for _ in range(2)]
    for g in gs:
        g.join(20)
    for d in done:
        d.get(timeout=20)
    assert within(5, lambda: s.counter == 3), s


@test
def locks_leave_nothing_behind():
    def use(n):
        for _ in range(n):
            for kind in (Semaphore, LockType, RLock):
                s = kind()
                s.rawlink(lambda _: None)
                s.acquire()
                g = spawn(s.acquire, timeout=5)
                sleep(0)
                s.release()
                g.join()
                s.acquire(False)
    leaves_nothing(use, 300)


main()
