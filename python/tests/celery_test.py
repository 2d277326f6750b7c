"""Debian's celery, `celery worker -P gevent` by way of the shim, on a Redis."""
import contextlib
import os
import signal
import subprocess
import sys
import tempfile

import ramet
from lib import redisd
from lib.programs import LIMIT, get_all, need, until
from lib.tap import equal, main, raises, test
from lib.tap import where as redis_path
from ramet import monkey

TASKS = """
import os, socket, sys, time
from celery import Celery
path = os.environ['REDIS']
app = Celery('tasks', broker='redis+socket://' + path, backend='redis+socket://' + path)
app.conf.task_acks_late = False
app.conf.broker_connection_retry_on_startup = True
import redis
r = redis.Redis(unix_socket_path=path)
@app.task
def who():
    return [sys.modules['gevent'].__name__, socket.socket.__module__, os.getpid()]
@app.task
def nap(seconds):
    r.rpush('levels', r.incr('inside'))
    time.sleep(seconds)
    r.decr('inside')
    return 7
@app.task
def wait(name):
    return int(r.blpop(name, timeout=40)[1])
@app.task
def fail():
    raise ValueError('on purpose')
@app.task(bind=True, default_retry_delay=0.05)
def third_time(self):
    if self.request.retries < 2:
        raise self.retry()
    return self.request.retries
@app.task
def add(a, b):
    return a + b
@app.task
def total(numbers):
    return sum(numbers)
"""
PACKAGE = os.path.dirname(ramet.__file__)


class Worker:
    """celery's worker, and what it has written."""

    def __init__(self, redis, queue, concurrency=100):
        need("celery")
        need("redis")
        self.folder = tempfile.TemporaryDirectory()
        path = self.folder.name
        with open(path + "/tasks.py", "w") as f:
            f.write(TASKS)
        self.log = open(path + "/log", "w+")
        env = dict(os.environ, REDIS=redis, PYTHONPATH=os.environ.get("PYTHONPATH", "") + ":" + PACKAGE + "/shim")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-P", "gevent", "-c", str(concurrency),
             "-Q", queue, "-n", queue + "@here", "-l", "INFO", "--without-gossip", "--without-mingle"],
            cwd=path, env=env, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

    def text(self):
        self.log.seek(0)
        return self.log.read()

    def is_ready(self):
        assert self.process.poll() is None, self.text()
        return " ready." in self.text()

    def __enter__(self):
        until(self.is_ready)
        return self

    def end_by(self, number):
        """Its exit status after the signal."""
        self.process.send_signal(number)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.text()) from None

    def __exit__(self, kind, *error):
        if kind:
            print(self.text()[-3000:])
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()


@contextlib.contextmanager
def both():
    """A Redis and a worker for all tests."""
    with redisd.server() as path, Worker(path, "common"):
        yield path


class Client:
    """Sends tasks to a queue."""

    def __init__(self, queue="common"):
        url = "redis+socket://" + redis_path()
        self.queue = queue
        self.app = need("celery").Celery("tasks", broker=url, backend=url)
        self.redis = need("redis").Redis(unix_socket_path=redis_path())

    def send(self, name, *args, **options):
        return self.app.send_task("tasks." + name, args, queue=self.queue, **options)

    def blocked(self):
        """How many tasks wait for an element of a list; celery itself waits for one by a command of another name."""
        return sum(c["cmd"] == "blpop" and "b" in c["flags"] for c in self.redis.client_list())

    def close(self):
        self.app.close()
        self.redis.close()


@test
def the_worker_has_our_gevent():
    name, kind, pid = Client().send("who").get(timeout=LIMIT)
    equal((name, kind.split(".")[0]), ("ramet", "ramet"))


@test
def two_hundred_naps_overlap():
    c = Client()
    c.redis.delete("levels", "inside")
    results = [c.send("nap", 0.1) for _ in range(200)]
    equal([r.get(timeout=LIMIT) for r in results], [7] * 200)
    levels = [int(n) for n in c.redis.lrange("levels", 0, -1)]
    assert max(levels) > 20, levels
    assert max(levels) <= 100, levels


@test
def a_hundred_tasks_wait_in_the_worker_at_once():
    c = Client()
    results = [c.send("wait", f"list {n}") for n in range(101)]
    until(lambda: c.blocked() == 100)
    for n in range(101):
        c.redis.rpush(f"list {n}", n)
    equal([r.get(timeout=LIMIT) for r in results], list(range(101)))


@test
def a_task_that_fails_says_why():
    equal(str(raises(ValueError, Client().send("fail").get, timeout=LIMIT)), "on purpose")


@test
def a_task_is_tried_again():
    equal(Client().send("third_time").get(timeout=LIMIT), 2)


@test
def a_task_that_takes_too_long_is_ended():
    c = Client()
    limit = need("celery.exceptions").TimeLimitExceeded
    long = c.send("wait", "nothing", time_limit=0.5)
    raises(limit, long.get, timeout=LIMIT)
    until(lambda: c.blocked() == 0)


@test
def a_task_that_is_revoked_never_runs():
    c = Client()
    later = c.send("nap", 0, countdown=1)
    until(lambda: any(c.app.control.inspect(timeout=0.3).scheduled().values()))
    c.app.control.revoke(later.id)
    raises(need("celery.exceptions").TaskRevokedError, later.get, timeout=LIMIT)


@test
def a_task_for_later_runs_then():
    equal(Client().send("add", 3, 4, countdown=0.3).get(timeout=LIMIT), 7)


@test
def tasks_are_put_together():
    c = Client()
    celery = need("celery")
    parts = [c.app.signature("tasks.add", (n, n), queue="common") for n in range(20)]
    chord = celery.chord(parts, c.app.signature("tasks.total", queue="common"), app=c.app)
    equal(chord.apply_async().get(timeout=LIMIT), 380)
    chain = celery.chain(parts[1], c.app.signature("tasks.add", (5,), queue="common"), app=c.app)
    equal(chain.apply_async().get(timeout=LIMIT), 7)


@test
def the_worker_answers_while_it_is_full():
    c = Client()
    results = [c.send("wait", f"list {n}") for n in range(100)]
    until(lambda: c.blocked() == 100)
    equal(list(c.app.control.ping(timeout=5, limit=1)[0].values()), [{"ok": "pong"}])
    active = c.app.control.inspect(timeout=5, limit=1).active()
    equal([len(tasks) for tasks in active.values()], [100])
    for n in range(100):
        c.redis.rpush(f"list {n}", n)
    equal([r.get(timeout=LIMIT) for r in results], list(range(100)))


@test
def its_clients_can_be_greenlets():
    ramet.install_as_gevent()
    monkey.patch_all()
    c = Client()
    equal(get_all([ramet.spawn(lambda n=n: c.send("add", n, 1).get(timeout=LIMIT)) for n in range(20)]),
          list(range(1, 21)))


@test
def a_pool_grows():
    c = Client("growing")
    with Worker(redis_path(), "growing", 2):
        results = [c.send("wait", f"list {n}") for n in range(2)]
        until(lambda: c.blocked() == 2)
        c.app.control.pool_grow(2, destination=["growing@here"], reply=True, timeout=5)
        results += [c.send("wait", f"list {n}") for n in range(2, 4)]
        until(lambda: c.blocked() == 4)
        for n in range(4):
            c.redis.rpush(f"list {n}", n)
        equal([r.get(timeout=LIMIT) for r in results], list(range(4)))


@test
def warm_shutdown_waits_for_its_tasks():
    for number in (signal.SIGTERM, signal.SIGINT):
        c = Client(f"warm{number}")
        with Worker(redis_path(), c.queue) as worker:
            results = [c.send("wait", f"list {n}") for n in range(10)]
            until(lambda: c.blocked() == 10)
            worker.process.send_signal(number)
            until(lambda: "Warm shutdown" in worker.text())
            for n in range(10):
                c.redis.rpush(f"list {n}", n)
            equal([r.get(timeout=LIMIT) for r in results], list(range(10)))
            equal(worker.process.wait(LIMIT), 0)
            assert "Traceback" not in worker.text(), worker.text()


@test
def cold_shutdown_does_not():
    c = Client("cold")
    with Worker(redis_path(), c.queue) as worker:
        for _ in range(10):
            c.send("wait", "nothing")
        until(lambda: c.blocked() == 10)
        worker.end_by(signal.SIGQUIT)
        assert "Cold shutdown" in worker.text(), worker.text()
        until(lambda: c.blocked() == 0)


main(both)
