"""Files whose calls block only the greenlet; their arguments are those of io.open.

FileObjectPosix is for whatever has a descriptor: pipes, terminals, sockets, and files as well.  FileObjectThread calls
the methods of any file in the hub's pool of OS threads, FileObjectBlock simply calls them.  FileObject is the first of
them, or what GEVENT_FILE names.
"""
import io
import os
import sys

from ramet._config import config
from ramet._core import disown_fd
from ramet._fileobjectposix import (FileObjectClosed, GreenFileDescriptorIO, Unbuffered, check_mode, descriptor_of,
                                    is_path, layers, require_file)
from ramet.hub import get_hub
from ramet.lock import DummySemaphore, RLock, Semaphore

__all__ = ['FileObjectPosix', 'FileObjectThread', 'FileObjectBlock', 'FileObject']


class _Closed:
    """What a closed file is: it has its attributes, and whatever else is asked of it is an error."""
    closed = True

    _KEPT = ('name', 'mode', 'encoding', 'errors', 'newlines')

    def __init__(self, fobj):
        for name in self._KEPT:
            try:
                setattr(self, name, getattr(fobj, name))
            except (AttributeError, OSError):
                pass

    def __getattr__(self, name):
        if name in self._KEPT:
            raise AttributeError(name)  # as before
        raise FileObjectClosed


class FileObjectBase:
    """Looks like the file that it is made for."""

    def __init__(self, fobj, closefd):
        self._io = fobj
        self._close = closefd
        self._lock = RLock()

    io = property(lambda self: self._io, None, None, "The file that is used.")
    closed = property(lambda self: self._io.closed, None, None, "Whether it is closed.")

    def _call(self, method, args, kwargs):
        """Several greenlets may use the file; they do one after the other."""
        with self._lock:
            return method(*args, **kwargs)

    def __getattr__(self, name):
        if name.startswith('_'):
            raise AttributeError(name)
        value = getattr(self._io, name)
        return _through(name).__get__(self) if name in _SOMETIMES else value

    def fileno(self):
        """The descriptor."""
        return self._io.fileno()

    def close(self):
        """Flush and close it."""
        fobj = self._io
        if isinstance(fobj, _Closed):
            return
        self._io = _Closed(fobj)
        self._do_close(fobj, self._close)

    def _do_close(self, fobj, closefd):
        (fobj.close if closefd else fobj.flush)()

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    def __repr__(self):
        closed = ' closed' if self.closed else ' '
        return f"<{type(self).__name__} at 0x{id(self):x}{closed}_fobj={self._io!r}{self._extra_repr()}>"

    def _extra_repr(self):
        return ''


_SOMETIMES = frozenset(('read1', 'readall', 'readinto', 'readinto1', 'peek'))


def _through(name):
    """A method of that name, which calls that of the file."""
    def method(self, *args, **kwargs):
        return self._call(getattr(self._io, name), args, kwargs)
    method.__name__ = name
    method.__qualname__ = f"FileObjectBase.{name}"
    method.__doc__ = getattr(io.TextIOWrapper, name, method).__doc__
    return method


for _name in ('read', 'readline', 'readlines', 'write', 'writelines', 'flush', 'seek', 'tell', 'truncate'):
    setattr(FileObjectBase, _name, _through(_name))
del _name


def _one_of_each(bufsize, buffering, close, closefd):
    """The two arguments that have two names: buffering and closefd."""
    if bufsize is not None and buffering is not None:
        raise TypeError(f"Cannot specify both buffering={buffering} and bufsize={bufsize}")
    if close is not None and closefd is not None:
        raise TypeError(f"Cannot specify both closefd={closefd} and close={close}")
    buffering = bufsize if buffering is None else buffering
    closefd = close if closefd is None else closefd
    return -1 if buffering is None else buffering, closefd is None or closefd


class FileObjectPosix(FileObjectBase):
    """FileObjectPosix(fobj, mode='r', buffering=-1, closefd=True, encoding=None, errors=None, newline=None)

    fobj is a descriptor, the path of a file, or an object with fileno().  Reads and writes block only the greenlet;
    close() ends those of other greenlets with OSError (EBADF).
    """
    default_bufsize = io.DEFAULT_BUFFER_SIZE

    def __init__(self, fobj, mode='r', bufsize=None, close=None, *, buffering=None, closefd=None, encoding=None,
                 errors=None, newline=None, atomic_write=False):
        buffering, closefd = _one_of_each(bufsize, buffering, close, closefd)
        mode = check_mode(mode, encoding, errors, newline)
        fd, closefd, self._owner, name = descriptor_of(fobj, mode, closefd)
        kind = Unbuffered if buffering == 0 or atomic_write else GreenFileDescriptorIO
        self.fileio = kind(fd, mode, closefd and self._owner is None)
        if name is None:
            del self.fileio.name
        else:
            self.fileio.name = name
        try:
            top = layers(self.fileio, mode, buffering, encoding, errors, newline)
        except BaseException:
            self.fileio._closefd = self._owner is None and not isinstance(fobj, int)
            self.fileio.close()
            raise
        super().__init__(top, closefd)
        if 'a' in mode and self.fileio.seekable():
            self.fileio.seek(0, os.SEEK_END)

    def _do_close(self, fobj, closefd):
        owner, self._owner = self._owner if closefd else None, None
        if owner is not None:
            disown_fd(self.fileio._fd)
        if self._lock.locked():  # by somebody who waits: for nothing, soon
            self.fileio.close()
            with self._lock:
                pass
        try:
            fobj.close()
        except ValueError:  # there is nothing to flush any more
            pass
        finally:
            self.fileio.close()
            if hasattr(owner, 'close'):
                owner.close()  # whose the descriptor is


def _open_again(fobj, mode, buffering, closefd, encoding, errors, newline):
    if not is_path(fobj) and not isinstance(fobj, int):
        return require_file(fobj)
    mode = check_mode(mode, encoding, errors, newline)
    if buffering or 'b' in mode:
        return io.open(fobj, mode, buffering, encoding, errors, newline, closefd)
    raw = io.open(fobj, mode.replace('t', '') + 'b', 0, closefd=closefd)
    return layers(raw, mode, 0, encoding, errors, newline)


class FileObjectThread(FileObjectBase):
    """FileObjectThread(fobj, mode='r', buffering=-1, closefd=True, encoding=None, errors=None, newline=None, lock=True,
    threadpool=None)

    Calls the methods of a file, which may be any object, in OS threads: one at a time, unless lock is False.
    """

    def __init__(self, fobj, mode='r', bufsize=None, close=None, *, buffering=None, closefd=None, encoding=None,
                 errors=None, newline=None, atomic_write=False, lock=True, threadpool=None):
        buffering, closefd = _one_of_each(bufsize, buffering, close, closefd)
        self.threadpool = threadpool or get_hub().threadpool
        super().__init__(_open_again(fobj, mode, buffering, closefd, encoding, errors, newline), closefd)
        if lock is True:
            self._lock = Semaphore()
        else:
            self._lock = lock or DummySemaphore()
        self.lock = self._lock

    def _call(self, method, args, kwargs):
        if sys.is_finalizing():  # other threads do not run any more
            return method(*args, **kwargs)
        with self._lock:
            return self.threadpool.apply(method, args, kwargs)

    def _do_close(self, fobj, closefd):
        self._call(fobj.close if closefd else fobj.flush, (), {})

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def _extra_repr(self):
        return f" threadpool={self.threadpool!r}"


class FileObjectBlock(FileObjectBase):
    """FileObjectBlock(fobj, *args, **kwargs): the file as io.open opens it, which blocks the OS thread."""

    def __init__(self, fobj, mode='r', bufsize=None, close=None, *, buffering=None, closefd=None, encoding=None,
                 errors=None, newline=None, atomic_write=False):
        buffering, closefd = _one_of_each(bufsize, buffering, close, closefd)
        super().__init__(_open_again(fobj, mode, buffering, closefd, encoding, errors, newline), closefd)


FileObject = config.fileobject
