"""A connection of a WSGI server: its requests are read, given to the application, and answered."""
import errno
import sys
import time
import traceback
from datetime import datetime
from http.client import HTTPMessage

import ramet
from ramet._core import HTTPConnection
from ramet._wsgi_input import NO_BODY, Continued, Input, _InvalidClientInput
from ramet._wsgi_log import NoopLog
from ramet._wsgi_response import Response

_PERSISTS, _UPGRADES, _EXPECTS = 1, 2, 4

_REASONS = {400: 'Bad Request', 414: 'Request URI Too Long', 417: 'Expectation Failed',
            431: 'Request Header Fields Too Large', 500: 'Internal Server Error', 501: 'Not Implemented',
            505: 'HTTP Version Not Supported'}
_INTERNAL_ERROR_BODY = b'Internal Server Error'


class _InvalidClientRequest(ValueError):
    """The client's request is none."""

    def __init__(self, message, status=400):
        ValueError.__init__(self, message)
        self.formatted_message = message
        self.status = status


class WSGIHandler(Response):
    """WSGIHandler(socket, address, server, rfile=None): serves the requests of one connection.

    handle() does it: for each request handle_one_request(), which reads it (read_requestline, read_request,
    get_environ) and answers it (handle_one_response: run_application, process_result, write, log_request).
    """
    protocol_version = 'HTTP/1.1'

    def MessageClass(self, *args):
        """The headers as an email.message.Message."""
        message = HTTPMessage()
        for name, value in self.rfile.headers():
            message[name] = value
        return message

    close_connection = False
    time_start = 0
    time_finish = 0
    _print_unexpected_exc = staticmethod(traceback.print_exc)
    environ = None
    application = None
    requestline = None
    wsgi_input = None
    content_length = 0
    request_version = None
    command = None
    path = None
    _headers_read = None
    _begun = False  # a response, by _go_slow
    _request = (None, None, None, 'HTTP/1.1', 0, 0)

    #: Errors of writing that mean that the client is gone.
    ignored_socket_errors = (errno.EPIPE, errno.ECONNRESET)

    def __init__(self, sock, address, server, rfile=None):
        self.socket = sock
        self.client_address = address
        self.server = server
        self.rfile = HTTPConnection(sock) if rfile is None else rfile
        if isinstance(self.rfile, HTTPConnection):
            self.rfile.max_line = ramet.pywsgi.MAX_REQUEST_LINE

    # ---- the connection

    def handle(self):
        """Serve requests until the connection ends."""
        try:
            while self.socket is not None:
                self.time_start = time.time()
                self.time_finish = 0
                result = self._serve() if self._is_stock() else self.handle_one_request()
                if result is None:
                    break
                if result is True:
                    continue
                self.status, body = result
                self.socket.sendall(body)
                if self.time_finish == 0:
                    self.time_finish = time.time()
                self.log_request()
                break
        except OSError as e:
            if e.args and e.args[0] not in self.ignored_socket_errors:
                raise
        finally:
            self._leave()

    def _leave(self):
        sock, self.socket = self.socket, None
        rfile, self.rfile = self.rfile, None
        if sock is not None:
            if rfile is not None and rfile.buffered:
                _linger(sock)
            sock.close()
        if rfile is not None:
            rfile.close()

    @classmethod
    def _is_stock(cls):
        """Whether requests may take the short way: nothing of this class is overridden that it would not call."""
        stock = cls.__dict__.get('_stock')
        if stock is None:
            ours = (name for name in _STEPS if getattr(cls, name) is not getattr(WSGIHandler, name))
            stock = cls._stock = next(ours, None) is None
        return stock

    def _serve(self):
        server = self.server
        log = self._logs()
        if type(server.environ) is not dict or server.environ_class is not dict:
            return self.handle_one_request()
        result = self.rfile.serve(self, server, *_remote(self.client_address), NO_BODY, log)
        if result is None:
            return None
        if isinstance(result, int):
            return self._refuse_head(result)
        return self._handle_request(result)

    def _logs(self):
        return not isinstance(self.server.log, NoopLog)

    # ---- reading

    def read_requestline(self):
        """Wait for a request: its first line; '' at the end of the connection."""
        request = self.rfile.head()
        if request is None:
            return ''
        if isinstance(request, int):
            raise _InvalidClientRequest(_REASONS.get(request, ''), request)
        self._request = request
        return request[0]

    def read_request(self, raw_requestline):
        """What the request says.  True; False: it is refused."""
        self._set_request(self._request)
        return True

    def _set_request(self, request):
        self.requestline, self.command, self.path, self.request_version, flags, size = self._request = request
        self.close_connection = not flags & _PERSISTS
        self.content_length = None if size < 0 else size
        self._headers_read = None

    @property
    def headers(self):
        """The headers of the request."""
        if self._headers_read is None:
            self._headers_read = self.MessageClass()
        return self._headers_read

    @headers.setter
    def headers(self, value):
        self._headers_read = value

    def handle_one_request(self):
        """Read a request and answer it.  True: the next may come; None: the connection ends; or a status and
        the bytes to send, after which it ends."""
        if self.rfile.closed:
            return None
        self._request = None
        try:
            self.requestline = self.read_requestline()
            if self.requestline and self._request is None:
                self._read_after(self.requestline)
        except _InvalidClientRequest as e:
            return self._refuse_head(e.status)
        except OSError:  # the client is gone, or has not said anything in time
            return None
        if not self.requestline:
            return None
        return self._handle_request(self._request)

    def _read_after(self, line):
        """A subclass has read the first line by itself: the request begins with that, and the rest is to come."""
        line = line.encode('latin-1') if isinstance(line, str) else line
        self.rfile = HTTPConnection(Continued(line + self.rfile.peek(), self.socket))
        self.rfile.max_line = ramet.pywsgi.MAX_REQUEST_LINE
        self.requestline = WSGIHandler.read_requestline(self)

    def _handle_request(self, request):
        self._request = request
        self.response_length = 0
        self.headers_sent = False
        self.time_start = time.time()
        try:
            if not self.read_request(request[0]):
                return self._refusal(400)
        except Exception as e:
            return self._handle_client_error(e)
        self.environ = self.get_environ()
        self.application = self.server.application
        self.handle_one_response()
        return None if self.close_connection or self.connection_upgraded else True

    def _handle_client_error(self, ex):
        """read_request() has raised `ex`: the status and the answer."""
        if not isinstance(ex, ValueError):
            self._print_unexpected_exc()
        self.log_error('%s', getattr(ex, 'formatted_message', None) or f'Invalid request: {ex or type(ex).__name__}')
        return self._refusal(getattr(ex, 'status', 400))

    def _refuse_head(self, status):
        """The status and the answer to what is no request."""
        line = self.rfile.peek().lstrip(b'\r\n').split(b'\n', 1)[0][:ramet.pywsgi.MAX_REQUEST_LINE]
        self.requestline = line.decode('latin-1').rstrip()
        self._orig_status = None
        if not self.rfile.eof:  # else it has left amid its request
            self.log_error('Invalid request: %s: %r', _REASONS.get(status, 'Bad Request'), self.requestline)
        return self._refusal(status)

    def _refusal(self, status):
        self.close_connection = True
        self.response_length = 0
        line = f"{status} {_REASONS.get(status, 'Bad Request')}"
        return line, f'HTTP/1.1 {line}\r\nConnection: close\r\nContent-length: 0\r\n\r\n'.encode('latin-1')

    def get_environ(self):
        """The environ of the request."""
        env = self.server.get_environ()
        if isinstance(env, dict):
            self.rfile.fill_environ(env)
        env['REMOTE_ADDR'], env['REMOTE_PORT'] = _remote(self.client_address)
        size, flags = self._request[5], self._request[4]
        waits = self.socket if flags & _EXPECTS else None
        if self._connection_upgrade_requested():
            self.wsgi_input = self.rfile  # what comes is no HTTP, and ends with the connection
        elif not size:
            self.wsgi_input = NO_BODY
        else:
            self.wsgi_input = Input(self.rfile, None if size < 0 else size, waits, size < 0)
        env['wsgi.input'] = self.wsgi_input
        env['wsgi.input_terminated'] = not self._connection_upgrade_requested()
        return env

    def _connection_upgrade_requested(self):
        return bool(self._request[4] & _UPGRADES)

    # ---- answering

    def handle_one_response(self):
        """Call the application, send what it says, and see to what it does not."""
        if not self._begun:  # it was, by _go_slow
            self._begin_response()
        self._begun = False
        try:
            try:
                self.run_application()
            finally:
                self._end_input()
        except _InvalidClientInput as e:
            self.log_error('%s', e)
            self.close_connection = True
            self._send_error_response_if_possible(400)
        except OSError as e:
            if e.args and e.args[0] in self.ignored_socket_errors:
                self.close_connection = True
            else:
                self.handle_error(*sys.exc_info())
        except BaseException:
            self.handle_error(*sys.exc_info())
        finally:
            self.time_finish = time.time()
            self.log_request()

    def _end_input(self):
        """The body that the application has not read."""
        result, self.result = self.result, None
        try:
            if hasattr(result, 'close'):
                result.close()
        finally:
            body = self.wsgi_input
            if isinstance(body, Input) and not self.connection_upgraded:
                if body.socket is not None and (body.content_length or body.chunked_input):
                    self.close_connection = True  # whether the body comes only the client knows
                elif not self.close_connection:
                    try:
                        body._discard()
                    except OSError:
                        self.close_connection = True

    def _go_slow(self, request, environ, status, headers):
        """The short way ends here, with what was said so far."""
        self._set_request(request)
        self.environ = environ
        self.wsgi_input = environ.get('wsgi.input')
        if not isinstance(self.wsgi_input, Input):
            self.wsgi_input = None
        self._begin_response()
        if status is not None:
            self.start_response(status, headers)

    def _end_response(self, result, error):
        """The application has returned, or raised `error`.  Whether another request may come."""

        def returned(environ, start_response):
            if error is not None:
                raise error
            return result

        self.application = returned
        self._begun = True
        self.handle_one_response()
        return not (self.close_connection or self.connection_upgraded)

    def run_application(self):
        """Call the application, and send its result."""
        self.result = self.application(self.environ, self.start_response)
        self.process_result()

    # ---- what goes wrong

    def log_error(self, msg, *args):
        """Write to the error log."""
        try:
            message = msg % args
        except Exception:
            message = f'{msg} {args}'
        try:
            self.server.error_log.write(f'{self.socket}: {message}\n')
        except Exception:
            self._print_unexpected_exc()

    def handle_error(self, t, v, tb):
        """The application has failed: tell the hub, unless it was killed, and the client if nothing was sent."""
        if not issubclass(t, ramet.GreenletExit):
            self._log_error(t, v, tb)
        self.close_connection = True
        self._send_error_response_if_possible(500)

    def _log_error(self, t, v, tb):
        context = self.environ
        if not isinstance(context, self.server.secure_environ_class):
            context = self.server.secure_environ_class(context or {})
        self.server.loop.handle_error(context, t, v, tb)

    def _send_error_response_if_possible(self, error_code):
        if self.response_length or self.headers_sent:
            self.close_connection = True
            return
        body = _INTERNAL_ERROR_BODY if error_code == 500 else b''
        self.result = None
        self.connection_upgraded = False
        self.start_response(f'{error_code} {_REASONS[error_code]}',
                            [('Content-Type', 'text/plain'), ('Connection', 'close'),
                             ('Content-Length', str(len(body)))])
        try:
            self.write(body)
        except OSError:
            self.close_connection = True

    # ---- the log

    def log_request(self):
        """Write a line to the log."""
        self.server.log.write(self.format_request() + '\n')

    def format_request(self):
        """That line, as web servers have it."""
        now = datetime.now().replace(microsecond=0)
        length = self.response_length or '-'
        delta = '%.6f' % (self.time_finish - self.time_start) if self.time_finish else '-'
        client = self.client_address[0] if isinstance(self.client_address, tuple) else self.client_address
        status = self._orig_status or self.status or '000'
        status = status.decode('latin-1') if isinstance(status, bytes) else status
        return '%s - - [%s] "%s" %s %s %s' % (client or '-', now, self.requestline or '', status.split()[0], length,
                                              delta)


def _linger(sock):
    """Tell the client that nothing more comes; what it has sent would else make the kernel throw away the answer."""
    try:
        sock.shutdown(1)
        sock.settimeout(1)
        for _ in range(16):
            if not sock.recv(65536):
                break
    except OSError:
        pass


def _remote(address):
    if isinstance(address, tuple) and len(address) >= 2:
        return str(address[0]), str(address[1])
    return '', ''


#: What the short way does not call.
_STEPS = ('handle_one_request', 'read_requestline', 'read_request', 'get_environ', 'handle_one_response',
          'run_application', 'process_result', 'start_response', 'write', '_write', '_write_with_headers', '_sendall',
          'finalize_headers', 'headers', 'MessageClass', 'log_request')
