"""What is done often leaves nothing behind: no memory, no objects, no references, no descriptors."""
import gc
import os
import resource
import socket as stdlib_socket
import sys
import threading

import ramet
from lib.green import census, settle
from lib.tap import TESTS, main
from ramet import _core, event, lock, pool, queue, socket
from ramet._greenlet import getcurrent, greenlet

LONG = "TEST_LONG" in os.environ
SINGLETONS = (None, True, False, (), b"", "", 0, 1, ramet.GreenletExit, greenlet, ramet.Greenlet, ramet.Timeout)


def resident():
    """Bytes; a sanitizer that keeps what was freed tells nothing."""
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        return 0
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()


def state():
    census()
    gc.collect()
    return {"bytes": resident(), "blocks": sys.getallocatedblocks(), "objects": len(gc.get_objects()),
            "descriptors": len(os.listdir("/proc/self/fd")), "threads": len(os.listdir("/proc/self/task")),
            **{f"references to {s!r}": sys.getrefcount(s) for s in SINGLETONS}}


SLACK = {"bytes": 1 << 20, "blocks": 150, "objects": 20, "descriptors": 0, "threads": 0}


def drift(before, after):
    return {k: after[k] - v for k, v in before.items() if after[k] - v > SLACK.get(k, 25) or
            k.startswith("ref") and v - after[k] > 25}


def stays(function, rounds, long):
    """The first rounds fill what is kept for the next time."""
    if LONG:
        rounds = long
    function(max(rounds // 5, 200))
    for _ in range(3):
        before = state()
        function(rounds)
        after = state()
        more = drift(before, after)
        if not more:
            print(function.__name__, rounds, {k: after[k] - v for k, v in before.items() if after[k] != v})
            return
    raise AssertionError(f"{more} after {rounds} rounds")


def leak_test(rounds, long):
    def add(function):
        def one():
            stays(function, rounds, long)

        one.__name__ = f"{function.__name__}_leave_nothing"
        TESTS.append(one)
        return function

    return add


@leak_test(20_000, 1_000_000)
def spawns(n):
    def body(x, y=None):
        return x

    for i in range(n // 100):
        ramet.joinall([ramet.spawn(body, i, y=i) for i in range(100)])


@leak_test(20_000, 1_000_000)
def joins_one_by_one(n):
    for i in range(n):
        ramet.spawn(int, 5).get()


@leak_test(3000, 100_000)
def failures(n):
    def fail():
        raise KeyError("x")

    ramet.get_hub().NOT_ERROR = (KeyError,)
    for _ in range(n):
        g = ramet.spawn(fail)
        try:
            g.get()
        except KeyError:
            pass
        g.__dict__.clear()
        del g


@leak_test(100_000, 1_000_000)
def switches(n):
    def loop(x):
        while True:
            x = getcurrent().parent.switch(x, k=x)

    g = greenlet(loop)
    for i in range(n):
        g.switch(i)


@leak_test(20_000, 1_000_000)
def greenlets_that_are_forgotten(n):
    def suspend(x):
        try:
            getcurrent().parent.switch(x)
        finally:
            x = None

    for i in range(n):
        greenlet(suspend).switch(i)


@leak_test(3000, 100_000)
def cycles(n):
    def suspend(g):
        g.me = g
        getcurrent().parent.switch(g)

    for _ in range(n):
        g = greenlet(suspend)
        g.switch(g)
        g.throw()
        s = ramet.Greenlet(suspend)
        s.args = (s,)


@leak_test(20_000, 1_000_000)
def timeouts(n):
    for _ in range(n // 2):
        with ramet.Timeout(100):
            pass
        try:
            with ramet.Timeout(0):
                ramet.sleep(1)
        except ramet.Timeout:
            pass


@leak_test(20_000, 1_000_000)
def queue_items(n):
    q, done = queue.Queue(10), queue.Channel()

    def take():
        for _ in range(n):
            q.get()
        done.put(None)

    ramet.spawn(take)
    for i in range(n):
        q.put(i)
    done.get()


@leak_test(5000, 200_000)
def events(n):
    for _ in range(n):
        e, r = event.Event(), event.AsyncResult()
        e.rawlink(id)
        r.rawlink(id)
        g = [ramet.spawn(e.wait), ramet.spawn(r.get)]
        ramet.sleep(0)
        e.set()
        r.set(1)
        ramet.joinall(g)


@leak_test(5000, 200_000)
def locks(n):
    s, r = lock.Semaphore(1), lock.RLock()

    def use():
        with s, r, r:
            ramet.sleep(0)

    for _ in range(n // 10):
        ramet.joinall([ramet.spawn(use) for _ in range(10)])


@leak_test(5000, 200_000)
def kills(n):
    for _ in range(n):
        g = ramet.spawn(ramet.sleep, 50)
        later = ramet.spawn_later(50, int)
        ramet.sleep(0)
        g.kill()
        later.kill()


@leak_test(5000, 200_000)
def locals_(n):
    box = _core.local()

    def use():
        box.x = object()

    for _ in range(n // 10):
        ramet.joinall([ramet.spawn(use) for _ in range(10)])


@leak_test(3000, 200_000)
def maps(n):
    p = pool.Pool(5)
    for _ in range(n // 10):
        p.map(abs, range(10))


@leak_test(3000, 100_000)
def callbacks(n):
    loop, r = ramet.get_hub().loop, os.pipe()
    for _ in range(n):
        loop.run_callback(int)
        made = [loop.timer(0), loop.async_(), loop.prepare(), loop.io(r[1], 2)]
        for m in made:
            m.start(int)
        made[1].send()
        ramet.sleep(0)
        for m in made:
            m.close()
    os.close(r[0])
    os.close(r[1])


@leak_test(400, 10_000)
def connections(n):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()

    def serve():
        for _ in range(n):
            s, _ = listener.accept()
            s.sendall(s.recv(10))
            s.close()

    g = ramet.spawn(serve)
    for _ in range(n):
        s = socket.socket()
        s.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.connect(listener.getsockname())
        s.sendall(b"x")
        s.recv(10)
        s.close()
    g.join()
    listener.close()


@leak_test(3000, 100_000)
def datagrams(n):
    a, b = socket.socketpair(type=socket.SOCK_DGRAM)
    for _ in range(n):
        g = ramet.spawn(b.recvfrom, 10)
        ramet.sleep(0)
        a.send(b"x")
        g.get()
    a.close()
    b.close()


@leak_test(60, 2000)
def os_threads(n):
    """With what waits, is armed and is to be called when they end."""
    e, q = event.Event(), queue.Queue()

    def body():
        ramet.spawn(ramet.sleep, 5)
        ramet.spawn(q.get)
        ramet.spawn_later(5, int)
        e.rawlink(id)
        ramet.Timeout.start_new(5)
        ramet.get_hub().loop.run_callback(int)
        watcher = ramet.get_hub().loop.timer(5)
        watcher.start(int)
        ramet.sleep(0)
        ramet.get_hub().loop.run_callback(int)

    for _ in range(n):
        t = threading.Thread(target=body)
        t.start()
        t.join()
    e.set()
    settle()


main()
