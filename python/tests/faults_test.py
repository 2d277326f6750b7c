"""Programs of which one allocation or system call fails, each in its turn: an error comes out, nobody hangs, and
afterwards everything is as before."""
import _thread
import contextlib
import faulthandler
import io
import os
import sys
import time

from lib.tap import Skip, TESTS, equal, main

try:
    from lib import faulty
except (ImportError, StopIteration) as e:  # before the modules that stand on it
    faulty, why = None, f"the extension for faults is missing: {e}"

import ramet
from ramet import _core, event, lock, metrics, pool, pywsgi, queue, server, socket
from ramet._greenlet import getcurrent, greenlet

LONG = "TEST_LONG" in os.environ
MOST = 100_000 if LONG else 400  # chances of a program that are looked at
SECONDS = 1000 if LONG else 8  # for one test


# ---- programs: None, or the right result -------------------------------------------------


def spawn_and_join():
    g = [ramet.spawn(lambda x: x * 2, i) for i in range(3)]
    ramet.joinall(g, raise_error=True)
    return [x.value for x in g]


def switches():
    g = greenlet(lambda a: getcurrent().parent.switch(a + 1) + 1)
    return [g.switch(1), g.switch(5)]


def events():
    e, r = event.Event(), event.AsyncResult()
    g = [ramet.spawn(e.wait), ramet.spawn(r.get)]
    ramet.sleep(0)
    e.set()
    r.set(7)
    return [x.get(timeout=5) for x in g]


def locks():
    s, r, out = lock.BoundedSemaphore(1), lock.RLock(), []

    def use(n):
        with s, r, r:
            ramet.sleep(0)
            out.append(n)

    ramet.joinall([ramet.spawn(use, n) for n in range(3)], raise_error=True)
    return out + [s.counter]


def queues():
    q, done = queue.JoinableQueue(2), []

    def work():
        for _ in range(5):
            done.append(q.get(timeout=5))
            q.task_done()

    g = ramet.spawn(work)
    for i in range(5):
        q.put(i, timeout=5)
    q.join(timeout=5)
    g.get(timeout=5)
    return done


def timeouts():
    try:
        with ramet.Timeout(0.0005):
            ramet.sleep(5)
    except ramet.Timeout:
        return ramet.with_timeout(5, lambda: 3)


def kills():
    g = ramet.spawn(ramet.sleep, 50)
    later = ramet.spawn_later(50, print)
    ramet.sleep(0)
    g.kill(timeout=5)
    later.kill(timeout=5)
    return [g.dead, later.dead]


class Failure(Exception):
    pass


def several_kills():
    seen = []

    def body():
        for _ in range(3):
            try:
                ramet.sleep(50)
            except Failure as e:
                seen.append(e.args[0])

    g = ramet.spawn(body)
    ramet.sleep(0)
    for i in range(3):
        g.kill(Failure(i), block=False)
    g.join(timeout=5)
    return seen


def channels():
    c = queue.Channel()
    g = ramet.spawn(c.get)
    ramet.sleep(0)
    c.put_nowait(1)
    g.kill(timeout=5)  # after it was given the item
    return c.get(timeout=0.1)


def locals_():
    box = _core.local()
    box.x = 1
    g = ramet.spawn(lambda: (setattr(box, "x", 2), box.x))
    return [g.get(timeout=5)[1], box.x]


def echo():
    listener = server.StreamServer(("127.0.0.1", 0), lambda s, a: s.sendall(s.recv(100)))
    listener.start()
    try:
        with contextlib.closing(socket.socket()) as s:
            s.settimeout(0.5)
            s.connect(("127.0.0.1", listener.server_port))
            s.sendall(b"hello")
            return s.recv(100)
    finally:
        listener.close()


def pairs():
    a, b = socket.socketpair()
    try:
        g = ramet.spawn(b.recv, 10)
        ramet.sleep(0)
        a.settimeout(0.5)
        a.send(b"x")
        return g.get(timeout=0.5)
    finally:
        a.close()
        b.close()


def maps():
    p = pool.Pool(2)
    return p.map(abs, [-1, 2, -3]) + list(p.imap_unordered(abs, [4]))


def wsgi():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["PATH_INFO"].encode()]

    s = pywsgi.WSGIServer(("127.0.0.1", 0), app, log=None, error_log=io.StringIO())
    s.start()
    try:
        with contextlib.closing(socket.socket()) as c:
            c.settimeout(0.5)
            c.connect(("127.0.0.1", s.server_port))
            c.sendall(b"GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            answer = b""
            while data := c.recv(1000):
                answer += data
            return answer[:15], answer[-2:]
    finally:
        s.stop()


def watchers():
    loop, out = ramet.get_hub().loop, []
    r, w = os.pipe()
    made = []
    try:
        made = [loop.io(r, 1), loop.timer(0.0001), loop.async_(), loop.prepare()]
        for m in made:
            m.start(lambda m=m: (out.append(made.index(m)), m.stop()))
        os.write(w, b"x")
        made[2].send()
        end = time.monotonic() + 0.5
        while len(out) < 4 and time.monotonic() < end:
            ramet.sleep(0.001)
        return sorted(out)
    finally:
        for m in made:
            m.close()
        os.close(r)
        os.close(w)


def threads():
    return ramet.get_hub().threadpool.apply(abs, (-5,))


def names():
    return socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)[0][4]


def figures():
    return "ramet_stalls_total" in metrics.text()


def loops():
    """Everything is new in a thread: its loop and the stacks."""
    def body():
        try:
            out.append(spawn_and_join())
        except BaseException as e:
            out.append(e)
        ended.release()

    out, ended = [], _thread.allocate_lock()
    ended.acquire()
    _thread.start_new_thread(body, ())
    assert ended.acquire(timeout=20)
    if isinstance(out[0], BaseException):
        raise out[0]
    return out[0]


PROGRAMS = [spawn_and_join, switches, events, locks, queues, timeouts, kills, several_kills, channels, locals_,
            echo, pairs, maps, wsgi, watchers, threads, names, figures]

# ---- one of them ------------------------------------------------------------------------


def run(program):
    """Its result, or what it raised."""
    try:
        return program()
    except Exception as e:
        e.__traceback__ = None
        return e
    except (ramet.Timeout, ramet.GreenletExit) as e:
        return e


def calm():
    """Whatever the last round has left comes to its end."""
    ramet.sleep(0)
    ramet.sleep(0.0001)


ALLOWED = (MemoryError, OSError, ramet.Timeout, queue.Empty, queue.Full, EOFError, ramet.exceptions.LoopExit)


def sweep(program, faults):
    right = program()
    equal(program(), right)
    calm()
    kinds, end = {}, time.monotonic() + SECONDS
    for n in range(MOST):
        errors = io.StringIO()
        faulthandler.dump_traceback_later(40, exit=True)
        before = sys.stderr
        sys.stderr = errors
        faults.begin(n + 1)
        try:
            result = run(program)
        finally:
            more = faults.end()
            sys.stderr = before
        good = result == right and not isinstance(result, BaseException)
        kind = "none" if good else type(result).__name__
        kinds[kind] = kinds.get(kind, 0) + 1
        text = errors.getvalue()
        # Which CPython 3.11 may raise of a function in Python, for whose traceback there is no memory.
        if isinstance(result, SystemError) and str(result).startswith("<function "):
            result = MemoryError()
        assert not isinstance(result, SystemError), (n, result, text)
        assert good or isinstance(result, ALLOWED) or text or not isinstance(result, BaseException), (n, repr(result))
        calm()
        equal((n, program()), (n, right))
        if not more or time.monotonic() > end:
            break
    print(program.__name__, type(faults).__name__, n, kinds)


def add(program, faults, kind):
    def one():
        if not faulty:
            raise Skip(why)
        sweep(program, faults)

    one.__name__ = f"{program.__name__.strip('_')}_when_{kind}"
    TESTS.append(one)


if faulty:
    add(loops, faulty.Library(), "a_call_fails")
    add(loops, faulty.Library(faulty.EINTR), "a_call_is_interrupted")
    for p in PROGRAMS:
        add(p, faulty.Library(), "a_call_fails")
        add(p, faulty.Library(faulty.EINTR), "a_call_is_interrupted")
        add(p, faulty.Memory(), "memory_is_short")
else:
    add(wsgi, None, "anything_fails")
main()
