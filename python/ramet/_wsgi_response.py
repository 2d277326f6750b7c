"""The answer to a request: start_response and write as PEP 3333 has them, and how it is framed."""
import time
from wsgiref.handlers import format_date_time


class Response:
    """The part of a WSGIHandler that answers: it has the socket, and knows the request."""
    status = None
    _orig_status = None
    response_headers = None
    code = None
    provided_date = None
    provided_content_length = None
    headers_sent = False
    response_use_chunked = False
    connection_upgraded = False
    response_length = 0
    result = None
    _body_length = 0  # of the answer, so far
    ApplicationError = AssertionError

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
            raise self.ApplicationError(
                b'Invalid Content-Length for 304 response: %a (must be absent or zero)' % length)
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
