"""A WSGI server (PEP 3333): WSGIServer calls an application for each request, in the greenlet of its connection.

Requests are read by libramet's HTTP parser: strictly, so what two programs could read differently is refused.
A request without a body whose application returns a list of bytes is answered in C, with one system call; what
a subclass of WSGIHandler overrides is called, and then its requests take the way through Python.
"""
import errno
import io
import logging
import os
import sys
import time
import traceback
from datetime import datetime
from http.client import HTTPMessage
from wsgiref.handlers import format_date_time

import ramet
from ramet._core import HTTPConnection
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

_PERSISTS, _UPGRADES, _EXPECTS = 1, 2, 4

_REASONS = {400: 'Bad Request', 414: 'Request URI Too Long', 417: 'Expectation Failed',
            431: 'Request Header Fields Too Large', 500: 'Internal Server Error', 501: 'Not Implemented',
            505: 'HTTP Version Not Supported'}
_INTERNAL_ERROR_BODY = b'Internal Server Error'


class _InvalidClientInput(IOError):
    """The client's body is no HTTP."""


class _InvalidClientRequest(ValueError):
    """The client's request is none."""

    def __init__(self, message, status=400):
        ValueError.__init__(self, message)
        self.formatted_message = message
        self.status = status


class _Received:
    """What has recv, of what has read."""

    def __init__(self, rfile):
        self.recv = getattr(rfile, 'read1', rfile.read)


class Input:
    """wsgi.input: the body of a request, and nothing behind it."""
    __slots__ = ('rfile', 'content_length', 'socket', 'position', 'chunked_input', '_decoded', '_error')

    def __init__(self, rfile, content_length, socket=None, chunked_input=False):
        if chunked_input and not hasattr(rfile, 'read_chunks'):
            rfile = HTTPConnection(_Received(rfile))
        self.rfile = rfile
        self.content_length = content_length
        self.socket = socket  # of a client that waits for "100 Continue"
        self.position = 0
        self.chunked_input = chunked_input
        self._decoded = None
        self._error = False

    def _send_100_continue(self):
        if self.socket is not None:
            self.socket.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')
            self.socket = None

    def _discard(self):
        """Read what is left, so that the next request can be."""
        if self._error:
            raise _InvalidClientInput('the body is bad')
        if self.socket is None and (self.chunked_input or self.position < (self.content_length or 0)):
            while self.read(16384):
                pass

    def _more_chunks(self):
        try:
            return self.rfile.read_chunks()
        except (OSError, EOFError) as e:
            self._error = True
            raise _InvalidClientInput(f'chunked body: {e}') from e

    def _read_chunked(self, length, use_readline):
        """Of the chunks' data: b'' at the end."""
        self._send_100_continue()
        have = self._decoded or b''
        parts, total = [have], len(have)
        while not (use_readline and b'\n' in parts[-1]) and (length is None or total < length):
            parts.append(self._more_chunks())
            total += len(parts[-1])
            if not parts[-1]:
                break
        have = b''.join(parts)
        size = len(have) if length is None else min(length, len(have))
        if use_readline:
            end = have.find(b'\n', 0, size)
            size = size if end < 0 else end + 1
        self._decoded = have[size:]
        return have[:size]

    def _do_read(self, length=None, use_readline=False):
        if self.chunked_input:
            return self._read_chunked(length, use_readline)
        left = (self.content_length or 0) - self.position
        if length is None or length > left:
            length = left
        if length <= 0:
            return b''
        self._send_100_continue()
        data = self.rfile.readline(length) if use_readline else self.rfile.read(length)
        self.position += len(data)
        if len(data) < length and not (use_readline and data.endswith(b'\n')):
            self._error = True
            raise IOError(f'unexpected end of file while reading request at position {self.position}')
        return data

    def read(self, length=None):
        """Bytes of the body: all, or `length` of them unless it ends before."""
        return self._do_read(None if length is None or length < 0 else length)

    def readline(self, size=None):
        """A line of the body, at most `size` bytes of it."""
        return self._do_read(None if size is None or size < 0 else size, use_readline=True)

    def readlines(self, hint=None):
        """The lines of the body."""
        return list(self)

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__


_NO_BODY = Input(io.BytesIO(), 0)  # it keeps nothing: one for all


class WSGIHandler:
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

    status = None
    _orig_status = None
    response_headers = None
    code = None
    provided_date = None
    provided_content_length = None
    close_connection = False
    time_start = 0
    time_finish = 0
    headers_sent = False
    response_use_chunked = False
    _print_unexpected_exc = staticmethod(traceback.print_exc)
    connection_upgraded = False
    environ = None
    application = None
    requestline = None
    response_length = 0
    result = None
    wsgi_input = None
    content_length = 0
    request_version = None
    command = None
    path = None
    _headers_read = None
    _begun = False  # a response, by _go_slow
    _body_length = 0  # of the answer, so far
    _request = (None, None, None, 'HTTP/1.1', 0, 0)

    ApplicationError = AssertionError

    #: Errors of writing that mean that the client is gone.
    ignored_socket_errors = (errno.EPIPE, errno.ECONNRESET)

    def __init__(self, sock, address, server, rfile=None):
        self.socket = sock
        self.client_address = address
        self.server = server
        self.rfile = HTTPConnection(sock) if rfile is None else rfile
        if isinstance(self.rfile, HTTPConnection):
            self.rfile.max_line = MAX_REQUEST_LINE

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
        result = self.rfile.serve(self, server, *_remote(self.client_address), _NO_BODY, log)
        if result is None:
            return None
        if isinstance(result, int):
            return self._refuse(result)
        return self._handle_request(result)

    def _logs(self):
        return not isinstance(self.server.log, _NoopLog)

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
        try:
            self.requestline = self.read_requestline()
        except _InvalidClientRequest as e:
            return self._refuse(e.status)
        if not self.requestline:
            return None
        return self._handle_request(self._request)

    def _handle_request(self, request):
        self._request = request
        self.response_length = 0
        self.headers_sent = False
        self.time_start = time.time()
        try:
            if not self.read_request(request[0]):
                return self._refuse(400)
        except _InvalidClientRequest as e:
            self.log_error('%s', e.formatted_message)
            return self._refuse(e.status)
        self.environ = self.get_environ()
        self.application = self.server.application
        self.handle_one_response()
        return None if self.close_connection or self.connection_upgraded else True

    def _refuse(self, status):
        self.close_connection = True
        line = f"{status} {_REASONS.get(status, 'Bad Request')}"
        self.requestline = self.rfile.peek().lstrip(b'\r\n').split(b'\n', 1)[0][:MAX_REQUEST_LINE].decode('latin-1').rstrip()
        self._orig_status = None
        self.response_length = 0
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
            self.wsgi_input = _NO_BODY
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
            self._handle_client_error(e)
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

    def _begin_response(self):
        self.time_start = time.time()
        self.status = None
        self._orig_status = None
        self.headers_sent = False
        self.result = None
        self.response_use_chunked = False
        self.connection_upgraded = False
        self.response_length = 0
        self.response_headers = None
        self.code = None
        self.provided_date = None
        self.provided_content_length = None
        self._body_length = 0

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

    def process_result(self):
        """Send what the application has returned."""
        for data in self.result:
            if data:
                self.write(data)
        if self.status and not self.headers_sent:
            self.write(b'')  # the head
        if self.response_use_chunked:
            self._sendall(b'0\r\n\r\n')
        if self._promised() not in (None, self._body_length) and self._has_body():
            self.close_connection = True  # the client would take what follows for the rest

    def _promised(self):
        """The answer's Content-Length, None if there is none."""
        try:
            return int(self.provided_content_length)
        except (TypeError, ValueError):
            return None

    def start_response(self, status, headers, exc_info=None):
        """What the application calls: see PEP 3333."""
        if exc_info:
            try:
                if self.headers_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        header = value = None
        try:
            converted = []
            for header, value in headers:
                if not isinstance(header, str):
                    raise UnicodeError('The header must be a native string', header, value)
                if not isinstance(value, str):
                    raise UnicodeError('The value must be a native string', header, value)
                if '\r' in header or '\n' in header:
                    raise ValueError('carriage return or newline in header name', header)
                if '\r' in value or '\n' in value:
                    raise ValueError('carriage return or newline in header value', value)
                converted.append((header.encode('latin-1'), value.encode('latin-1')))
        except UnicodeEncodeError:
            raise UnicodeError('Non-latin1 header', repr(header), repr(value)) from None
        if not isinstance(status, str):
            raise UnicodeError('The status string must be a native string')
        if '\r' in status or '\n' in status:
            raise ValueError('carriage return or newline in status', status)
        code = int(status.split(' ', 1)[0])
        self.status = status.encode('latin-1')
        self._orig_status = status
        self.response_headers = converted
        self.code = code
        self.provided_content_length = self.provided_date = None
        self.response_use_chunked = False
        self._note_headers()
        self.finalize_headers()
        return self.write

    def _note_headers(self):
        connection, framed = '', False
        for header, value in self.response_headers:
            header = header.lower()
            if header == b'connection':
                connection = value.lower().strip().decode('latin-1')
                if connection == 'close':
                    self.close_connection = True
                elif connection == 'upgrade' or 'upgrade' in [x.strip() for x in connection.split(',')]:
                    self.connection_upgraded = True
            elif header == b'content-length':
                self.provided_content_length = value
            elif header == b'date':
                self.provided_date = value
            elif header == b'transfer-encoding':
                framed = True
        if framed:  # that is the server's to say
            self.response_headers = [p for p in self.response_headers if p[0].lower() != b'transfer-encoding']
        if self.connection_upgraded:
            self.close_connection = True
        if self.code == 304 and self.provided_content_length is not None and self.provided_content_length != b'0':
            length = self.provided_content_length.decode('latin-1')
            raise self.ApplicationError(b'Invalid Content-Length for 304 response: %a (must be absent or zero)' % length)
        self._says_connection = bool(connection)

    def finalize_headers(self):
        """Add the headers that the application has left to the server."""
        if not self._says_connection:
            if self.close_connection:
                self.response_headers.append((b'Connection', b'close'))
            elif self.request_version == 'HTTP/1.0':
                self.response_headers.append((b'Connection', b'keep-alive'))
        if self.provided_date is None:
            self.response_headers.append((b'Date', format_date_time(time.time()).encode('latin-1')))
    def _add_length(self):
        length = sum(len(x) for x in self.result)
        self.response_headers.append((b'Content-Length', str(length).encode('latin-1')))
        self.provided_content_length = length

    def _say_close(self):
        self.close_connection = True
        self.response_headers = [(n, v) for n, v in self.response_headers if n.lower() != b'connection']
        self.response_headers.append((b'Connection', b'close'))

    def _settle_framing(self):
        """Now that the head is to be sent, and the result is known, or write() was called."""
        if getattr(self.wsgi_input, 'socket', None) is not None:
            self._say_close()  # a body may come that nobody has asked for
        if self.code in (204, 304) or 100 <= self.code < 200 or self.provided_content_length is not None:
            return
        if isinstance(self.result, (list, tuple)) and not self._written:
            self._add_length()
        elif self.request_version != 'HTTP/1.0':
            self.response_use_chunked = self.command != 'HEAD'
            self.response_headers.append((b'Transfer-Encoding', b'chunked'))
        else:  # its end is that of the connection
            self._say_close()

    @property
    def _written(self):
        """Whether this is write() before the application has returned."""
        return self.result is None

    def _sendall(self, data):
        self.socket.sendall(data)
        self.response_length += len(data)

    def _has_body(self):
        return self.command != 'HEAD'

    def _write(self, data):
        if data and self._has_body():
            self._sendall(self._framed(data))

    def _framed(self, data):
        self._body_length += len(data)
        if self.response_use_chunked:
            return b'%x\r\n%b\r\n' % (len(data), data)
        over = self._body_length - (self._promised() or 0)
        if self.provided_content_length is not None and over > 0 and not self.connection_upgraded:
            data = data[:max(len(data) - over, 0)]
        return bytes(data)

    def write(self, data):
        """Send some of the answer, after its head."""
        if self.code in (304, 204) and data:
            raise self.ApplicationError('The %s response must have no body' % self.code)
        if self.headers_sent:
            self._write(data)
        else:
            if not self.status:
                raise self.ApplicationError('The application did not call start_response()')
            self._write_with_headers(data)

    def _write_with_headers(self, data):
        self._settle_framing()
        lines = [b'HTTP/1.1 ' + self.status]
        lines += [b'%b: %b' % pair for pair in self.response_headers]
        head = b'\r\n'.join(lines) + b'\r\n\r\n'
        self.headers_sent = True
        if not isinstance(data, (bytes, bytearray, memoryview)):
            self._sendall(head)
            raise TypeError(f"a bytes-like object is required, not '{type(data).__name__}'")
        if data and self._has_body() and len(data) <= 65536:
            self._sendall(head + self._framed(data))
        else:
            self._sendall(head)
            self._write(data)

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
        """The application has failed: tell the hub, and the client if nothing was sent."""
        if issubclass(t, ramet.GreenletExit):
            raise v
        self._log_error(t, v, tb)
        self.close_connection = True
        self._send_error_response_if_possible(500)

    def _log_error(self, t, v, tb):
        context = self.environ
        if not isinstance(context, self.server.secure_environ_class):
            context = self.server.secure_environ_class(context or {})
        self.server.loop.handle_error(context, t, v, tb)

    def _handle_client_error(self, ex):
        self.log_error('%s', ex)
        self.close_connection = True
        self._send_error_response_if_possible(400)

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


class LoggingLogAdapter:
    """LoggingLogAdapter(logger, level=20): a logger with write(), for the arguments log and error_log."""
    __slots__ = ('_logger', '_level')

    def __init__(self, logger, level=20):
        self._logger = logger
        self._level = level

    def write(self, msg):
        """Log the text."""
        if msg and msg.endswith('\n'):
            msg = msg[:-1]
        self._logger.log(self._level, msg)

    def flush(self):
        """There is nothing to flush."""

    def writelines(self, lines):
        """Log each."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name):
        return getattr(self._logger, name)

    def __setattr__(self, name, value):
        if name in LoggingLogAdapter.__slots__:
            object.__setattr__(self, name, value)
        else:
            setattr(self._logger, name, value)

    def __delattr__(self, name):
        delattr(self._logger, name)


class _NoopLog:
    """The log that None means."""

    def write(self, *args, **kwargs):
        """Nothing."""

    flush = writelines = write


class Environ(dict):
    """A dict for environs, with copies of its own kind."""
    __slots__ = ()

    def copy(self):
        """Another of the type."""
        return self.__class__(self)

    def iteritems(self):
        """items()"""
        return self.items()

    def __reduce_ex__(self, proto):
        return dict, (), None, None, iter(self.items())


class SecureEnviron(Environ):
    """An environ that does not show its values: in tracebacks and logs they would be read by others.

    secure_repr: whether they are hidden; whitelist_keys: those that are not, if there are any;
    print_masked_keys: whether the others' names are shown.
    """
    default_secure_repr = True
    default_whitelist_keys = ()
    default_print_masked_keys = True

    __slots__ = ('secure_repr', 'whitelist_keys', 'print_masked_keys')

    def __getattr__(self, name):
        if name in SecureEnviron.__slots__:
            return getattr(type(self), 'default_' + name)
        raise AttributeError(name)

    def __repr__(self):
        if not self.secure_repr:
            return dict.__repr__(self)
        shown = self.whitelist_keys
        if not shown:
            return f'<{__name__.rpartition(".")[2]}.{type(self).__name__} dict (keys: {len(self)}) at {id(self)}>'
        if self.print_masked_keys:
            return repr({k: self[k] if k in shown else '<MASKED>' for k in self})
        parts = [f'{k!r}: {self[k]!r}' for k in self if k in shown]
        hidden = len(self) - len(parts)
        return '{' + ', '.join(parts + [f'(hidden keys: {hidden})'] * bool(hidden)) + '}'

    __str__ = __repr__


class WSGISecureEnviron(SecureEnviron):
    """One that shows who asked."""
    default_whitelist_keys = ('REMOTE_ADDR', 'REMOTE_PORT', 'HTTP_HOST')
    default_print_masked_keys = False


def _log_of(log, level):
    if log == 'default':
        return sys.stderr
    if log is None:
        return _NoopLog()
    return log if hasattr(log, 'write') else LoggingLogAdapter(log, level)


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
        self.log = _log_of(log, logging.INFO)
        self.error_log = _log_of(error_log, logging.ERROR)
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
