"""A Python prompt in a running program, for whoever connects: only listen where nobody else can."""
import code
import contextlib
import sys

from ramet._core import getcurrent
from ramet.greenlet import Greenlet
from ramet.server import StreamServer

__all__ = ['BackdoorServer']


class _Stream:
    """sys.stdin, sys.stdout and sys.stderr of one conversation."""

    def __init__(self, fileobj, encoding='utf-8'):
        self._file, self.encoding = fileobj, encoding

    def write(self, data):
        """Send it."""
        self._file.write(data.encode(self.encoding, 'backslashreplace') if isinstance(data, str) else data)
        self._file.flush()
        return len(data)

    def readline(self, *args):
        """A line of what has come."""
        return self._file.readline(*args).decode(self.encoding, 'replace').replace('\r\n', '\n')

    def isatty(self):
        """A person types here."""
        return True

    def flush(self):
        """Nothing is kept back."""

    def __getattr__(self, name):
        return getattr(self._file, name)


class _Streams:
    """Stands for sys.stdin, sys.stdout or sys.stderr: of a conversation in its greenlet, and else what it was."""

    def __init__(self, native):
        self.native = native
        self.of = {}  # id of the greenlet: its stream

    def _mine(self):
        return self.of.get(id(getcurrent()), self.native)

    def __getattr__(self, name):
        return getattr(self._mine(), name)


@contextlib.contextmanager
def _redirected(stream):
    """The calling greenlet's sys.stdin, .stdout and .stderr are the stream."""
    key, used = id(getcurrent()), []
    for name in ('stdin', 'stdout', 'stderr'):
        streams = getattr(sys, name)
        if not isinstance(streams, _Streams):
            streams = _Streams(streams)
            setattr(sys, name, streams)
        streams.of[key] = stream
        used.append((name, streams))
    try:
        yield
    finally:
        for name, streams in used:
            streams.of.pop(key, None)
            if not streams.of and getattr(sys, name) is streams:
                setattr(sys, name, streams.native)


class _Console(code.InteractiveConsole):
    """One whose exit() ends the conversation."""

    def raw_input(self, prompt=''):
        sys.stdout.write(prompt)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip('\n')


class BackdoorServer(StreamServer):
    """BackdoorServer(listener, locals=None, banner=None, **server_args)

    A prompt for everybody who connects to the listener, which should be an address of this host or a unix socket.
    locals are the variables that it begins with, banner what it says first.
    """

    def __init__(self, listener, locals=None, banner=None, **server_args):
        super().__init__(listener, spawn=Greenlet.spawn, **server_args)
        self.locals = locals or {}
        self.banner = banner
        self.stderr = sys.stderr

    def _create_interactive_locals(self):
        found = {'__doc__': None, '__name__': '__console__', '__builtins__': __import__('builtins')}
        found.update(self.locals)
        return found

    def handle(self, conn, _address):
        """Talk until the other side has enough."""
        fileobj = conn.makefile(mode='rwb')
        try:
            with _redirected(_Stream(fileobj)):
                self._talk()
        except OSError:
            pass  # it has gone
        finally:
            for resource in (fileobj, conn):
                with contextlib.suppress(OSError):
                    resource.close()

    def _talk(self):
        console = _Console(self._create_interactive_locals())
        banner = self.banner
        if banner is None:
            banner = f"Python {sys.version} on {sys.platform}"
        try:
            console.interact(banner=banner, exitmsg='')
        except SystemExit:
            pass



def main(arguments=None):
    """python -m ramet.backdoor address: a prompt there."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 1:
        print("USAGE: python -m ramet.backdoor PORT [or HOST:PORT]", file=sys.stderr)
        return 1
    host, _, port = arguments[0].rpartition(':')
    server = BackdoorServer((host or '127.0.0.1', int(port)))
    print(f"Backdoor starting on {server.address}")
    server.serve_forever()
    return 0


if __name__ == '__main__':
    sys.exit(main())
