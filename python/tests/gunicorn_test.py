"""Debian's gunicorn with our workers, on Flask and on a plain application."""
import concurrent.futures
import functools
import http.client
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import ramet
from lib.tap import Skip, equal, main, test

APPS = '''
import os
import time
def plain(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'hello ', environ['PATH_INFO'].encode()]
def slow(environ, start_response):
    time.sleep(1)
    return plain(environ, start_response)
def late(environ, start_response):
    with open('inside', 'a') as f:
        f.write('x')
    while not os.path.exists('go'):
        time.sleep(0.01)
    return plain(environ, start_response)
def stuck(environ, start_response):
    if environ['PATH_INFO'] == '/stuck':
        while True:
            pass
    return plain(environ, start_response)
def echo(environ, start_response):
    body = environ['wsgi.input'].read()
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', str(len(body)))])
    return [body[i:i + 100000] for i in range(0, len(body), 100000)]
def pid(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [str(os.getpid()).encode()]
def spoken(environ, start_response):
    if 'gunicorn.socket' in environ:
        s = environ['gunicorn.socket']
        s.sendall(b'HTTP/1.1 101 Switching\\r\\nUpgrade: echo\\r\\nConnection: Upgrade\\r\\n\\r\\n')
        while True:
            line = s.recv(1000)
            if not line:
                raise StopIteration
            s.sendall(line)
    write = start_response('101 Switching', [('Upgrade', 'echo'), ('Connection', 'Upgrade')])
    write(b'')
    for line in environ['wsgi.input']:
        write(line)
    return []
def failing(environ, start_response):
    raise ValueError('on purpose')
def flask_app():
    import flask
    app = flask.Flask(__name__)
    app.route('/<name>', methods=['GET', 'POST'])(lambda name: name + flask.request.get_data(as_text=True))
    return app
'''
PACKAGE = os.path.dirname(ramet.__file__)


class Gunicorn:
    """gunicorn with a worker class, and what it has written."""

    def __init__(self, worker, app, *options):
        if importlib.util.find_spec('gunicorn') is None:
            raise Skip('no gunicorn')
        self.folder = tempfile.TemporaryDirectory()
        path = self.folder.name
        with open(path + '/apps.py', 'w') as f:
            f.write(APPS)
        env = dict(os.environ, PYTHONPATH=os.pathsep.join([os.environ.get('PYTHONPATH', ''), PACKAGE + '/shim']))
        self.log = open(path + '/log', 'w+')
        self.process = subprocess.Popen(
            [sys.executable, '-c', 'from gunicorn.app.wsgiapp import run; run()', '-k', worker, '-b', '127.0.0.1:0',
             '--chdir', path, 'apps:' + app, *options], env=env, stdout=self.log, stderr=self.log)

    def text(self):
        self.log.seek(0)
        return self.log.read()

    def wait_for(self, words):
        for _ in range(1000):
            if words in self.text():
                return
            assert self.process.poll() is None, self.text()
            time.sleep(0.02)
        raise AssertionError(self.text())

    def touch(self, name, text=''):
        with open(f'{self.folder.name}/{name}', 'w') as f:
            f.write(text)

    def inside(self):
        """How many requests have come to the application `late`."""
        try:
            return os.path.getsize(self.folder.name + '/inside')
        except FileNotFoundError:
            return 0

    def wait_for_more(self, words, n):
        for _ in range(1000):
            if self.text().count(words) >= n:
                return
            time.sleep(0.02)
        raise AssertionError(self.text())

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.port), 20)

    def __enter__(self):
        self.wait_for('Booting worker')
        self.port = int(re.search(r'Listening at: http://127.0.0.1:(\d+)', self.text()).group(1))
        return self

    def __exit__(self, *args):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.log.close()
            self.folder.cleanup()

    def ask(self, path, body=None, method=None):
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=20)
        c.request(method or ('POST' if body else 'GET'), path, body)
        answer = c.getresponse()
        text = answer.read().decode()
        c.close()
        return answer.status, text


WORKERS = ('gevent', 'gevent_pywsgi', 'ramet.gunicorn.Worker')


def with_each(*workers):
    """The test is run for each of them, side by side: most of the time they wait for gunicorn to end."""
    def decorate(function):
        @functools.wraps(function)
        def call():
            with concurrent.futures.ThreadPoolExecutor() as pool:
                list(pool.map(function, workers))
        return test(call)
    return decorate


@with_each(*WORKERS)
def every_worker_serves_a_plain_application(worker):
    with Gunicorn(worker, 'plain', '--access-logfile', '-') as g:
        equal(g.ask('/a'), (200, 'hello /a'))
        g.wait_for('"GET /a HTTP/1.1" ' + ("b'200" if worker == 'gevent_pywsgi' else '200'))
    equal(g.process.returncode, 0)


@with_each(*WORKERS)
def every_worker_serves_flask(worker):
    if importlib.util.find_spec('flask') is None:
        raise Skip('no flask')
    with Gunicorn(worker, 'flask_app()') as g:
        equal(g.ask('/a'), (200, 'a'))
        equal(g.ask('/a', 'b' * 100000), (200, 'a' + 'b' * 100000))
        equal(g.ask('/a/b')[0], 404)


@with_each(*WORKERS[::2])
def requests_that_sleep_do_so_at_the_same_time(worker):
    with Gunicorn(worker, 'slow') as g:
        clients = [http.client.HTTPConnection('127.0.0.1', g.port, timeout=60) for _ in range(20)]
        start = time.monotonic()
        for c in clients:
            c.request('GET', '/')
        for c in clients:
            equal(c.getresponse().read(), b'hello /')
            c.close()
        assert time.monotonic() - start < 15  # 20, one after the other


@test
def what_an_application_does_wrong_is_in_gunicorns_log():
    with Gunicorn('ramet.gunicorn.Worker', 'failing') as g:
        equal(g.ask('/')[0], 500)
        g.wait_for('ValueError: on purpose')


@test
def a_worker_ends_after_its_requests_and_another_begins():
    with Gunicorn('ramet.gunicorn.Worker', 'plain', '--max-requests', '2') as g:
        for _ in range(2):
            equal(g.ask('/')[0], 200)
        for _ in range(500):
            if g.text().count('Booting worker') > 1:
                break
            time.sleep(0.02)
        equal(g.text().count('Booting worker'), 2)
        equal(g.ask('/')[0], 200)


def reads(c):
    """The next answer on a connection, up to the end of its body."""
    answer = http.client.HTTPResponse(c)
    answer.begin()
    return answer.status, answer.read()


@with_each(*WORKERS)
def a_connection_is_kept_for_the_next_request_and_for_so_long(worker):
    with Gunicorn(worker, 'echo', '--keep-alive', '1') as g, g.connect() as c:
        for n in range(5):
            c.sendall(b'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n%d' % n)
            equal(reads(c), (200, b'%d' % n))
        if worker == 'gevent':
            equal(c.recv(1), b'')


@with_each(*WORKERS)
def large_bodies_come_and_go_whole(worker):
    body = os.urandom(5000000)
    with Gunicorn(worker, 'echo') as g, g.connect() as c:
        sender = threading.Thread(target=c.sendall, args=[
            b'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n' % len(body) + body])
        sender.start()
        status, got = reads(c)
        equal((status, got == body), (200, True))
        sender.join()
        c.sendall(b'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n')
        for i in range(0, 100000, 10000):
            c.sendall(b'%x\r\n' % 10000 + body[i:i + 10000] + b'\r\n')
        c.sendall(b'0\r\n\r\n')
        equal(reads(c), (200, body[:100000]))


@with_each(*WORKERS)
def another_protocol_is_spoken_after_an_upgrade(worker):
    with Gunicorn(worker, 'spoken') as g, g.connect() as c, c.makefile('rwb') as f:
        f.write(b'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
        f.flush()
        equal(f.readline().split()[1], b'101')
        while f.readline() != b'\r\n':
            pass
        for n in range(3):
            f.write(b'line %d\n' % n)
            f.flush()
            equal(f.readline(), b'line %d\n' % n)


def in_flight(g, n):
    """Clients that wait for an answer from the application `late`."""
    clients = [g.connect() for _ in range(n)]
    for c in clients:
        c.sendall(b'GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    for _ in range(1000):
        if g.inside() == n:
            return clients
        time.sleep(0.02)
    raise AssertionError(g.text())


@with_each(*WORKERS)
def a_reload_lets_requests_end_and_loads_the_program_anew(worker):
    with Gunicorn(worker, 'late') as g:
        clients = in_flight(g, 5)
        g.touch('apps.py', APPS.replace('hello ', 'good day '))
        g.process.send_signal(signal.SIGHUP)
        g.wait_for_more('Booting worker', 2)
        g.touch('go')
        equal([reads(c)[1] for c in clients], [b'hello /'] * 5)
        for c in clients:
            c.close()
        g.wait_for('Worker exiting')
        equal(g.ask('/'), (200, 'good day /'))


@with_each(*WORKERS)
def sigterm_lets_requests_end(worker):
    with Gunicorn(worker, 'late') as g:
        clients = in_flight(g, 5)
        g.process.send_signal(signal.SIGTERM)
        g.wait_for('Handling signal: term')
        g.touch('go')
        equal([reads(c)[1] for c in clients], [b'hello /'] * 5)
        for c in clients:
            c.close()
        equal(g.process.wait(30), 0)


@with_each(*WORKERS)
def whoever_takes_too_long_to_end_is_ended(worker):
    with Gunicorn(worker, 'late', '--graceful-timeout', '1') as g:
        clients = in_flight(g, 3)
        g.process.send_signal(signal.SIGTERM)
        equal(g.process.wait(30), 0)
        for c in clients:
            c.close()


@with_each(*WORKERS[::2])
def a_worker_that_is_stuck_is_replaced_and_one_that_waits_is_not(worker):
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        raise Skip("under a sanitizer a worker takes longer to begin than it may be stuck")
    with Gunicorn(worker, 'stuck', '--timeout', '2') as g, g.connect() as c:
        c.sendall(b'GET /stuck HTTP/1.1\r\nHost: h\r\n\r\n')
        g.wait_for('WORKER TIMEOUT')
        g.wait_for_more('Booting worker', 2)
        equal(g.ask('/'), (200, 'hello /'))
    with Gunicorn('ramet.gunicorn.Worker', 'late', '--timeout', '1') as g:
        clients = in_flight(g, 1)
        time.sleep(2)
        g.touch('go')
        equal(reads(clients[0]), (200, b'hello /'))
        clients[0].close()
        assert 'WORKER TIMEOUT' not in g.text()


@with_each(*WORKERS)
def a_worker_that_is_killed_is_replaced(worker):
    with Gunicorn(worker, 'pid') as g:
        os.kill(int(g.ask('/')[1]), signal.SIGKILL)
        g.wait_for_more('Booting worker', 2)
        equal(g.ask('/')[0], 200)


@with_each(*WORKERS)
def several_workers_share_a_unix_socket(worker):
    with Gunicorn(worker, 'pid', '-w', '2', '-b', 'unix:socket', '--graceful-timeout', '2') as g:
        g.wait_for_more('Booting worker', 2)
        pids = set()
        for _ in range(100):
            with socket.socket(socket.AF_UNIX) as c:
                c.settimeout(20)
                c.connect(g.folder.name + '/socket')
                c.sendall(b'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
                pids.add(reads(c)[1])
        assert 1 <= len(pids) <= 2, pids


main()
