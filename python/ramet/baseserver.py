"""What servers have in common: they accept, spawn a handler for each client, and stop in good order."""
import errno
import socket as _stdlib
import sys

from ramet._core import Greenlet, GreenletExit, getcurrent, sleep
from ramet.event import Event
from ramet.hub import get_hub

__all__ = ['BaseServer']

_AF_INET, _AF_INET6 = int(_stdlib.AF_INET), int(_stdlib.AF_INET6)


def _handle_and_close_when_done(handle, close, args):
    try:
        return handle(*args)
    finally:
        close(*args)


class BaseServer:
    """BaseServer(listener, handle=None, spawn='default')

    listener: an address to listen on, or a socket that does already.  handle: called with what do_read returns,
    unless a subclass has a method of that name.  spawn: how handle is called: 'default' (in a Greenlet of its
    own), a number (so many at a time; meanwhile nothing is accepted), a Pool or whatever has a spawn method, a
    function that is called with handle and its arguments, or None: one after the other.
    """

    #: Seconds between an error of accept() and the next try; doubled each time, up to max_delay.
    min_delay = 0.01
    max_delay = 1

    #: How many are accepted before others get their turn.
    max_accept = 100

    _spawn = Greenlet.spawn

    #: Seconds that handlers are given by stop() before they are killed.
    stop_timeout = 1

    #: Errors of accept() that end the server.
    fatal_errors = (errno.EBADF, errno.EINVAL, errno.ENOTSOCK)

    pool = None
    delay = min_delay

    def __init__(self, listener, handle=None, spawn='default'):
        self._stop_event = Event()
        self._stop_event.set()
        self._acceptor = None
        self._handle = None
        self.family = None
        self.address = None
        try:
            self.set_listener(listener)
            self.set_spawn(spawn)
            self.set_handle(handle)
            self.delay = self.min_delay
            self.loop = get_hub().loop
            if self.max_accept < 1:
                raise ValueError(f'max_accept must be positive int: {self.max_accept!r}')
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.stop()

    # ---- what it is made of

    def set_listener(self, listener):
        """Take an address, or a socket that listens."""
        if hasattr(listener, 'accept'):
            if hasattr(listener, 'do_handshake'):
                raise TypeError(f'Expected a regular socket, not SSLSocket: {listener!r}')
            self.family = listener.family
            self.address = listener.getsockname()
            self.socket = listener
        else:
            self.family, self.address = parse_address(listener)

    def set_spawn(self, spawn):
        """How handlers are called: see the class."""
        if spawn == 'default':
            self.pool, self._spawn = None, Greenlet.spawn
        elif hasattr(spawn, 'spawn'):
            self.pool, self._spawn = spawn, spawn.spawn
        elif isinstance(spawn, int):
            from ramet.pool import Pool
            self.pool = Pool(spawn)
            self._spawn = self.pool.spawn
        else:
            self.pool, self._spawn = None, spawn
        if hasattr(self.pool, 'full'):
            self.full = self.pool.full

    def set_handle(self, handle):
        """What is called for each client."""
        if handle is not None:
            self.handle = handle
        if hasattr(self, 'handle'):
            self._handle = self.handle
        else:
            raise TypeError("'handle' must be provided")

    # ---- accepting

    def start_accepting(self):
        """Begin to call do_read; start() does it."""
        if self._acceptor is None:
            self._acceptor = Greenlet.spawn(self._accept_all)

    def stop_accepting(self):
        """No longer call do_read."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None and acceptor is not getcurrent():
            acceptor.kill(block=False)

    def _accept_all(self):
        me = getcurrent()
        in_turn = 0
        while self._acceptor is me:
            if self.full():
                self._wait_for_place()
                continue
            try:
                args = self.do_read()
            except GreenletExit:
                raise
            except Exception as e:
                self._accept_failed(me, e)
                continue
            if args is None:
                sleep(self.min_delay)
                continue
            self.delay = self.min_delay
            self._accepted(me, args)
            in_turn += 1
            if in_turn >= self.max_accept:
                in_turn = 0
                sleep(0)

    def _accepted(self, me, args):
        if self._acceptor is not me:  # it was stopped while it accepted
            return self.do_close(*args)
        try:
            self.do_handle(*args)
        except GreenletExit:
            raise
        except Exception:
            get_hub().handle_error((args[1:], self), *sys.exc_info())
            self.do_close(*args)
            self._back_off()

    def _accept_failed(self, me, e):
        if self._acceptor is not me:
            return
        get_hub().handle_error(self, *sys.exc_info())
        if self.is_fatal_error(e):
            self._acceptor = None
            self.close()
            sys.stderr.write(f'ERROR: {self} failed with {e.__class__.__name__}: {e}\n')
        else:
            self._back_off()

    def _back_off(self):
        if self.delay >= 0:
            delay, self.delay = self.delay, min(self.max_delay, self.delay * 2)
            sleep(delay)

    def _wait_for_place(self):
        wait = getattr(self.pool, 'wait_available', None)
        if wait is None:
            sleep(self.min_delay)
        else:
            wait()

    def do_read(self):
        """Wait for a client: the arguments of its handler, as a tuple; None: there was none."""
        raise NotImplementedError

    def do_handle(self, *args):
        """Call the handler with these, as `spawn` says; when it is done, do_close."""
        handle, close = self._handle, self.do_close
        if self._spawn is None:
            _handle_and_close_when_done(handle, close, args)
        else:
            self._spawn(_handle_and_close_when_done, handle, close, args)

    def do_close(self, *args):
        """Called after a handler, with its arguments."""

    def full(self):
        """Whether there is no place for another handler."""
        return False

    # ---- life

    def init_socket(self):
        """Called by start(): make self.socket, unless it was given."""

    @property
    def started(self):
        return not self._stop_event.is_set()

    def start(self):
        """Listen, and accept from now on.  Does not block."""
        self.init_socket()
        self._stop_event.clear()
        try:
            self.start_accepting()
        except BaseException:
            self.close()
            raise

    def close(self):
        """Listen no more.  What runs goes on."""
        self._stop_event.set()
        try:
            self.stop_accepting()
        finally:
            listener = self.__dict__.pop('socket', None)
            if listener is not None:
                listener.close()
            self.__dict__.pop('handle', None)
            self.__dict__.pop('_handle', None)
            self.__dict__.pop('_spawn', None)
            self.__dict__.pop('full', None)

    @property
    def closed(self):
        return not hasattr(self, 'socket')

    def stop(self, timeout=None):
        """Listen no more, wait for the handlers of a pool, and kill those that run after `timeout` seconds
        (stop_timeout)."""
        self.close()
        if timeout is None:
            timeout = self.stop_timeout
        if self.pool:
            self.pool.join(timeout=timeout)
            self.pool.kill(block=True, timeout=1)

    def serve_forever(self, stop_timeout=None):
        """start(), unless that was called, and wait until it is stopped: by another greenlet, or an exception
        (KeyboardInterrupt) in this one."""
        if not self.started:
            self.start()
        try:
            self._stop_event.wait()
        finally:
            Greenlet.spawn(self.stop, timeout=stop_timeout).join()

    def is_fatal_error(self, ex):
        """Whether that error of do_read ends the server."""
        return isinstance(ex, OSError) and ex.args and ex.args[0] in self.fatal_errors

    # ---- telling

    @property
    def server_host(self):
        """The host that it listens on; None for a path."""
        return self.address[0] if isinstance(self.address, tuple) else None

    @property
    def server_port(self):
        """The port that it listens on; None for a path."""
        return self.address[1] if isinstance(self.address, tuple) else None

    def __repr__(self):
        return f'<{type(self).__name__} at {hex(id(self))} {self._formatinfo()}>'

    def __str__(self):
        return f'<{type(self).__name__} {self._formatinfo()}>'

    def _formatinfo(self):
        words = []
        if hasattr(self, 'socket'):
            try:
                words.append(f'fileno={self.socket.fileno()}')
            except Exception as e:
                words.append(f'fileno={e!r}')
        if isinstance(self.address, tuple) and len(self.address) == 2:
            words.append('address={}:{}'.format(*self.address))
        elif self.address is not None:
            words.append(f'address={self.address}')
        handle = self.__dict__.get('handle')
        if handle is not None:
            owner = getattr(handle, '__self__', None)
            name = f"{type(self).__name__}.{getattr(handle, '__name__', '')}"
            words.append(f'handle=<bound method {name} of self>' if owner is self else f'handle={handle!r}')
        return ' '.join(words)


def _extract_family(host):
    if host.startswith('[') and host.endswith(']'):
        return _AF_INET6, host[1:-1]
    return _AF_INET, host


def _parse_address(address):
    if isinstance(address, tuple):
        if not address[0] or ':' in address[0]:
            return _AF_INET6, address
        return _AF_INET, address
    if isinstance(address, str) and ':' in address:
        host, port = address.rsplit(':', 1)
        family, host = _extract_family(host)
        return family, ('' if host == '*' else host, int(port))
    if isinstance(address, (str, int)):
        return _AF_INET6, ('', int(address))  # every address, IPv4 too
    raise TypeError(f'Expected tuple or string, got {type(address)}')


def parse_address(address):
    """(family, (host, port)) of a tuple, 'host:port', '[IPv6]:port', ':port' or a port."""
    try:
        return _parse_address(address)
    except ValueError as e:
        raise ValueError(f'Failed to parse address {address!r}: {e}') from e
