"""What nobody should do, or what comes at the worst moment: an error is all that may come of it."""
import _thread
import contextvars
import copy
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref

import ramet
from lib.green import in_hub, in_thread, quietly, settle, spawn, within
from lib.tap import equal, main, raises, test
from ramet import _core, event, exceptions, lock, pywsgi, queue, socket
from ramet._core import get_hub, sleep
from ramet._greenlet import GreenletExit, error, getcurrent, greenlet


def ended(function):
    """What it returned in an OS thread that has ended."""
    out = []
    thread = threading.Thread(target=lambda: out.append(function()))
    thread.start()
    thread.join()
    return out[0]


def back(*args):
    return getcurrent().parent.switch(*args)


# ---- threads that have ended ----------------------------------------------------------


@test
def watchers_outlive_their_thread():
    r, w = os.pipe()

    def start(make):
        watcher = make(get_hub().loop)
        watcher.start(lambda *args: None)
        return watcher

    for make in (lambda loop: loop.timer(10), lambda loop: loop.timer(1, 1), lambda loop: loop.io(r, 1),
                 lambda loop: loop.prepare(), lambda loop: loop.check(), lambda loop: loop.idle(),
                 lambda loop: loop.fork(), lambda loop: loop.async_(), lambda loop: loop.signal(signal.SIGUSR1)):
        watcher, other = ended(lambda: [start(make), start(make)])
        watcher.ref = False
        watcher.stop()
        equal(watcher.active, False)
        other.close()
        raises(ValueError, watcher.start, print)
        watcher.feed(1, print)
        del watcher, other
        gc.collect()
    os.close(r)
    os.close(w)


@test
def watchers_of_other_threads_are_left_alone():
    go, has = threading.Event(), threading.Event()

    def body():
        kept.append(get_hub().loop.timer(100))
        kept[0].start(print)
        has.set()
        go.wait()

    kept = []
    thread = threading.Thread(target=body)
    thread.start()
    has.wait()
    raises(ValueError, kept[0].stop)
    raises(ValueError, kept[0].close)
    equal(kept[0].active, True)
    go.set()
    thread.join()
    kept[0].stop()


@test
def a_signal_whose_watcher_s_thread_has_ended_is_as_before():
    seen = []
    signal.signal(signal.SIGUSR1, lambda *args: seen.append(1))

    def body():
        watcher = get_hub().loop.signal(signal.SIGUSR1)
        watcher.start(seen.append, 2)
        return watcher

    watcher = ended(body)
    os.kill(os.getpid(), signal.SIGUSR1)
    sleep(0.001)
    equal(seen, [1])
    watcher.stop()
    again = get_hub().loop.signal(signal.SIGUSR1)
    again.start(seen.append, 3)
    os.kill(os.getpid(), signal.SIGUSR1)
    assert within(10, lambda: len(seen) > 1)
    equal(seen, [1, 3])
    again.stop()
    os.kill(os.getpid(), signal.SIGUSR1)
    sleep(0.001)
    equal(seen, [1, 3, 1])


@test
def greenlets_to_start_later_outlive_their_thread():
    later = ended(lambda: _core.Greenlet.spawn_later(50, print, "never"))
    later.kill(block=False)
    equal((later.ready(), later.successful()), (True, True))
    again = ended(lambda: ramet.Greenlet(print, "never"))
    raises(exceptions.InvalidThreadUseError, again.start)
    raises(exceptions.InvalidThreadUseError, again.start_later, 0)
    equal(again.started, False)
    limit = ended(lambda: ramet.Timeout.start_new(100))
    equal((limit.pending, limit.cancel()), (False, None))


@test
def links_outlive_their_thread():
    e, result, called = event.Event(), event.AsyncResult(), []

    def body():
        e.rawlink(called.append)
        result.rawlink(called.append)
        get_hub().loop.run_callback(called.append, 1)

    ended(body)
    e.set()
    result.set(1)
    settle()
    equal(called, [])


@test
def one_that_does_not_want_to_end_is_in_no_list():
    """It waits for good when its thread ends, and its stack is gone: others must not find it there."""
    def stubborn(wait):
        for _ in range(3):
            try:
                wait()
            except GreenletExit:
                pass

    mine = spawn(sleep, 0.3)
    e, s, q, r, waiter = event.Event(), lock.Semaphore(0), queue.Queue(), event.AsyncResult(), []
    c = queue.Channel()
    a, b = socket.socketpair()

    def hand_over():
        waiter.append(ramet.hub.Waiter())
        waiter[0].get()

    waits = [mine.join, mine.get, e.wait, s.acquire, q.get, r.get, c.get, lambda: c.put(1), hand_over,
             lambda: ramet.joinall([mine]), lambda: sleep(0), lambda: sleep(1, ref=False), lambda: a.recv(1),
             lambda: ramet.socket.wait_read(b.fileno())]

    def body():
        for wait in waits:
            spawn(stubborn, wait)
        sleep(0.01)

    for _ in range(3):
        ended(body)
    mine.join()
    e.set()
    s.release()
    r.set(1)
    q.put(1)
    waiter[0].switch(1)
    equal((q.get(), s.acquire(), e.wait(), r.get()), (1, True, True, 1))
    raises(queue.Full, c.put, 1, timeout=0.001)
    settle()
    a.close()
    b.close()


@test
def what_a_thread_forgets_may_be_forgotten_by_its_owner_first():
    """The message that says so must not outlive what it is about."""
    def suspend():
        try:
            back()
        finally:
            seen.append(1)

    seen = []
    for _ in range(200):
        g = greenlet(suspend)
        g.switch()
        box = [g]
        del g
        done = _thread.allocate_lock()
        done.acquire()

        def forget():
            box.clear()
            done.release()

        _thread.start_new_thread(forget, ())
        done.acquire()
        greenlet(lambda: None).switch()  # its own thread lets go at a switch
        greenlet(lambda: None).switch()
    sleep(0.01)
    assert within(10, lambda: len(seen) == 200), len(seen)


# ---- from other threads ---------------------------------------------------------------


@test
def threads_without_a_loop_may_touch_anything():
    main_thread = threading.get_ident()
    g, unborn = spawn(sleep, 100), _core.Greenlet(print)
    dead = spawn(int)
    dead.join()
    suspended = greenlet(back)
    suspended.switch()
    watcher = get_hub().loop.async_()
    watcher.start(lambda: called.append(threading.get_ident()))
    called, loop, e, r, q = [], get_hub().loop, event.Event(), event.AsyncResult(), queue.Queue()
    waits = [spawn(e.wait), spawn(r.get), spawn(q.get)]
    table = [
        (e.set, None), (lambda: r.set(5), None), (lambda: q.put(6), None), (watcher.send, None),
        (lambda: loop.run_callback_threadsafe(called.append, 1), None),
        (lambda: suspended.switch(), error), (lambda: suspended.throw(), error),
        (lambda: getcurrent().parent, None), (lambda: repr(g), None), (lambda: g.dead, None),
        (lambda: g.gr_frame, None), (lambda: unborn.start(), exceptions.InvalidThreadUseError),
        (lambda: unborn.start_later(1), exceptions.InvalidThreadUseError),
        (lambda: g.kill(block=False), None), (lambda: unborn.kill(ValueError, block=False), None),
        (lambda: dead.kill(), None), (lambda: dead.get(), None), (lambda: g.rawlink(called.append), None),
        (lambda: g.join(), None), (lambda: getcurrent().switch(), None),
        (lambda: setattr(suspended, "parent", getcurrent()), ValueError),
        (lambda: ramet.spawn(lambda: 3).get(), None),
    ]
    for number, (act, kind) in enumerate(table):
        outcome = in_thread(act)
        try:
            outcome.get(timeout=20)
            failed = None
        except Exception as exc:
            failed = type(exc)
        assert failed is kind or kind and issubclass(failed, kind), (number, failed, kind)
    equal(ramet.joinall(waits, timeout=20), waits)
    equal([w.value for w in waits], [True, 5, 6])
    assert within(20, lambda: len(called) >= 3), called
    equal(called[0], main_thread)
    equal((g.ready(), unborn.ready(), type(unborn.exception)), (True, True, ValueError))
    watcher.stop()
    suspended.switch()


@test
def callbacks_wait_for_the_next_hub():
    """A thread whose hub has been destroyed is told by another one."""
    e, has, go, called = event.Event(), threading.Event(), threading.Event(), []

    def body():
        e.rawlink(called.append)
        loop.append(get_hub().loop)
        get_hub().destroy()
        has.set()
        go.wait()
        assert get_hub()
        while len(called) < 2:
            sleep(0.001)

    loop = []
    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    has.wait()
    e.set()
    loop[0].run_callback_threadsafe(called.append, e)
    go.set()
    thread.join(30)
    equal(called, [e, e])


# ---- the hub ---------------------------------------------------------------------------


@test
def nothing_blocks_in_the_hub():
    g = spawn(sleep, 10)
    a, b = socket.socketpair()
    for wait in (lambda: sleep(0), lambda: sleep(0.1), g.join, event.Event().wait, lock.Semaphore(0).acquire,
                 lambda: a.recv(1), ramet.hub.Waiter().get, lambda: ramet.joinall([g])):
        result, exc = in_hub(wait)
        assert isinstance(exc, exceptions.BlockingSwitchOutError), (result, exc)
    g.kill()
    equal(in_hub(lambda: ramet.joinall([g]))[0], [g])


@test
def io_watchers_outlive_the_hub():
    r, w = os.pipe()
    watcher = get_hub().loop.io(r, 1)
    watcher.start(lambda: None)
    settle()
    get_hub().destroy()
    os.write(w, b"x")
    time.sleep(0.01)
    ramet._core.spawn_raw(int)
    sleep(0.01)
    watcher.stop()
    watcher.close()
    sleep(0.001)
    os.close(r)
    os.close(w)


@test
def a_class_of_hubs_makes_new_ones():
    first, before = get_hub(), _core.get_hub_class()
    try:
        get_hub().destroy()
        for make in (lambda: first, lambda: 5, lambda: greenlet()):
            _core.set_hub_class(make)
            raises(TypeError, _core.get_hub)
    finally:
        _core.set_hub_class(before)
    assert get_hub() is not first
    sleep(0.001)


@test
def a_callback_that_is_taken_back_does_not_let_the_others_run_for_ever():
    loop, turns, other = get_hub().loop, [], []
    watcher = loop.async_()
    watcher.start(print, "never")

    def call():
        turns.append(len(other))
        watcher.stop()
        if len(turns) < 1000:
            loop.run_callback(call)

    g = spawn(lambda: other.append(len(turns)))
    loop.run_callback(call)
    watcher.send()
    g.join()
    assert other[0] < 100, other


@test
def any_number_of_watchers_has_its_turn():
    loop, seen = get_hub().loop, set()
    watchers = [loop.prepare() for _ in range(200)]
    for i, w in enumerate(watchers):
        w.start(seen.add, i)
    sleep(0.001)
    sleep(0.001)
    equal(len(seen), 200)
    for w in watchers:
        w.stop()


# ---- objects made without their constructors -------------------------------------------


@test
def objects_without_a_constructor_are_harmless():
    loop = get_hub().loop
    made = [type(loop)]
    made += [type(w) for w in (loop.timer(1), loop.io(0, 1), loop.async_(), loop.prepare(), loop.signal(10))]
    made += [type(loop.run_callback(int)), ramet.hub.Waiter, event.Event, event.AsyncResult, queue.Queue,
             queue.PriorityQueue, queue.Channel, lock.RLock, lock.Semaphore, ramet.Timeout, socket.socket,
             _core.HTTPConnection, _core.local, ramet.Greenlet, greenlet, _core.TrackedRawGreenlet]
    for kind in made:
        try:
            o = kind.__new__(kind)
        except TypeError:
            continue
        for name in dir(o):
            if name in ("__class__", "__init_subclass__", "__subclasshook__", "__new__", "__reduce__", "__reduce_ex__",
                        "wait", "get", "put", "peek", "join", "acquire", "recv", "switch", "next", "__next__", "result",
                        "accept", "__enter__", "_accept", "run", "_run", "_wait", "connect", "detach", "task_done"):
                continue
            try:
                value = getattr(o, name)
                if callable(value) and not isinstance(value, type):
                    value()
            except (Exception, ramet.Timeout):
                pass
            try:
                if name in ("feed", "run_callback", "start", "rawlink"):
                    value(1, print) if name == "feed" else value(print)
            except (ValueError, TypeError, RuntimeError):
                pass
        del o, value
    gc.collect()
    sleep(0.001)


@test
def a_waiter_tells_its_error():
    w = ramet.hub.Waiter()
    equal(w.exc_info, None)
    w.throw(ValueError("x"))
    equal((w.exc_info[0], repr(w.exc_info[1]), w.exc_info[2]), (ValueError, "ValueError('x')", None))


# ---- code that runs where nobody expects any -------------------------------------------


class Evil:
    """A callback whose comparison does something."""

    def __init__(self, act):
        self.act = act

    def __call__(self, *args):
        pass

    def __eq__(self, other):
        self.act()
        return False

    __hash__ = object.__hash__


@test
def comparing_links_may_take_them_out():
    for o in (event.Event(), spawn(sleep, 100)):
        def clear():
            for link in links:
                if o is not None:
                    calls.append(1)
                    if len(calls) < 50:
                        o.unlink(link)

        calls, links = [], [Evil(clear) for _ in range(5)]
        for link in links:
            o.rawlink(link)
        o.unlink(print)
        equal(bool(len(calls)), True)
        o.rawlink(len)
        o.unlink(len)
        getattr(o, "kill", o)() if hasattr(o, "kill") else o.set()
    settle()


@test
def comparing_items_may_change_the_queue():
    class Item:
        def __init__(self, n):
            self.n = n

        def __lt__(self, other):
            q.queue = []
            gc.collect()
            return self.n < other.n

    q = queue.PriorityQueue()
    for n in range(20):
        try:
            q.put(Item(-n))
        except (IndexError, RuntimeError):
            pass
        q.queue = [Item(k) for k in range(6)]
        try:
            q.get_nowait()
        except (IndexError, RuntimeError, queue.Empty):
            pass


@test
def an_error_may_change_the_result_that_raises_it():
    class Error(Exception):
        def __init__(self):
            r.set_exception(ValueError("other"))
            gc.collect()

    r = event.AsyncResult()
    r.set_exception(Error)
    raises(Error, r.get)


@test
def one_that_is_revived_again_and_again_stays_with_the_collector():
    def stay():
        while True:
            try:
                back()
            except GreenletExit:
                seen.append(getcurrent())
            except ValueError:
                return

    class Derived(ramet.Greenlet):
        pass

    seen, told = [], []
    for kind in (ramet.Greenlet, Derived):
        g = kind(stay)
        g.rawlink(told.append)
        g.parent = getcurrent()
        g.switch()
        for n in range(3):
            del g
            gc.collect()
            g = seen.pop()
            equal((n, g.dead, gc.is_tracked(g)), (n, False, True))
        g.throw(ValueError)


@test
def a_long_chain_of_parents_goes_without_recursion():
    g = None
    for _ in range(300_000):
        g = greenlet(print, g) if g else greenlet(print)
    del g
    gc.collect()


@test
def a_start_that_fails_can_be_repeated():
    def refuse(g):
        raise KeyError("no")

    g = ramet.Greenlet(lambda: 5)
    ramet.Greenlet.add_spawn_callback(refuse)
    raises(KeyError, g.start)
    raises(KeyError, g.start_later, 0)
    ramet.Greenlet.remove_spawn_callback(refuse)
    equal((g.started, bool(g)), (False, False))
    g.start()
    equal(g.get(timeout=20), 5)


@test
def a_start_may_drop_what_it_starts():
    class Parent(greenlet):
        @property
        def run(self):
            child.parent = getcurrent()  # the last that had it
            return lambda x: ("ran", x)

    child = greenlet(lambda: 5)
    child.switch()
    child.parent = Parent(parent=getcurrent())
    equal(child.switch(3), ("ran", 3))


@test
def a_start_may_be_overtaken_by_the_end_of_what_it_does_not_run():
    seen = []

    class Overtaken(greenlet):
        @property
        def run(self):
            return lambda: "ran"

    class Function:
        def __call__(self):
            pass

        def __del__(self):
            seen.append(g.switch())

    g = Overtaken(Function())
    equal((g.switch(), seen, g.dead), ((), ["ran"], True))


@test
def who_goes_with_a_context_looks_variables_up():
    var, other, seen = contextvars.ContextVar("var"), contextvars.ContextVar("other"), []

    class Last:
        def __del__(self):
            seen.append(other.get("none"))

    def fill():
        other.set([object()])
        var.set(Last())

    def body(contexts):
        getcurrent().gr_context = contexts.pop()
        other.get()  # is remembered by the interpreter
        getcurrent().gr_context = contextvars.Context()

    contexts = [contextvars.Context()]
    contexts[0].run(fill)
    greenlet(body).switch(contexts)
    equal(seen, ["none"])


@test
def errors_that_are_none_are_refused_by_the_hub():
    report = _core.Hub.handle_error
    for error_ in (None, 5, int, "x"):
        raises(TypeError, report, get_hub(), None, error_, 3, None)
    raises(TypeError, report, get_hub(), None, int, 3, None)
    raises(TypeError, report, get_hub(), None, ValueError, ValueError("x"), 3)

    class Unsure:
        def __bool__(self):
            raise KeyError("no")

    raises(KeyError, get_hub()._end, Unsure())


@test
def a_run_that_fails_twice_keeps_the_last_error():
    class Failure(Exception):
        pass

    class Again(ramet.Greenlet):
        def run(self):
            ramet.Greenlet.run(self)
            errors.append(weakref.ref(self.exception))
            self._run = fail
            ramet.Greenlet.run(self)
            errors.append(weakref.ref(self.exception))

    def fail():
        raise Failure("x")

    errors = []
    get_hub().NOT_ERROR = (Failure,)
    g = Again(fail)
    g.start()
    g.join(timeout=20)
    gc.collect()
    equal([e() is g.exception for e in errors], [False, True])
    equal(errors[0](), None)


@test
def an_answer_may_be_changed_while_it_is_sent():
    big = [b"x" * (1 << 20) for _ in range(20)]

    def app(environ, start_response):
        start_response("200 OK", [("Content-Length", str(20 << 20))])
        spawn(lambda: big.__setitem__(slice(10, 20), [12345] * 10))
        return big

    errors = []
    server = pywsgi.WSGIServer(("127.0.0.1", 0), app, log=None, error_log=errors)
    server.error_log = type("log", (), {"write": errors.append, "flush": lambda self=None: None})()
    server.start()
    c = socket.create_connection(server.address)
    c.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    sleep(0.05)
    n = 0
    while True:
        data = c.recv(1 << 20)
        if not data:
            break
        n += len(data)
    assert n < 20 << 20, n
    server.stop()


@test
def two_cannot_read_one_connection():
    a, b = socket.socketpair()
    conn = _core.HTTPConnection(a)
    first = quietly(conn.head)
    sleep(0.001)
    raises(exceptions.ConcurrentObjectUseError, conn.head)
    raises(exceptions.ConcurrentObjectUseError, conn.read_chunks)
    raises(exceptions.ConcurrentObjectUseError, conn.read, 1)
    b.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    equal(first.get(timeout=20)[0], "GET / HTTP/1.1")


@test
def locks_may_be_made_anew_while_some_wait():
    for make in (lambda: lock.Semaphore(0), lambda: lock.BoundedSemaphore(1), lock.RLock, event.Event):
        o = make()
        wait = getattr(o, "acquire", None) or o.wait
        if not isinstance(o, event.Event) and not o.locked():
            spawn(o.acquire).join()
        old = [spawn(wait, timeout=0.05) for _ in range(3)]
        settle()
        o._at_fork_reinit()
        equal(o.linkcount(), 0)
        new = spawn(getattr(o, "wait", wait)) if isinstance(o, event.Event) else None
        settle()
        equal([g.get(timeout=20) for g in old], [False] * 3)
        if new:
            o.set()
            equal(new.get(timeout=20), True)


@test
def a_local_s_values_may_be_used_as_they_go():
    class Late:
        def __del__(self):
            box.x = 1

    box = _core.local()

    def body():
        box.late = Late()

    for _ in range(10):
        spawn(body).join()
    sleep(0.001)
    equal(vars(copy.copy(box)), {})


@test
def a_class_of_locals_may_make_anything():
    class Fickle(_core.local):
        def __new__(cls):
            return _core.local.__new__(cls) if made else 7

    made = True
    box = Fickle()
    made = False
    raises(TypeError, copy.copy, box)


def program(text):
    p = subprocess.run([sys.executable, "-X", "faulthandler", "-c", text], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=50)
    assert p.returncode == 0, f"status {p.returncode}\n{p.stdout}"
    return p.stdout


HEAD = """
import atexit, gc, os, signal, sys, threading, time, weakref
import ramet
from ramet import _core, event, lock, queue, socket
from ramet._greenlet import getcurrent, greenlet
class Late:
    def __init__(self, act): self.act = act
    def __del__(self): self.act()
"""


@test
def anything_may_be_touched_at_the_end_of_the_interpreter():
    table = [
        "w = ramet.get_hub().loop.timer(5); w.start(print); late = Late(w.stop)",
        "w = ramet.get_hub().loop.signal(10); w.start(print); late = Late(lambda: os.kill(os.getpid(), 10))\n"
        "signal.signal(10, signal.SIG_IGN)",
        "w = ramet.get_hub().loop.io(0, 1); w.start(print); late = Late(w.stop); ramet.sleep(0)",
        "t = ramet.Timeout.start_new(5); late = Late(t.cancel)",
        "g = ramet.spawn_later(5, print); late = Late(lambda: g.kill(block=False))",
        "g = ramet.spawn(ramet.sleep, 5); ramet.sleep(0); late = Late(lambda: g.kill(block=False))",
        "e = event.Event(); e.rawlink(print); late = Late(e.set)",
        "late = Late(lambda: ramet.spawn(print)); ramet.sleep(0)",
        "g = greenlet(lambda: getcurrent().parent.switch()); g.switch(); late = Late(lambda: g.switch())",
        "a, b = socket.socketpair(); late = Late(lambda: a.recv(1)); ramet.sleep(0)",
        "def f():\n  try: ramet.sleep(9)\n  finally: ramet.sleep(1)\ng = ramet.spawn(f); ramet.sleep(0)",
        "atexit.register(lambda: ramet.spawn(ramet.sleep, 0.01).join())",
        "atexit.register(lambda: ramet.get_hub().destroy()); ramet.sleep(0)",
        "ramet.get_hub().destroy(); g = ramet.spawn(ramet.sleep, 5)",
        "def f():\n  while True: ramet.sleep(0)\nfor _ in range(3): threading.Thread(target=f, daemon=True).start()\n"
        "ramet.sleep(0.01)",
        "q = queue.Queue()\nfor _ in range(3): threading.Thread(target=q.get, daemon=True).start()\nramet.sleep(0.01)\n"
        "late = Late(lambda: q.put(1))",
        "def f():\n  s = Late(lambda: ramet.sleep(0))\n  ramet.sleep(9)\ng = ramet.spawn(f); ramet.sleep(0)",
        "loop = ramet.get_hub().loop; late = Late(lambda: loop.run_callback(print))",
        "c = getcurrent(); c.cycle = c; g = greenlet(c.switch, c); c.g = g; del c, g",
        "sys.settrace(lambda *a: None); g = ramet.spawn(ramet.sleep, 5); ramet.sleep(0)",
    ]
    for number, line in enumerate(table):
        out = program(HEAD + line + "\nprint('end')")
        assert out.startswith("end\n") and "Fatal" not in out, (number, line, out)


@test
def subinterpreters_are_refused():
    """Threads and greenlets are the process's; one interpreter has them."""
    out = program("""
import ramet
try:
    import _xxsubinterpreters as subs
except ImportError:
    try:
        import _interpreters as subs
    except ImportError:
        print("none"); raise SystemExit
i = subs.create()
try:
    print(subs.run_string(i, "try:\\n  import ramet\\nexcept ImportError as e: print(e)\\nelse: print('imported')"))
except Exception as e:
    print(e)
subs.destroy(i)
ramet.spawn(ramet.sleep, 0.001).join()
print("end")
""")
    assert "imported" not in out and out.endswith("end\n"), out
    assert "none" in out or "interpreter" in out, out


@test
def a_handler_of_signals_may_raise_and_switch():
    def at_alarm(act):
        signal.signal(signal.SIGALRM, lambda *args: act())
        signal.setitimer(signal.ITIMER_REAL, 0.01)

    def fail():
        raise KeyError("alarm")

    a, b = socket.socketpair()
    waits = [lambda: sleep(20), event.Event().wait, queue.Queue().get, lock.Semaphore(0).acquire, lambda: a.recv(1),
             spawn(sleep, 100).join, lambda: spawn(sleep, 100).get(), lambda: ramet.wait([event.Event()], 20),
             lambda: get_hub().join(20), event.AsyncResult().get]
    for number, wait in enumerate(waits):
        keeper = get_hub().loop.timer(50)
        keeper.start(print)
        at_alarm(fail)
        equal(raises(KeyError, wait).args, ("alarm",))
        keeper.stop()
    told = []
    g = greenlet(lambda: told.append(1))
    at_alarm(g.switch)
    sleep(0.1)
    equal((told, g.dead), ([1], True))
    at_alarm(lambda: spawn(told.append, 2))
    sleep(0.1)
    equal(told, [1, 2])
    at_alarm(lambda: sleep(0.01))
    sleep(0.1)
    signal.setitimer(signal.ITIMER_REAL, 0)


main()
