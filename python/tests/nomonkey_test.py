"""Code that was bound before anything was patched, and C libraries, cooperate."""
import _socket
import _thread
import asyncio
import concurrent.futures
import contextlib
import ctypes
import os
import queue
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue, SimpleQueue
from threading import Event, Lock, get_ident, local
from time import monotonic, sleep

import ramet
from lib.tap import Skip, equal, main, raises, test
from ramet import monkey

usleep = ctypes.CDLL("libc.so.6").usleep
native_lock = Lock()
native_local = local()
native_queue = Queue(2)
native_simple = SimpleQueue()
native_event = Event()
Thread = threading.Thread


def together(function, n, *args):
    """The seconds that n greenlets need which call it."""
    begin = monotonic()
    greenlets = [ramet.spawn(function, *args) for _ in range(n)]
    ramet.joinall(greenlets, raise_error=True)
    return monotonic() - begin


def at_once(seconds, n, each):
    assert seconds < n * each / 2, f"{n} x {each} s took {seconds:.2f} s"


def need_interrupts():
    """The interpreter's own functions look for what a signal's handler raises."""
    if sys.version_info < (3, 10):
        raise Skip("CPython 3.9 cannot be told that a signal has come")


@test
def sleeps():
    monkey.patch_all()
    at_once(together(sleep, 200, 0.3), 200, 0.3)


@test
def sleeps_of_c():
    monkey.patch_all()
    assert ctypes.CDLL("libc.so.6").usleep is not usleep
    at_once(together(usleep, 20, 200000), 20, 0.2)
    at_once(together(ctypes.CDLL("libc.so.6").usleep, 20, 200000), 20, 0.2)


@test
def writers_of_sqlite_wait_for_each_other():
    def write(n):
        with contextlib.closing(sqlite3.connect(path, timeout=50, isolation_level=None)) as connection:
            connection.execute("begin immediate")
            sleep(0.02)
            connection.execute("insert into t values (?)", (n,))
            connection.execute("commit")
    monkey.patch_all()
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/database"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("create table t (n int)")
            greenlets = [ramet.spawn(write, n) for n in range(10)]
            ramet.joinall(greenlets, raise_error=True)
            equal(connection.execute("select sum(n) from t").fetchone(), (45,))


@test
def only_what_is_asked_for_is_patched():
    monkey.patch_socket()
    assert together(sleep, 5, 0.1) >= 0.5
    monkey.patch_time()
    at_once(together(sleep, 20, 0.1), 20, 0.1)


class Slow(BaseHTTPRequestHandler):
    def do_GET(self):
        sleep(0.2)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_args):
        pass


def serve(server):
    """One greenlet for each connection, out of classes that know of threads at best."""
    while True:
        ramet.spawn(server.process_request, *server.get_request())


@test
def urllib_and_a_server_of_the_standard_library():
    class Server(HTTPServer):
        request_queue_size = 50
    server = Server(("127.0.0.1", 0), Slow)
    url = f"http://127.0.0.1:{server.server_port}/"
    monkey.patch_all()
    ramet.spawn(serve, server)

    def get():
        with urllib.request.urlopen(url, timeout=20) as answer:
            equal(answer.read(), b"hello")
    at_once(together(get, 20), 20, 0.2)


def echo(listener):
    while True:
        ramet.spawn(echo_one, listener.accept()[0])


def echo_one(connection):
    with connection:
        while data := connection.recv(100):
            connection.sendall(data)


@test
def sockets_with_and_without_timeout():
    made_before = socket.socket
    listener = made_before()
    listener.bind(("127.0.0.1", 0))
    listener.listen(50)
    monkey.patch_all()
    assert made_before is not socket.socket
    ramet.spawn(echo, listener)

    def client(timeout):
        with made_before() as s:
            s.settimeout(timeout)
            s.connect(listener.getsockname())
            for i in range(10):
                s.sendall(b"%d" % i)
                equal(s.recv(100), b"%d" % i)
                sleep(0.01)
    at_once(together(client, 20, None), 20, 0.1)
    at_once(together(client, 20, 10), 20, 0.1)


@test
def a_lock_made_before():
    monkey.patch_all()
    order = []

    def critical(n):
        with native_lock:
            order.append(n)
            sleep(0.01)
            order.append(n)
    ramet.joinall([ramet.spawn(critical, n) for n in range(5)], raise_error=True)
    equal(order[::2], order[1::2])
    native_lock.acquire()
    begin = monotonic()
    assert not native_lock.acquire(timeout=0.1)
    assert monotonic() - begin >= 0.1


@test
def a_kill_ends_the_wait_for_a_native_lock():
    need_interrupts()
    monkey.patch_all()
    native_lock.acquire()
    g = ramet.spawn(native_lock.acquire)
    sleep(0.05)
    g.kill(timeout=20)
    assert isinstance(g.value, ramet.GreenletExit), (g.dead, g.value, g.exception)
    with ramet.Timeout(0.05):
        raises(ramet.Timeout, native_lock.acquire)
    native_lock.release()
    assert native_lock.acquire(False)


@test
def a_kill_ends_what_was_bound_before_as_itself():
    need_interrupts()
    made_before = socket.socket
    monkey.patch_all()
    native, other = (made_before(fileno=s.detach()) for s in _socket.socketpair())
    waits = [(sleep, 60), (native.recv, 10), (os.read, os.pipe()[0], 1), (native_event.wait,), (native_queue.get,),
             (subprocess.run, ["sleep", "2"])]
    for wait in waits:
        g = ramet.spawn(*wait)
        sleep(0.05)
        g.kill(KeyError("mine"), timeout=20)
        equal(repr(g.exception), "KeyError('mine')")
        begin = monotonic()
        with ramet.Timeout(0.05):
            raises(ramet.Timeout, *wait)
        assert monotonic() - begin < 10, wait
    other.close()


@test
def queues_and_events_made_before():
    monkey.patch_all()
    for q in native_queue, native_simple:
        g = ramet.spawn(lambda: [q.get(timeout=20) for _ in range(10)])
        for i in range(10):
            q.put(i)
        equal(g.get(timeout=20), list(range(10)))
        raises(queue.Empty, q.get, timeout=0.05)
    g = ramet.spawn(native_event.wait, 20)
    sleep(0.02)
    native_event.set()
    assert g.get(timeout=20)


@test
def a_lock_released_by_an_os_thread():
    start_thread = _thread.start_new_thread
    monkey.patch_all()

    def release():
        monkey.get_original("time", "sleep")(0.1)
        native_lock.release()
    for _ in range(3):
        native_lock.acquire()
        start_thread(release, ())
        assert native_lock.acquire(timeout=20)
        native_lock.release()


@test
def opening_and_reading_a_pipe_by_name():
    monkey.patch_all()
    ticks = []

    def tick():
        while True:
            sleep(0.01)
            ticks.append(1)

    def write(name):
        sleep(0.2)
        with open(name, "w") as f:
            f.write("a")
            f.flush()
            sleep(0.2)
            f.write("b")
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "fifo")
        os.mkfifo(name)
        ticker = ramet.spawn(tick)
        writer = ramet.spawn(write, name)
        with open(name) as f:
            equal(f.read(), "ab")
        ticker.kill()
        writer.get()
    assert len(ticks) >= 10, len(ticks)


PRINTS = """
from ramet import monkey
monkey.patch_all()
import ramet

def say(n):
    for _ in range(20):
        print(str(n) * 3000, flush=True)
        ramet.sleep(0)
ramet.joinall([ramet.spawn(say, n) for n in range(3)], raise_error=True)
"""


@test
def greenlets_print_to_a_slow_reader():
    with subprocess.Popen([sys.executable, "-c", PRINTS], stdout=subprocess.PIPE) as child:
        sleep(0.5)
        said = b""
        while data := os.read(child.stdout.fileno(), 4096):
            said += data
            sleep(0.001)
    equal(child.returncode, 0)
    equal(sorted(set(said.split())), [b"0" * 3000, b"1" * 3000, b"2" * 3000])


@test
def polls_made_before():
    monkey.patch_all()
    epoll, poll = monkey.get_original("select", ["epoll", "poll"])
    r, w = os.pipe()

    def wait(kind):
        p = kind()
        p.register(r, select.POLLIN)
        return p.poll(20)
    waits = [ramet.spawn(wait, kind) for kind in (epoll, poll)]
    sleep(0.02)
    os.write(w, b"x")
    for g in waits:
        equal(len(g.get(timeout=20)), 1)


@test
def subprocesses_by_functions_made_before():
    run = subprocess.run
    monkey.patch_all(subprocess=False)
    at_once(together(run, 5, ["sleep", "0.4"]), 5, 0.4)


@test
def identities_and_locals_are_greenlets():
    monkey.patch_all()
    seen = []

    def remember(n):
        native_local.x = n
        threading_local.x = n
        sleep(0.01)
        seen.append((threading.get_ident(), threading.current_thread(), native_local.x, threading_local.x))
    threading_local = threading.local()
    ramet.joinall([ramet.spawn(remember, n) for n in range(5)], raise_error=True)
    threads = [Thread(target=remember, args=(n,)) for n in range(5, 10)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert all(len({ident for ident, _, _, _ in half}) == 5 for half in (seen[:5], seen[5:]))
    equal(len({id(thread) for _, thread, _, _ in seen}), 10)
    equal(sorted((a, b) for _, _, a, b in seen), [(n, n) for n in range(10)])
    assert threading.current_thread() is threading.main_thread()
    assert not hasattr(native_local, "x")
    equal(threading.active_count(), 1)


@test
def each_greenlet_may_run_asyncio():
    async def answer(n):
        await asyncio.sleep(0.2)
        assert asyncio.get_running_loop() is asyncio.get_event_loop()
        return n

    monkey.patch_all()
    begin = monotonic()
    greenlets = [ramet.spawn(asyncio.run, answer(n)) for n in range(5)]
    equal([g.get(timeout=20) for g in greenlets], list(range(5)))
    at_once(monotonic() - begin, 5, 0.2)
    equal(asyncio.run(answer(7)), 7)


@test
def os_threads_work_beside():
    monkey.patch_all(thread=False)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(lambda n: (sleep(0.2), n, get_ident())[1:], n) for n in range(4)]
        at_once(together(sleep, 20, 0.1), 20, 0.1)
        results = [f.result(timeout=20) for f in futures]
    equal([n for n, _ in results], [0, 1, 2, 3])
    assert get_ident() not in {ident for _, ident in results}


def interrupt_soon():
    pid = os.getpid()
    return subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -INT {pid}"])


@test
def ctrl_c_is_seen_at_once():
    need_interrupts()
    waits = {
        "sleep": lambda: sleep(30),
        "native lock": lambda: native_lock.acquire(),
        "joinall": lambda: ramet.joinall([ramet.spawn(sleep, 30)]),
        "pipe": lambda: os.read(os.pipe()[0], 1),
    }
    signal.signal(signal.SIGINT, signal.default_int_handler)
    monkey.patch_all()
    native_lock.acquire()
    for name, wait in waits.items():
        child = interrupt_soon()
        begin = monotonic()
        raises(KeyboardInterrupt, wait)
        assert monotonic() - begin < 10, name
        child.wait()


main()
