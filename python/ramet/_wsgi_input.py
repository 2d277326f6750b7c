"""wsgi.input: the body of a request as a file that ends with it."""
import io

from ramet._core import HTTPConnection


class _InvalidClientInput(IOError):
    """The client's body is no HTTP."""


class _Received:
    """What has recv, of what has read."""

    def __init__(self, rfile):
        self.recv = getattr(rfile, 'read1', rfile.read)


class Continued:
    """A socket, and what was received from it before: that comes first."""

    def __init__(self, data, sock):
        self._data, self._socket = data, sock

    def recv(self, size):
        if self._data:
            data, self._data = self._data, b''
            return data
        return self._socket.recv(size)


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


NO_BODY = Input(io.BytesIO(), 0)  # it keeps nothing: one for all
