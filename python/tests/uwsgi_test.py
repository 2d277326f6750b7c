"""Debian's uwsgi with its plugins for gevent and greenlet, which use their names and greenlet's capsule."""
import glob
import http.client
import os
import shutil
import signal
import subprocess
import tempfile
import time

import ramet
from lib.programs import LIMIT, get_all, until
from lib.tap import Skip, equal, main, raises, test
from ramet import monkey

APP = '''
import os, sys, threading, time
import gevent, greenlet
inside, all_here = [], gevent.event.Event() if hasattr(gevent, 'event') else threading.Event()
def application(environ, start_response):
    path = environ['PATH_INFO']
    if path == '/meet':
        inside.append(1)
        if len(inside) == 20:
            all_here.set()
        assert all_here.wait(20)
    if path == '/wrong':
        raise ValueError('on purpose')
    if path == '/sleep':
        time.sleep(1)
    body = environ['wsgi.input'].read() if environ.get('CONTENT_LENGTH') else b''
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [f'{gevent.__name__} {greenlet.__name__} {os.getpid()} {len(inside)} {len(body)}'.encode()]
'''
PACKAGE = os.path.dirname(ramet.__file__)


class Uwsgi:
    """uwsgi on a port of the kernel's choice, and what it has written."""

    def __init__(self, *options):
        if not shutil.which("uwsgi"):
            raise Skip("there is no uwsgi")
        if not glob.glob("/usr/lib/uwsgi/plugins/gevent_python3*"):
            raise Skip("there is no uwsgi-plugin-gevent-python3")
        self.folder = tempfile.TemporaryDirectory()
        path = self.folder.name
        with open(path + "/app.py", "w") as f:
            f.write(APP)
        self.log = open(path + "/log", "w+")
        env = dict(os.environ, PYTHONPATH=os.environ.get("PYTHONPATH", "") + ":" + PACKAGE + "/shim")
        self.process = subprocess.Popen(
            ["uwsgi", *options, "--master", "--die-on-term", "--http-socket", "127.0.0.1:0", "--module", "app"],
            cwd=path, env=env, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

    def text(self):
        self.log.seek(0)
        return self.log.read()

    def __enter__(self):
        def ready():
            assert self.process.poll() is None, self.text()
            return "spawned uWSGI worker 1" in self.text()
        until(ready)
        return self

    @property
    def port(self):
        """After a reload it is another one."""
        return int(self.text().rsplit("bound to TCP address 127.0.0.1:", 1)[1].split()[0])

    def __exit__(self, kind, *error):
        if kind:
            print(self.text()[-3000:])
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
            self.log.close()
            self.folder.cleanup()

    def ask(self, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        c.request("POST" if body else "GET", path, body)
        answer = c.getresponse()
        text = answer.read().decode()
        c.close()
        return answer.status, text


GEVENT = ("--plugins", "python3,gevent_python3", "--gevent", "50", "--gevent-monkey-patch")


@test
def twenty_requests_meet_in_its_gevent_loop():
    monkey.patch_all()
    with Uwsgi(*GEVENT) as u:
        answers = get_all([ramet.spawn(u.ask, "/meet") for _ in range(20)])
        equal([a[0] for a in answers], [200] * 20)
        equal({a[1].split()[3] for a in answers}, {"20"})
        equal(answers[0][1].split()[:2], ["ramet", "ramet._greenlet"])


@test
def requests_that_sleep_do_so_at_the_same_time():
    monkey.patch_all()
    with Uwsgi(*GEVENT) as u:
        begin = time.monotonic()
        get_all([ramet.spawn(u.ask, "/sleep") for _ in range(30)])
        assert time.monotonic() - begin < 15


@test
def bodies_come_whole_and_errors_are_told():
    with Uwsgi(*GEVENT) as u:
        equal(u.ask("/", "x" * 1000000)[1].split()[-1], "1000000")
        raises(http.client.RemoteDisconnected, u.ask, "/wrong")  # which is uwsgi's way
        assert "ValueError: on purpose" in u.text()
        equal(u.ask("/")[0], 200)


@test
def a_reload_is_graceful():
    monkey.patch_all()
    with Uwsgi(*GEVENT) as u:
        g = ramet.spawn(u.ask, "/sleep")
        before = u.ask("/")[1].split()[2]
        u.process.send_signal(signal.SIGHUP)
        equal(g.get(timeout=LIMIT)[0], 200)
        until(lambda: u.text().count("spawned uWSGI worker 1") == 2)
        assert "Gracefully killing worker 1" in u.text()
        assert u.ask("/")[1].split()[2] != before


@test
def it_ends_by_sigterm():
    with Uwsgi(*GEVENT) as u:
        equal(u.ask("/")[0], 200)
        u.process.send_signal(signal.SIGTERM)
        equal(u.process.wait(20), 0)


@test
def greenlets_are_its_suspend_engine():
    with Uwsgi("--plugins", "python3,greenlet_python3", "--async", "10", "--greenlet") as u:
        equal(u.ask("/")[1].split()[:2], ["ramet", "ramet._greenlet"])
        equal(u.ask("/", "x" * 100000)[1].split()[-1], "100000")


main()
