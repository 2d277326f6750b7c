"""Debian's gunicorn with our workers, on Flask and on a plain application."""
import http.client
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time

import ramet
from lib.tap import Skip, equal, main, test

APPS = '''
import time
def plain(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'hello ', environ['PATH_INFO'].encode()]
def slow(environ, start_response):
    time.sleep(1)
    return plain(environ, start_response)
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

    def __enter__(self):
        self.wait_for('Booting worker')
        self.port = int(self.text().split('Listening at: http://127.0.0.1:')[1].split()[0])
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


@test
def every_worker_serves_a_plain_application():
    for worker in WORKERS:
        with Gunicorn(worker, 'plain', '--access-logfile', '-') as g:
            equal(g.ask('/a'), (200, 'hello /a'))
            g.wait_for('"GET /a HTTP/1.1" ' + ("b'200" if worker == 'gevent_pywsgi' else '200'))
        equal(g.process.returncode, 0)


@test
def every_worker_serves_flask():
    if importlib.util.find_spec('flask') is None:
        raise Skip('no flask')
    for worker in WORKERS:
        with Gunicorn(worker, 'flask_app()') as g:
            equal(g.ask('/a'), (200, 'a'))
            equal(g.ask('/a', 'b' * 100000), (200, 'a' + 'b' * 100000))
            equal(g.ask('/a/b')[0], 404)


@test
def requests_that_sleep_do_so_at_the_same_time():
    for worker in WORKERS[::2]:
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


main()
