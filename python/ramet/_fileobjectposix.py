"""A descriptor as a raw file whose calls block only the greenlet, and the layers of io above it."""
import errno
import io
import os
import warnings

from ramet._core import close_fd, read_into, write_from


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


class Unbuffered(GreenFileDescriptorIO):
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


def check_mode(mode, encoding, errors, newline):
    """The mode without U; ValueError: io.open would not take these."""
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


def is_path(fobj):
    """Whether it is the name of a file."""
    return isinstance(fobj, (str, bytes)) or hasattr(fobj, '__fspath__')


def require_file(fobj):
    """The object, which must be one with fileno(), or another that looks like a file."""
    if not hasattr(fobj, 'fileno') and not hasattr(fobj, 'close'):
        raise TypeError(f"expected str, bytes or os.PathLike object, not {type(fobj).__name__}")
    return fobj


def descriptor_of(fobj, mode, closefd):
    """(the number, the mode, whether to close it, what to keep alive, the name)"""
    if isinstance(fobj, int):
        if fobj < 0:
            raise ValueError(f"file descriptor cannot be a negative integer ({fobj})")
        os.fstat(fobj)
        return fobj, closefd, None, fobj
    if is_path(fobj):
        if not closefd:
            raise ValueError("Cannot use closefd=False with file name")
        return _open_path(fobj, mode), True, None, fobj
    return require_file(fobj).fileno(), closefd, fobj, getattr(fobj, 'name', None)


def _buffered(raw, mode, buffering):
    size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
    if '+' in mode:
        if raw.seekable():
            return io.BufferedRandom(raw, size)
        return io.BufferedRWPair(raw, raw, size)
    if 'r' in mode:
        return io.BufferedReader(raw, size)
    return (_FlushingWriter if buffering == 0 else io.BufferedWriter)(raw, size)


def layers(raw, mode, buffering, encoding, errors, newline):
    """What io.open makes of a raw file with these arguments."""
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
