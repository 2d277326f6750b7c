"""A gunicorn worker: `gunicorn -k ramet.gunicorn.Worker module:application`.

Each connection has a greenlet, the standard library blocks only the greenlet that calls it (monkey.patch_all),
and requests are read and answered by ramet.pywsgi.  Of gunicorn's settings worker_connections, graceful_timeout,
max_requests and those of TLS and logs are followed.
"""
import os
import time
from datetime import timedelta
from types import SimpleNamespace

import ramet
from gunicorn.http.wsgi import base_environ
from gunicorn.workers.base import Worker as _Worker
from ramet import hub, monkey, pywsgi
from ramet.pool import Pool
from ramet.server import _cooperative

__all__ = ['Worker']


class Handler(pywsgi.WSGIHandler):
    """Writes gunicorn's access log."""

    def get_environ(self):
        return dict(super().get_environ(), RAW_URI=self.path)

    def log_request(self):
        worker = self.server.worker
        worker.count_request()
        if worker.log_requests and self.environ is not None and self.response_headers is not None:
            answer = SimpleNamespace(status=self._orig_status, sent=self.response_length, headers=self._answered())
            taken = timedelta(seconds=max(self.time_finish - self.time_start, 0))
            worker.log.access(answer, [], self.environ, taken)

    def _answered(self):
        return [tuple(x.decode('latin-1') if isinstance(x, bytes) else x for x in pair)
                for pair in self.response_headers or ()]


class _ErrorLog:
    """Gunicorn's error log, as a file."""

    def __init__(self, log):
        self._log = log

    def write(self, text):
        """Log the text."""
        if text.strip():
            self._log.error('%s', text.rstrip())

    def flush(self):
        """There is nothing to flush."""


class Worker(_Worker):
    """The worker class."""
    requests = 0
    log_requests = False

    def init_process(self):
        monkey.patch_all()
        hub.reinit()
        super().init_process()

    def count_request(self):
        """One more is answered; after max_requests the worker ends."""
        self.requests += 1
        if self.requests == self.max_requests:
            self.log.info('Autorestarting worker after current request.')
            self.alive = False

    def handle_quit(self, sig, frame):
        self.alive = False

    def handle_usr1(self, sig, frame):
        ramet.spawn(super().handle_usr1, sig, frame)

    def _server(self, sock):
        environ = base_environ(self.cfg)
        environ.update({'wsgi.multithread': True, 'wsgi.multiprocess': self.cfg.workers > 1})
        ssl_args = dict(self.cfg.ssl_options, server_side=True) if self.cfg.is_ssl else {}
        needs_log = self.log_requests or self.cfg.max_requests > 0
        server = pywsgi.WSGIServer(_cooperative(sock.sock), self.wsgi, spawn=Pool(self.cfg.worker_connections),
                                   log=None, error_log=_ErrorLog(self.log), environ=environ,
                                   handler_class=Handler if needs_log else pywsgi.WSGIHandler, **ssl_args)
        server.worker = self
        return server

    def run(self):
        """Serve until gunicorn says to stop."""
        self.log_requests = bool(self.cfg.accesslog or self.cfg.logconfig or self.cfg.logconfig_dict or
                                 self.cfg.syslog or self.cfg.statsd_host)
        servers = [self._server(sock) for sock in self.sockets]
        for server in servers:
            server.start()
        while self.alive:
            self.notify()
            if self.ppid != os.getppid():
                self.log.info('Parent changed, shutting down: %s', self)
                break
            ramet.sleep(0.25)
        self._stop(servers)

    def _stop(self, servers):
        """No more is accepted; who is served has graceful_timeout."""
        for server in servers:
            server.close()
        until = time.monotonic() + self.cfg.graceful_timeout
        while time.monotonic() < until and any(self._is_busy(server) for server in servers):
            self.notify()
            ramet.sleep(0.05)
        for server in servers:
            server.stop(timeout=0)

    @staticmethod
    def _is_busy(server):
        return bool(len(server.pool))
