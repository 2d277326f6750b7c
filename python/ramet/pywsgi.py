"""A WSGI server (PEP 3333): WSGIServer calls an application for each request, in the greenlet of its connection.

Requests are read by libramet's HTTP parser: strictly, so what two programs could read differently is refused.
A request without a body whose application returns a list of bytes is answered in C, with one system call; what
a subclass of WSGIHandler overrides is called, and then its requests take the way through Python.
"""
import logging
import os
import sys

from ramet._wsgi_environ import Environ, SecureEnviron, WSGISecureEnviron
from ramet._wsgi_handler import WSGIHandler, _InvalidClientRequest
from ramet._wsgi_input import Input, _InvalidClientInput
from ramet._wsgi_log import LoggingLogAdapter, log_of
from ramet.server import StreamServer
from ramet.socket import IPPROTO_TCP, TCP_NODELAY

__all__ = [
    'WSGIServer',
    'WSGIHandler',
    'LoggingLogAdapter',
    'Environ',
    'SecureEnviron',
    'WSGISecureEnviron',
]

MAX_REQUEST_LINE = 8192


class WSGIServer(StreamServer):
    """WSGIServer(listener, application=None, backlog=None, spawn='default', log='default', error_log='default',
    handler_class=None, environ=None, **ssl_args)

    log and error_log: something with write(), a logger, None (nothing is written), 'default' (stderr).
    environ: what every environ has besides base_env.
    """
    handler_class = WSGIHandler

    #: Written to for each request, and for each error.
    log = None
    error_log = None

    environ_class = dict
    secure_environ_class = WSGISecureEnviron

    base_env = {
        'GATEWAY_INTERFACE': 'CGI/1.1',
        'SERVER_SOFTWARE': 'ramet/0.1 Python/%d.%d' % sys.version_info[:2],
        'SCRIPT_NAME': '',
        'wsgi.version': (1, 0),
        'wsgi.multithread': False,
        'wsgi.multiprocess': False,
        'wsgi.run_once': False,
    }

    application = None

    def __init__(self, listener, application=None, backlog=None, spawn='default', log='default',
                 error_log='default', handler_class=None, environ=None, **ssl_args):
        if application is not None:
            self.application = application
        if handler_class is not None:
            self.handler_class = handler_class
        StreamServer.__init__(self, listener, backlog=backlog, spawn=spawn, **ssl_args)
        self.log = log_of(log, logging.INFO)
        self.error_log = log_of(error_log, logging.ERROR)
        self.set_environ(environ)
        self.set_max_accept()

    def set_environ(self, environ=None):
        """What every request's environ begins with, besides base_env."""
        env = self.environ_class(self.base_env)
        env['wsgi.url_scheme'] = 'https' if self.ssl_enabled else 'http'
        env.update(environ or ())
        env.setdefault('wsgi.errors', self.error_log)
        self.environ = env

    def set_max_accept(self):
        """One process of several does not take many at once."""
        if self.environ.get('wsgi.multiprocess'):
            self.max_accept = 1

    def get_environ(self):
        """A copy of the environ that every request begins with."""
        return self.environ_class(self.environ)

    def init_socket(self):
        StreamServer.init_socket(self)
        self.update_environ()

    def update_environ(self):
        """Called before it accepts: now the address is known."""
        address = self.address
        if isinstance(address, tuple):
            self.environ.setdefault('SERVER_NAME', _name_of(address[0]))
            self.environ.setdefault('SERVER_PORT', str(address[1]))
        else:
            self.environ.setdefault('SERVER_NAME', '')
            self.environ.setdefault('SERVER_PORT', '')

    def handle(self, sock, address):
        """Serve one connection: called by each in its own greenlet."""
        if sock.family != _AF_UNIX:
            try:
                sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            except OSError:
                pass
        handler = self.handler_class(sock, address, self)
        handler.handle()


_AF_UNIX = 1


def _name_of(host):
    if host in ('', '0.0.0.0', '::'):
        return os.uname().nodename
    if host in ('127.0.0.1', '::1'):
        return 'localhost'
    return host
