"""ThreadPool and ThreadPoolExecutor: native workers for greenlets."""
import _thread
import concurrent.futures
import os
import pathlib
import sys
import threading
import time

from lib.green import Thing, in_thread, quietly, refer, settle, spawn, within
from lib.tap import equal, main, raises, test
from ramet import _core
from ramet._core import AsyncResult, Event, LoopExit, get_hub, sleep
from ramet.threadpool import ThreadPool, ThreadPoolExecutor

REPORTS = []


def own_threads():
    """All but the runtime's."""
    tasks = [task / "comm" for task in pathlib.Path("/proc/self/task").iterdir()]
    return [name for name in (task.read_text() for task in tasks) if not name.startswith("ramet ")]


def keep_reports():
    get_hub().handle_error = lambda context, kind, value, tb: REPORTS.append(kind)


@test
def workers_are_os_threads():
    p = ThreadPool(2)
    r = p.spawn(_thread.get_ident)
    assert isinstance(r, AsyncResult)
    assert r.get() != _thread.get_ident()
    equal((p.apply(len, ([1],)), p.apply(dict, kwds={"a": 1}), p.size, p.maxsize, len(p)), (1, {"a": 1}, 1, 2, 0))
    assert repr(p).startswith("<ThreadPool at 0x"), p


@test
def greenlets_run_meanwhile():
    p, ticks = ThreadPool(4), []

    def tick():
        while True:
            sleep(0.005)
            ticks.append(1)
    ticker = spawn(tick)
    start = time.monotonic()
    rs = [p.spawn(time.sleep, 0.1) for _ in range(4)]
    for r in rs:
        r.get()
    assert time.monotonic() - start < 0.35 and len(ticks) > 5, (time.monotonic() - start, len(ticks))
    ticker.kill()


@test
def spawn_waits_when_there_is_too_much():
    p = ThreadPool(1)
    gate = threading.Event()
    p.spawn(gate.wait)
    next_, third = spawn(p.spawn, len, ()), spawn(p.spawn, len, (1,))
    settle()
    equal((next_.ready(), third.ready(), len(p)), (True, False, 2))
    gate.set()
    equal((next_.get().get(), third.get().get()), (0, 1))


@test
def errors_are_raised_and_reported():
    keep_reports()
    p = ThreadPool(2)
    e = raises(ZeroDivisionError, p.apply, lambda: 1 // 0)
    assert e.__traceback__ is not None
    raises(SystemExit, p.apply, exit)
    settle()
    equal(REPORTS, [ZeroDivisionError, SystemExit])
    equal((p.apply(len, ((),)), p.size), (0, 1))


@test
def functions_are_mapped():
    p, seen = ThreadPool(3), []
    equal(p.map(len, [[], [1]]), [0, 1])
    equal(list(p.imap(len, [[], [1]])), [0, 1])
    equal(sorted(p.imap_unordered(len, [[], [1]])), [0, 1])
    equal((p.map_async(len, [[1]]).get(), p.apply_async(len, ([1],)).get()), ([1], 1))
    p.apply_async(len, ((),), callback=seen.append).join()
    equal((p.apply_cb(len, ([1],), callback=seen.append), seen), (1, [0, 1]))


@test
def its_size_follows_orders():
    p = ThreadPool(3)
    equal(p.size, 0)
    p.size = 3
    equal(p.size, 3)
    p.size = 1
    p.maxsize = 5
    equal((p.size, p.maxsize), (1, 5))
    rs = [p.spawn(time.sleep, 0.02) for _ in range(5)]
    equal(p.size, 5)
    p.maxsize = 2
    equal((p.size, len(p)), (2, 5))
    for r in rs:
        r.get()
    equal(p.map(len, [()] * 10), [0] * 10)
    raises(ValueError, ThreadPool, -1)
    raises(TypeError, ThreadPool, "a")
    raises(ValueError, setattr, p, "size", 9)
    raises(ValueError, setattr, p, "size", -1)
    raises(ValueError, setattr, p, "maxsize", -1)


@test
def it_is_joined_and_killed():
    p, done = ThreadPool(2), []
    p.join()
    for _ in range(2):
        p.spawn(lambda: (time.sleep(0.02), done.append(1)))
    p.join()
    equal((len(done), len(p), p.size), (2, 0, 2))
    p.kill()
    equal(p.size, 0)
    equal(p.apply(len, ((),)), 0)  # it begins again
    p.kill()
    p.kill()
    assert within(5, lambda: len(own_threads()) == 1)


@test
def idle_workers_leave():
    p = ThreadPool(3, idle_task_timeout=0.02)
    p.map(lambda x: time.sleep(0.01), range(3))
    assert within(5, lambda: p.size == 0)
    equal(p.apply(len, ((),)), 0)


@test
def idle_workers_do_not_hide_a_deadlock():
    p = ThreadPool(3)
    p.map(time.sleep, [0.01] * 3)
    equal(p.size, 3)
    raises(LoopExit, Event().wait)
    r = p.spawn(time.sleep, 0.1)
    r.get()  # while one works there is none
    raises(LoopExit, Event().wait)
    p.kill()
    raises(LoopExit, Event().wait)


@test
def who_waits_for_a_worker_may_be_killed():
    p = ThreadPool(1)
    r = p.spawn(time.sleep, 0.05)
    g = quietly(r.get)
    blocked = quietly(p.spawn, len, ())
    settle()
    g.kill()
    blocked.kill()
    equal((r.get(), p.apply(len, ((),)), len(p)), (None, 0, 0))


@test
def workers_may_use_greenlets_themselves():
    p = ThreadPool(2)

    def inside():
        e = Event()
        g = spawn(lambda: (sleep(0.005), e.set()))
        return e.wait(5), g.get()[1], p.apply(_thread.get_ident) == _thread.get_ident()
    equal(p.map(lambda _: inside(), range(4)), [(True, None, True)] * 4)


@test
def threads_share_a_pool():
    p = ThreadPool(3)

    def use(n):
        return [p.spawn(abs, -i).get() for i in range(n)]
    rs = [in_thread(use, 200), spawn(use, 200), in_thread(use, 200)]
    equal([r.get(timeout=30) for r in rs], [list(range(200))] * 3)
    p.join()
    equal(len(p), 0)


@test
def a_child_begins_again():
    p = ThreadPool(2)
    p.map(len, [(), ()])
    pid = os.fork()
    if pid == 0:
        os._exit(0 if p._check_fork() is None and p.size == 0 and len(p) == 0 else 1)
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
    equal(p.apply(len, ((),)), 0)


@test
def workers_keep_nothing():
    p = ThreadPool(1)
    thing = Thing()
    ref = refer(thing)
    p.apply(id, (thing,))
    del thing
    assert within(5, lambda: ref() is None)
    equal(threading.active_count(), 1)


@test
def an_executor_has_futures():
    with ThreadPoolExecutor(2) as x:
        f = x.submit(pow, 2, 5)
        equal((f.result(), f.done(), f.exception(), f.cancel(), f.cancelled()), (32, True, None, False, False))
        e = x.submit(lambda: 1 // 0)
        raises(ZeroDivisionError, e.result)
        assert isinstance(e.exception(), ZeroDivisionError)
        seen = []
        f = x.submit(time.sleep, 0.01)
        f.add_done_callback(seen.append)
        raises(concurrent.futures.TimeoutError, f.result, timeout=0.001)
        gs = [spawn(f.result) for _ in range(3)]
        equal([g.get() for g in gs], [None] * 3)
        equal(seen, [f])
        equal(list(x.map(len, [(), (1,)])), [0, 1])
        slow = [x.submit(time.sleep, 0.02) for _ in range(6)]  # none of these blocks
        late = x.submit(len, ())
        assert late.cancel() and late.cancelled()
        equal([s.result() for s in slow], [None] * 6)
    raises(RuntimeError, x.submit, len, ())
    x.kill()


@test
def a_fast_worker_is_not_lost():
    p = ThreadPool(2)
    for i in range(2000):
        equal(p.spawn(abs, -i).get(timeout=20), i)
    assert _core is not None


@test
def futures_can_be_waited_for_by_whoever_waits():
    import ramet
    with ThreadPoolExecutor(2) as pool:
        slow, quick = pool.submit(time.sleep, 0.1), pool.submit(len, ())
        equal(ramet.wait([slow, quick]), [quick, slow])
        called = []
        one = pool.submit(len, (1,))
        one.add_done_callback(lambda f: called.append((threading.get_ident(), f.result())))
        done, not_done = concurrent.futures.wait([one])  # blocks the OS thread, as nothing is patched
        equal((done, not_done, one.result()), ({one}, set(), 1))
        settle()
        equal(called, [(threading.get_ident(), 1)])
        bad = pool.submit(int, "x")
        assert isinstance(bad.exception(timeout=20), ValueError)
    pool = ThreadPoolExecutor(1)
    gate = threading.Event()
    first, second, third = [pool.submit(gate.wait) for _ in range(3)]
    assert third.cancel() and ramet.wait([third], timeout=20) == [third]
    gate.set()
    first.result(20), second.result(20)
    pool.kill()


@test
def kill_ends_workers_that_later_calls_have_begun():
    p = ThreadPool(2)
    results = p.map_async(time.sleep, [0.02] * 6)  # four of them wait for a place
    settle()
    p.kill()
    equal((p.size, p._living), (0, 0))
    equal(results.get(timeout=20), [None] * 6)
    p.kill()


@test
def the_loop_is_not_done_before_the_pool_is():
    import ramet
    p = ThreadPool(2)
    done = []
    for _ in range(3):
        p.spawn(lambda: (time.sleep(0.05), done.append(1)))
    assert ramet.wait() is True
    equal(done, [1] * 3)
    raises(ZeroDivisionError, p.spawn(lambda: 1 // 0).get)
    assert ramet.wait(timeout=20) is True
    equal(get_hub().loop.activecnt, 0)


@test
def a_child_of_a_fork_does_not_wait_for_calls_of_its_parent():
    import ramet
    p = get_hub().threadpool
    gate = threading.Event()
    parents = p.spawn(gate.wait)
    pid = ramet.fork()
    if not pid:
        os._exit(0 if p.apply(len, ((),)) == 0 and ramet.wait(timeout=20) else 1)
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
    gate.set()
    assert parents.get(timeout=20)


@test
def hooks_are_there_for_each_call():
    pool = ThreadPool(1)
    pool.apply(int)  # its worker is older than the hooks
    seen = []
    threading.settrace(lambda *args: seen.append("trace"))
    threading.setprofile(lambda *args: seen.append("profile"))
    try:
        assert all(pool.apply(lambda: (sys.gettrace(), sys.getprofile())))
    finally:
        threading.settrace(None)
        threading.setprofile(None)
    assert {"trace", "profile"} <= set(seen)
    equal(pool.apply(lambda: (sys.gettrace(), sys.getprofile())), (None, None))
    pool.kill()


main()
