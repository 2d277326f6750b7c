"""requests and Flask, unmodified, in one process; and Django's own server."""
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading

import ramet
from lib.programs import LIMIT, get_all, need, nothing_left, until
from lib.tap import equal, main, raises, test
from ramet import monkey, pywsgi


class Rendezvous:
    """Lets its callers go on when so many wait."""

    def __init__(self, n):
        self.n = n
        self.waiting = 0
        self.all_here = threading.Event()

    def meet(self):
        self.waiting += 1
        if self.waiting == self.n:
            self.all_here.set()
        assert self.all_here.wait(LIMIT), f"{self.waiting} of {self.n} came"


def flask_app(rendezvous):
    flask = need("flask")
    app = flask.Flask("app")
    app.secret_key = "secret"

    @app.route("/meet/<int:n>", methods=["GET", "POST"])
    def meet(n):
        flask.g.n = n
        flask.session["n"] = n
        rendezvous.meet()
        return {"path": flask.request.path, "g": flask.g.n, "session": flask.session["n"]}

    @app.route("/upload", methods=["POST"])
    def upload():
        return str(sum(len(f.read()) for f in flask.request.files.values()))

    @app.route("/stream")
    def stream():
        def lines():
            for n in range(5):
                ramet.sleep(0.01)
                yield f"{n} {flask.request.path}\n"
        return flask.Response(flask.stream_with_context(lines()))

    @app.route("/wrong")
    def wrong():
        raise ValueError("on purpose")

    @app.route("/never")
    def never():
        app.never = ramet.getcurrent()
        ramet.sleep(1000)

    @app.route("/again")
    def again():
        return flask.redirect("/stream")
    return app


@contextlib.contextmanager
def served(app, **options):
    """Its URL."""
    server = pywsgi.WSGIServer(("127.0.0.1", 0), app, log=None, error_log=None, **options)
    server.start()
    try:
        yield f"http{'s' if options else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.stop(timeout=1)


def requests():
    module = need("requests")
    monkey.patch_all()
    return module


@test
def fifty_requests_are_in_flight_and_each_has_its_own_context():
    r = requests()

    def get(n):
        answer = r.get(f"{url}/meet/{n}", timeout=LIMIT)
        assert "session" in answer.cookies
        return answer.json()
    with served(flask_app(Rendezvous(50))) as url:
        equal(get_all([ramet.spawn(get, n) for n in range(50)]),
              [{"path": f"/meet/{n}", "g": n, "session": n} for n in range(50)])


@test
def a_session_is_shared_and_leaves_nothing():
    r = requests()
    with nothing_left(), served(flask_app(Rendezvous(10))) as url, r.Session() as session:
        session.mount("http://", r.adapters.HTTPAdapter(pool_maxsize=4, pool_block=False))
        equal(get_all([ramet.spawn(lambda: session.get(url + "/meet/1").status_code) for _ in range(10)]), [200] * 10)
        equal(get_all([ramet.spawn(lambda: session.get(url + "/again").text) for _ in range(10)]),
              ["".join(f"{n} /stream\n" for n in range(5))] * 10)


@test
def files_are_sent_and_streams_come_in_pieces():
    r = requests()
    with served(flask_app(None)) as url:
        content = os.urandom(3000000)
        equal(r.post(url + "/upload", files={"a": ("a", content), "b": ("b", content)}).text, "6000000")
        equal(r.post(url + "/upload", data=iter([b"a"] * 1000)).text, "0")
        with r.get(url + "/stream", stream=True) as answer:
            equal(list(answer.iter_lines()), [f"{n} /stream".encode() for n in range(5)])


@test
def errors_are_their_own():
    r = requests()
    with served(flask_app(None)) as url:
        equal(r.get(url + "/wrong").status_code, 500)
        equal(r.get(url + "/not there").status_code, 404)
        raises(r.exceptions.ReadTimeout, r.get, url + "/never", timeout=0.2)
    raises(r.exceptions.ConnectionError, r.get, url)


@test
def a_timeout_or_a_kill_ends_a_request():
    def limited():
        with ramet.Timeout(0.2):
            session.get(url + "/never")
    r = requests()
    app = flask_app(None)
    with served(app) as url, r.Session() as session:
        raises(ramet.Timeout, limited)
        del app.never
        g = ramet.spawn(session.get, url + "/never")
        until(lambda: hasattr(app, "never"))
        g.kill(timeout=20)
        assert isinstance(g.value, ramet.GreenletExit), g.exception
        equal(session.get(url + "/again").status_code, 200)


@test
def a_handler_that_is_killed_ends_its_connection_only():
    r = requests()
    app = flask_app(None)
    with served(app) as url:
        g = ramet.spawn(r.get, url + "/never")
        until(lambda: hasattr(app, "never"))
        app.never.kill(block=False)
        with contextlib.suppress(r.exceptions.ConnectionError):
            equal(g.get(timeout=20).status_code, 500)
        equal(r.get(url + "/stream").status_code, 200)


@test
def it_is_so_over_tls():
    r = requests()
    with tempfile.TemporaryDirectory() as folder:
        cert = f"{folder}/cert"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", f"{folder}/key", "-out", cert, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL, timeout=LIMIT)
        with served(flask_app(Rendezvous(20)), keyfile=f"{folder}/key", certfile=cert) as url:
            jobs = [ramet.spawn(r.get, f"{url}/meet/{n}", verify=cert) for n in range(20)]
            equal([answer.json()["g"] for answer in get_all(jobs)], list(range(20)))
            raises(r.exceptions.SSLError, r.get, url + "/stream")


# ---- servers of their own --------------------------------------------------------------------------------------------

FLASK = """
import sys, threading, time, flask
app = flask.Flask('app')
inside, all_here = [], threading.Event()
@app.route('/')
def meet():
    inside.append(1)
    if len(inside) == 20:
        all_here.set()
    assert all_here.wait(20)
    return threading.current_thread().__class__.__module__ + ' ' + str(len(inside))
if __name__ == '__main__':
    app.run(port=int(sys.argv[1]))
"""

DJANGO = """
import sys, threading
from django.conf import settings
from django.http import HttpResponse
from django.urls import path
settings.configure(DEBUG=False, ALLOWED_HOSTS=['*'], ROOT_URLCONF='__main__', SECRET_KEY='secret')
inside, all_here = [], threading.Event()
def meet(request):
    inside.append(1)
    if len(inside) == 20:
        all_here.set()
    assert all_here.wait(20)
    return HttpResponse('x ' + str(len(inside)))
urlpatterns = [path('', meet)]
from django.core.management import execute_from_command_line
execute_from_command_line(['manage.py', 'runserver', '--noreload', '127.0.0.1:' + sys.argv[1]])
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True


@contextlib.contextmanager
def program(text):
    """The URL of a server that is started by python -m ramet --patch."""
    with tempfile.TemporaryDirectory() as folder, open(folder + "/log", "w+") as log:
        with open(folder + "/program.py", "w") as f:
            f.write(text)
        port = free_port()
        process = subprocess.Popen([sys.executable, "-m", "ramet", "--patch", f.name, str(port)], stdout=log,
                                   stderr=log, stdin=subprocess.DEVNULL)
        try:
            until(lambda: answers(port) or process.poll() is not None)
            yield f"http://127.0.0.1:{port}/"
        except BaseException:
            log.seek(0)
            print(log.read())
            raise
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            finally:
                process.kill()
                process.wait()


def meet(text):
    r = requests()
    with program(text) as url:
        jobs = [ramet.spawn(r.get, url, timeout=LIMIT) for _ in range(20)]
        return [answer.text.split()[-1] for answer in get_all(jobs)]


@test
def flasks_own_server_is_patched_from_outside():
    need("flask")
    equal(meet(FLASK), ["20"] * 20)


@test
def djangos_own_server_is_patched_from_outside():
    need("django")
    equal(meet(DJANGO), ["20"] * 20)


main()
