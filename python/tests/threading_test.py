"""The modules thread and threading: threads that are greenlets, with and without threading being patched."""
import _thread
import gc
import os
import sys
import threading
import time

from lib.tap import equal, main, raises, test

import ramet
from ramet import thread as green_thread
from ramet import threading as green


def patch():
    """What the monkey does, as far as these tests need it."""
    main_thread = threading.main_thread()
    threading._active.pop(main_thread.ident)
    for name in green.__implements__:
        setattr(threading, name, getattr(green, name))
    main_thread._ident = threading.get_ident()
    if hasattr(main_thread, "_handle"):
        main_thread._handle = threading._make_thread_handle(main_thread._ident)
    threading._active[main_thread._ident] = main_thread


def run_thread(cls=None, **kwargs):
    t = (cls or green.Thread)(**kwargs)
    t.start()
    return t


@test
def tools_call_threads_by_their_names():
    seen = []

    def note():
        seen.append(ramet.getcurrent().name)
    run_thread(target=note, name="worker").join()
    green_thread.start_new_thread(note, ())
    ramet.sleep(0.01)
    equal(seen, ["worker", "tools_call_threads_by_their_names.<locals>.note"])


@test
def threads_are_greenlets_that_are_joined():
    seen = []

    def body(x, y):
        seen.append((x, y, green.current_thread(), green_thread.get_ident(), _thread.get_ident()))
        ramet.sleep(0.02)
    t = run_thread(target=body, args=(1,), kwargs={'y': 2}, name='bob')
    equal(seen, [(1, 2, t, t.ident, _thread.get_ident())])
    equal((t.is_alive(), t.name, t.daemon, isinstance(t, threading.Thread)), (True, 'bob', False, True))
    t.join(0.001)
    assert t.is_alive() and t in threading.enumerate()
    t.join()
    assert not t.is_alive() and t not in threading.enumerate()
    raises(RuntimeError, t.start)
    raises(RuntimeError, green.Thread().join)


@test
def several_join_one_thread():
    t = run_thread(target=ramet.sleep, args=(0.02,))
    joiners = [ramet.spawn(t.join) for _ in range(3)] + [run_thread(target=t.join)]
    ramet.joinall(joiners[:3], timeout=20, raise_error=True)
    joiners[3].join()
    assert all(g.successful() for g in joiners[:3])


@test
def a_join_that_is_given_up_ends_no_thread():
    t = run_thread(target=ramet.sleep, args=(0.05,))
    with ramet.Timeout(0.01, False):
        t.join()
    assert t.is_alive()
    joiner = ramet.spawn(t.join)
    ramet.sleep(0)
    joiner.kill()
    assert t.is_alive()
    t.join()
    assert not t.is_alive()


@test
def a_thread_cannot_join_itself():
    errors = []
    run_thread(target=lambda: errors.append(raises(RuntimeError, green.current_thread().join))).join()
    equal(len(errors), 1)


@test
def errors_of_threads_go_to_the_hook():
    seen, before = [], threading.excepthook
    threading.excepthook = seen.append
    try:
        run_thread(target=lambda: 1 / 0).join()
        run_thread(target=sys.exit).join()
    finally:
        threading.excepthook = before
    equal([args.exc_type for args in seen], [ZeroDivisionError, SystemExit])


@test
def timers_run_or_are_cancelled():
    seen = []
    t = run_thread(green.Timer, interval=0.01, function=seen.append, args=(1,))
    cancelled = run_thread(green.Timer, interval=60, function=seen.append, args=(2,))
    cancelled.cancel()
    t.join()
    cancelled.join()
    equal(seen, [1])
    assert isinstance(t, threading.Thread)


@test
def other_greenlets_have_dummies_while_they_live():
    seen = []

    def body():
        seen.append(green.current_thread())
        assert seen[-1] is green.current_thread() and seen[-1].is_alive()
    for spawn in (ramet.spawn, ramet.spawn_raw):
        before = dict(threading._active)
        g = spawn(body)
        while not g.dead:
            ramet.sleep(0)
        del g
        gc.collect()
        ramet.sleep(0)
        equal(threading._active, before)
    equal([(type(t).__name__, t.is_alive()) for t in seen], [('_DummyThread', False)] * 2)
    assert green.current_thread() is threading.main_thread() is green.main_native_thread()


@test
def locks_are_those_of_threads():
    lock = green_thread.allocate_lock()
    assert isinstance(lock, green_thread.LockType) and green.Lock is green_thread.LockType
    equal((lock.acquire(), lock.locked(), lock.acquire(False), lock.acquire(True, 0.001)), (True, True, False, False))
    lock.release()
    raises(RuntimeError, lock.release)
    raises(ValueError, lock.acquire, False, 1)
    raises(ValueError, lock.acquire, True, -2)
    raises(OverflowError, lock.acquire, timeout=1e20)
    with lock as entered:
        equal(entered, True)
        g = ramet.spawn(lock.acquire)
        ramet.sleep(0)
    equal(g.get(), True)


@test
def functions_are_started():
    seen = []
    ident = green_thread.start_new_thread(lambda *a, **k: seen.append((a, k, green_thread.get_ident())), (1,), {'b': 2})
    ramet.sleep(0)
    equal(seen, [((1,), {'b': 2}, ident)])
    for args in ((5,), (print, []), (print, (), 5)):
        raises(TypeError, green_thread.start_new_thread, *args)
    green_thread.start_new_thread(sys.exit, ())
    green_thread.start_new_thread(green_thread.exit, ())
    ramet.sleep(0.01)
    raises(ramet.GreenletExit, green_thread.exit)
    equal(green_thread.get_ident(), id(ramet.getcurrent()))
    equal(green_thread.stack_size(), _thread.stack_size())
    raises(ValueError, green_thread.stack_size, 5)


@test
def handles_are_joined():
    seen = []
    handle = green_thread.start_joinable_thread(lambda: (ramet.sleep(0.02), seen.append(1)), daemon=False)
    assert handle.ident and not handle.is_done()
    handle.join(0.001)
    equal(seen, [])
    handle.join()
    assert handle.is_done() and seen == [1]
    raises(RuntimeError, green_thread._ThreadHandle().join)
    raises(RuntimeError, green_thread.start_joinable_thread, print, handle)
    raises(RuntimeError, green_thread._make_thread_handle(green_thread.get_ident()).join)
    green_thread.start_joinable_thread(lambda: (ramet.sleep(0.02), seen.append(2)), daemon=False)
    green_thread.start_joinable_thread(lambda: ramet.sleep(60), daemon=True)
    while green_thread._to_be_joined:
        next(iter(green_thread._to_be_joined)).join()
    equal(seen, [1, 2])


@test
def what_is_patched_is_made_of_greenlets():
    plain = threading.Thread
    patch()
    assert threading.Thread is plain and threading.current_thread() is threading.main_thread()
    condition, items = threading.Condition(), []

    def consume():
        with condition:
            while not items:
                condition.wait()
            items.append(threading.current_thread().name)
    t = run_thread(threading.Thread, target=consume, name='consumer')
    with condition:
        items.append(0)
        condition.notify()
    t.join()
    equal(items, [0, 'consumer'])
    barrier = threading.Barrier(3)
    threads = [run_thread(threading.Thread, target=barrier.wait) for _ in range(2)]
    barrier.wait()
    for t in threads:
        t.join()
    r = threading.RLock()
    with r, r:
        assert not ramet.spawn(r.acquire, False).get()


@test
def locals_belong_to_greenlets():
    data = green.local()
    data.x = 1
    equal(ramet.spawn(lambda: hasattr(data, 'x')).get(), False)
    equal(data.x, 1)


@test
def queues_and_executors_work_when_patched():
    patch()
    import queue

    from ramet.queue import SimpleQueue
    queue.SimpleQueue = SimpleQueue  # the library's blocks the OS thread
    from concurrent.futures import ThreadPoolExecutor
    q = queue.Queue(1)
    t = run_thread(threading.Thread, target=lambda: [q.put(n) for n in range(5)])
    equal([q.get() for _ in range(5)], list(range(5)))
    t.join()
    start = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        equal(list(pool.map(lambda n: ramet.sleep(0.1) or n, range(10))), list(range(10)))
    assert time.monotonic() - start < 0.9


@test
def the_child_of_a_fork_has_one_thread():
    patch()
    t = run_thread(threading.Thread, target=ramet.sleep, args=(60,), daemon=True)
    pid = os.fork()
    if not pid:
        ok = threading.enumerate() == [threading.main_thread()] and not t.is_alive()
        os._exit(0 if ok else 1)
    equal(os.waitpid(pid, 0)[1], 0)
    assert t.is_alive()


@test
def the_interpreter_waits_for_threads_at_its_end():
    for patched in (False, True):
        r, w = os.pipe()
        pid = os.fork()
        if not pid:
            ramet.reinit()
            if patched:
                patch()
            module = threading if patched else green
            run_thread(module.Thread, target=lambda: (ramet.sleep(0.05), os.write(w, b'last')))
            run_thread(module.Thread, target=ramet.sleep, args=(60,), daemon=True)
            threading._shutdown()
            os._exit(0)
        os.close(w)
        equal((os.read(r, 10), os.waitpid(pid, 0)[1]), (b'last', 0))


@test
def ctrl_c_in_a_thread_is_the_main_greenlet_s():
    for patched in (False, True):
        if patched:
            patch()
        seen, before = [], threading.excepthook
        threading.excepthook = seen.append
        module = threading if patched else green
        t = run_thread(module.Thread, target=lambda: (ramet.sleep(0), _thread.interrupt_main(), ramet.sleep(0)))
        raises(KeyboardInterrupt, t.join)
        t.join()
        threading.excepthook = before
        equal(seen, [])


@test
def a_thread_that_is_killed_has_no_error():
    patch()
    seen, greenlets = [], []
    threading.excepthook = seen.append
    t = run_thread(threading.Thread, target=lambda: (greenlets.append(ramet.getcurrent()), ramet.sleep(60)))
    ramet.kill(greenlets[0])
    t.join()
    run_thread(threading.Thread, target=green_thread.exit).join()
    equal((seen, t.is_alive()), ([], False))


@test
def what_was_started_is_counted():
    before = green_thread._count()
    green_thread.start_new_thread(ramet.sleep, (0.01,))
    equal(green_thread._count(), before + 1)
    ramet.sleep(0.03)
    equal(green_thread._count(), before)


@test
def errors_of_functions_that_were_started_go_to_the_hook():
    seen = []
    sys.unraisablehook = lambda what: seen.append((repr(what.exc_value), what.object, what.err_msg))

    def fail():
        raise KeyError('mine')
    green_thread.start_new_thread(fail, ())
    ramet.sleep(0.01)
    message = 'Exception ignored in thread started by'  # and the function, which is in the message since 3.13
    equal(seen, [("KeyError('mine')", None, f"{message} {fail!r}") if sys.version_info >= (3, 13) else
                 ("KeyError('mine')", fail, message)])


@test
def the_lock_of_a_thread_that_has_ended_is_a_lock():
    sentinel = green._set_sentinel()
    sentinel.acquire()
    equal((sentinel.acquire(False), sentinel.acquire(timeout=0.001), sentinel.locked()), (False, False, True))
    sentinel.release()
    equal((sentinel.locked(), sentinel.acquire(), sentinel.locked(), sentinel.acquire(False)),
          (False, True, True, False))
    sentinel.release()
    assert not sentinel.locked()


main()
