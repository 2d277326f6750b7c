"""Files whose calls block only the greenlet; their arguments are those of io.open.

FileObjectPosix is for whatever has a descriptor: pipes, terminals, sockets, and files as well.  FileObjectThread calls
the methods of any file in the hub's pool of OS threads, FileObjectBlock simply calls them.  FileObject is the first of
them, or what GEVENT_FILE names.
"""
import errno
import io
import os
import sys
import warnings

from ramet._config import config
from ramet._core import close_fd, read_into, write_from
from ramet.hub import get_hub
from ramet.lock import DummySemaphore, RLock, Semaphore

__all__ = ['FileObjectPosix', 'FileObjectThread', 'FileObjectBlock', 'FileObject']


class FileObjectClosed(OSError):
    """The file was closed by its own close()."""

    def __init__(self):
        super().__init__(errno.EBADF, 'Bad file descriptor (FileObject was closed)')


class GreenFileDescriptorIO(io.RawIOBase):
    """A descriptor whose read and write block only the greenlet."""

    def __init__(self, fileno, mode='r', closefd=True):
        super().__init__()
        self._fd, self._closefd = fileno, closefd
        self.mode, self.name = mode, fileno
        self._readable = 'r' in mode or '+' in mode
        self._writable = bool(set('wax+') & set(mode))
        self._seekable = None

    @property
    def closefd(self):
        """Whether close() closes the descriptor."""
        return self._closefd

    def readable(self):
        return self._readable

    def writable(self):
        return self._writable

    def seekable(self):
        if self._seekable is None:
            try:
                os.lseek(self.fileno(), 0, os.SEEK_CUR)
                self._seekable = True
            except OSError:
                self._seekable = False
        return self._seekable

    def fileno(self):
        if self.closed:
            raise FileObjectClosed
        return self._fd

    def isatty(self):
        return os.isatty(self.fileno())

    def close(self):
        if self.closed:
            return
        super().close()
        fd, self._fd = self._fd, -1
        if self._closefd:
            close_fd(fd)

    def readinto(self, buffer):
        if not self._readable:
            raise io.UnsupportedOperation('readinto')
        return read_into(self.fileno(), buffer)

    def write(self, data):
        if not self._writable:
            raise io.UnsupportedOperation('write')
        return write_from(self.fileno(), data)

    def seek(self, offset, whence=0):
        return os.lseek(self.fileno(), offset, whence)

    def truncate(self, size=None):
        os.ftruncate(self.fileno(), self.tell() if size is None else size)
        return size

    def __repr__(self):
        return f"<{type(self).__name__} at 0x{id(self):x} fileno={self._fd} mode={self.mode!r}>"


class _Unbuffered(GreenFileDescriptorIO):
    """buffering=0: to write is to write everything."""

    def write(self, data):
        with memoryview(data) as view, view.cast('B') as octets:
            done = 0
            while done < len(octets):
                done += super().write(octets[done:])
            return done


class _FlushingWriter(io.BufferedWriter):
    """buffering=0 with text: nothing stays here."""

    def write(self, data):
        n = super().write(data)
        self.flush()
        return n


# ---- opening --------------------------------------------------------------------------------------------------------

def _check_mode(mode, encoding, errors, newline):
    if not isinstance(mode, str):
        raise TypeError(f"invalid mode: {mode!r}")
    letters = set(mode)
    if letters - set('axrwb+tU') or len(mode) > len(letters):
        raise ValueError(f"invalid mode: {mode!r}")
    if 'U' in letters:
        if letters & set('wax+'):
            raise ValueError("mode U cannot be combined with 'x', 'w', 'a', or '+'")
        mode = mode.replace('U', '')
        mode = mode if 'r' in mode else 'r' + mode
    if 't' in letters and 'b' in letters:
        raise ValueError("can't have text and binary mode at once")
    if sum(letter in mode for letter in 'rwax') > 1:
        raise ValueError("can't have read/write/append mode at once")
    if not letters & set('rwaxU'):
        raise ValueError("must have exactly one of read/write/append mode")
    if 'b' in letters:
        for name, value in (('encoding', encoding), ('errors', errors), ('newline', newline)):
            if value is not None:
                raise ValueError(f"binary mode doesn't take {'an' if name != 'newline' else 'a'} {name} argument")
    return mode


def _open_path(path, mode):
    raw = io.FileIO(path, mode.replace('b', '').replace('t', ''), closefd=True)
    fd = os.dup(raw.fileno())
    raw.close()
    os.set_inheritable(fd, False)
    return fd


def _descriptor(fobj, mode, closefd):
    """(the number, the mode, whether to close it, what to keep alive, the name)"""
    if isinstance(fobj, int):
        os.fstat(fobj)
        return fobj, closefd, None, fobj
    if isinstance(fobj, (str, bytes)) or hasattr(fobj, '__fspath__'):
        if not closefd:
            raise ValueError("Cannot use closefd=False with file name")
        return _open_path(fobj, mode), True, None, fobj
    return fobj.fileno(), closefd, fobj, getattr(fobj, 'name', None)


def _buffered(raw, mode, buffering):
    size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
    if '+' in mode:
        if raw.seekable():
            return io.BufferedRandom(raw, size)
        return io.BufferedRWPair(raw, raw, size)
    if 'r' in mode:
        return io.BufferedReader(raw, size)
    return (_FlushingWriter if buffering == 0 else io.BufferedWriter)(raw, size)


def _layers(raw, mode, buffering, encoding, errors, newline):
    binary = 'b' in mode
    if buffering == 0 and binary:
        return raw
    if buffering == 1 and binary:
        warnings.warn("line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be "
                      "used", RuntimeWarning, 4)
        buffering = -1
    result = _buffered(raw, mode, buffering)
    if not binary:
        lines = buffering == 1 or buffering < 0 and raw.isatty()
        result = io.TextIOWrapper(result, encoding, errors, newline, lines, write_through=buffering == 0)
        result.mode = mode
    return result


# ---- what users see --------------------------------------------------------------------------------------------------

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


class FileObjectPosix(FileObjectBase):
    """FileObjectPosix(fobj, mode='r', buffering=-1, closefd=True, encoding=None, errors=None, newline=None)

    fobj is a descriptor, the path of a file, or an object with fileno().  Reads and writes block only the greenlet;
    close() ends those of other greenlets with OSError (EBADF).
    """
    default_bufsize = io.DEFAULT_BUFFER_SIZE

    def __init__(self, fobj, mode='r', bufsize=None, close=None, *, buffering=-1, closefd=True, encoding=None,
                 errors=None, newline=None, atomic_write=False):
        buffering = buffering if bufsize is None else bufsize
        buffering = -1 if buffering is None else buffering
        closefd = closefd if close is None else close
        mode = _check_mode(mode, encoding, errors, newline)
        fd, closefd, self._owner, name = _descriptor(fobj, mode, closefd)
        kind = _Unbuffered if buffering == 0 or atomic_write else GreenFileDescriptorIO
        self.fileio = kind(fd, mode, closefd)
        if name is None:
            del self.fileio.name
        else:
            self.fileio.name = name
        try:
            layers = _layers(self.fileio, mode, buffering, encoding, errors, newline)
        except BaseException:
            self.fileio._closefd = isinstance(name, (str, bytes))
            self.fileio.close()
            raise
        super().__init__(layers, closefd)
        if 'a' in mode and self.fileio.seekable():
            self.fileio.seek(0, os.SEEK_END)

    def _do_close(self, fobj, closefd):
        owner, self._owner = self._owner, None
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
            if owner is not None and closefd:
                _close_owner(owner)


def _close_owner(owner):
    """Its descriptor is closed already."""
    try:
        owner.close()
    except OSError as e:
        if e.errno != errno.EBADF:
            raise


def _open_again(fobj, mode, buffering, closefd, encoding, errors, newline):
    if isinstance(fobj, int) or isinstance(fobj, (str, bytes)) or hasattr(fobj, '__fspath__'):
        mode = _check_mode(mode, encoding, errors, newline)
        return io.open(fobj, mode, buffering, encoding, errors, newline, closefd)
    return fobj


class FileObjectThread(FileObjectBase):
    """FileObjectThread(fobj, mode='r', buffering=-1, closefd=True, encoding=None, errors=None, newline=None, lock=True,
    threadpool=None)

    Calls the methods of a file, which may be any object, in OS threads: one at a time, unless lock is False.
    """

    def __init__(self, fobj, mode='r', bufsize=None, close=None, *, buffering=-1, closefd=True, encoding=None,
                 errors=None, newline=None, atomic_write=False, lock=True, threadpool=None):
        buffering = buffering if bufsize is None else bufsize
        closefd = closefd if close is None else close
        self.threadpool = threadpool or get_hub().threadpool
        super().__init__(_open_again(fobj, mode, -1 if buffering is None else buffering, closefd, encoding, errors,
                                     newline), closefd)
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

    def __init__(self, fobj, mode='r', bufsize=None, close=None, *, buffering=-1, closefd=True, encoding=None,
                 errors=None, newline=None, atomic_write=False):
        buffering = buffering if bufsize is None else bufsize
        closefd = closefd if close is None else close
        super().__init__(_open_again(fobj, mode, -1 if buffering is None else buffering, closefd, encoding, errors,
                                     newline), closefd)


FileObject = config.fileobject
