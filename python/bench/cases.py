"""What the bench measures inside a process: programs for an interpreter whose `gevent` is either.

Each prints one number: the CPU seconds of an operation, bytes, or seconds of the clock.
"""
TIMES = """
import time
def cpu(n, f):
    f(n // 10 or 1)
    begin = time.process_time()
    f(n)
    return (time.process_time() - begin) / n
"""
# Name: what an operation is, and a program that sets `seconds`.
OPERATIONS = {
    "switch": ("switch by name, one way", """
import greenlet
def run():
    p = greenlet.getcurrent().parent
    while True:
        p.switch()
g = greenlet.greenlet(run)
def f(n):
    for _ in range(n):
        g.switch()
seconds = cpu(300000, f) / 2
"""),
    "sleep(0)": ("sleep(0), two in turn", """
import gevent
def run(n):
    for _ in range(n):
        gevent.sleep(0)
def f(n):
    gevent.joinall([gevent.spawn(run, n // 2) for _ in range(2)])
seconds = cpu(100000, f)
"""),
    "spawn": ("spawn and join, 100 at a time", """
import gevent
def nothing():
    pass
def f(n):
    for _ in range(n // 100):
        for g in [gevent.spawn(nothing) for _ in range(100)]:
            g.join()
seconds = cpu(50000, f)
"""),
    "queue": ("Queue, there and back", """
import gevent, gevent.queue
def f(n):
    a, b = gevent.queue.Queue(), gevent.queue.Queue()
    def answer():
        for _ in range(n):
            b.put(a.get())
    g = gevent.spawn(answer)
    for i in range(n):
        a.put(i)
        b.get()
    g.join()
seconds = cpu(50000, f)
"""),
    "event": ("Event, set and waited for", """
import gevent, gevent.event
def f(n):
    a, b = gevent.event.Event(), gevent.event.Event()
    def answer():
        for _ in range(n):
            a.wait(); a.clear(); b.set()
    g = gevent.spawn(answer)
    for i in range(n):
        a.set(); b.wait(); b.clear()
    g.join()
seconds = cpu(50000, f)
"""),
    "timeout": ("with Timeout around nothing", """
import gevent
def f(n):
    for _ in range(n):
        with gevent.Timeout(10):
            pass
seconds = cpu(100000, f)
"""),
    "map": ("a job of Pool(10).map", """
import gevent.pool
def f(n):
    gevent.pool.Pool(10).map(abs, range(n))
seconds = cpu(20000, f)
"""),
}
GREENLET_BYTES = """
import gevent, gevent.event, os, sys
COUNT, WHAT = int(sys.argv[1]), sys.argv[2]
def size():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(WHAT))
e = gevent.event.Event()
waiting = 0
def wait():
    global waiting
    waiting += 1
    e.wait()
before = size()
gs = [gevent.spawn(wait) for _ in range(COUNT)]
while waiting < COUNT:
    gevent.sleep(0.01)
print((size() - before) / COUNT, flush=True)
os._exit(0)
"""
# All in flight at once if the driver cooperates, which gevent's cannot without psycogreen.
FIFTY_QUERIES = """
from gevent import monkey
monkey.patch_all()
import gevent, psycopg2, sys, time
def query():
    connection = psycopg2.connect(sys.argv[1])
    connection.cursor().execute("select pg_sleep(0.1)")
    connection.close()
begin = time.monotonic()
gevent.joinall([gevent.spawn(query) for _ in range(50)], raise_error=True)
print(time.monotonic() - begin)
"""


def program(name):
    return f"{TIMES}{OPERATIONS[name][1]}\nprint(seconds)"
