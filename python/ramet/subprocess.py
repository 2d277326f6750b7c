"""The standard library's module subprocess: whatever waits blocks only the greenlet.

Popen is derived from the class of that name there, and takes its arguments; stdin, stdout and stderr are FileObjects.
"""
import io as _io
import os as _os
import selectors as _selectors
import subprocess as _stdlib
import weakref
from functools import partial

from ramet import _children
from ramet._core import AsyncResult, close_fd, read_into
from ramet._rebind import Like, Names
from ramet._util import copy_globals
from ramet.fileobject import FileObjectPosix
from ramet.hub import get_hub, linkproxy
from ramet.os import _keep_status, waitpid
from ramet.select import poll

__implements__ = ['Popen', 'call', 'check_call', 'check_output', 'run']
__imports__ = ['PIPE', 'STDOUT', 'CalledProcessError', 'CompletedProcess', 'DEVNULL', 'SubprocessError',
               'TimeoutExpired']
__extra__ = ['list2cmdline']
__functions__ = ['getstatusoutput', 'getoutput']

copy_globals(_stdlib, globals(), only_names=__imports__ + __extra__)

FileObject = FileObjectPosix


def _read(fd, size):
    buffer = bytearray(size)
    return bytes(memoryview(buffer)[:read_into(fd, buffer)])


class _Pipe(FileObjectPosix):
    """Our end of a pipe, which becomes a file of text if the module makes it one."""

    def as_text(self, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False):
        """The same with characters."""
        mode = self._io.mode if self._io is self.fileio else self.fileio.mode
        binary = self._io if self._io is not self.fileio else _io.BufferedWriter(self.fileio) \
            if self.fileio.writable() else _io.BufferedReader(self.fileio)
        self._io = _io.TextIOWrapper(binary, encoding, errors, newline, line_buffering, write_through)
        self._io.mode = mode.replace('b', '')
        return self


_Pipe.__name__ = _Pipe.__qualname__ = 'FileObjectPosix'


def _open(fd, mode, buffering=-1):
    return _Pipe(fd, mode, buffering=buffering)


def _text(pipe, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False):
    return pipe.as_text(encoding, errors, newline, line_buffering, write_through)


class _Selector(_selectors.PollSelector):
    """One on poll(2), which takes devices and files as well."""
    _selector_cls = poll


# What the methods of Popen find instead of the modules.
_names = Names(_stdlib, io=Like(_io, open=_open, TextIOWrapper=_text),
               os=Like(_os, read=_read, waitpid=waitpid, close=close_fd),
               _PopenSelector=_Selector)
_copies = _names.methods(_stdlib.Popen, ('__init__', '_execute_child', '_communicate', '_get_devnull'))


def _on_end(ref):
    """A child has ended; the module itself sees to those that everybody has forgotten."""
    popen = ref()
    if popen is None:
        _stdlib._cleanup()
    else:
        popen._on_end()


class Popen(_stdlib.Popen):
    """Popen(args, bufsize=-1, executable=None, stdin=None, stdout=None, stderr=None, ..., threadpool=None)

    A child process.  The arguments are those of the standard library's Popen; threadpool is taken for gevent's sake.
    ready(), rawlink() and `result` are there for ramet.wait, which takes these as it takes greenlets.
    """

    def __init__(self, *args, threadpool=None, **kwargs):
        self.threadpool = threadpool
        self.result = AsyncResult()
        self._watch = self._status = self._kept = None
        if kwargs.get('stdout', args[4] if len(args) > 4 else None) == STDOUT:  # noqa: F821
            raise ValueError("STDOUT can only be used for stderr")
        _copies['__init__'](self, *args, **kwargs)

    _communicate = _copies['_communicate']
    _get_devnull = _copies['_get_devnull']

    def _execute_child(self, *args, **kwargs):
        _copies['_execute_child'](self, *args, **kwargs)
        if self.returncode is None:
            self._watch = _children.Watch(self.pid, partial(_on_end, weakref.ref(self)))
        else:
            self.result.set(self.returncode)

    def _on_end(self):
        """In the hub."""
        self._watch = None
        if self.returncode is None and super().poll() is not None and self._status is not None:
            self._kept = _keep_status(self.pid, self._status)
        if super().poll() is None:  # an OS thread is about to know
            get_hub().loop.run_callback(self._on_end)
        elif not self.result.ready():
            self.result.set(self.returncode)
            if hasattr(self, '_links'):
                self._told(self.returncode)

    def _told(self, returncode):
        if returncode is not None and self._kept is not None:
            self._kept.hide()
            self._kept = None
        return returncode

    def poll(self):
        """The child's exit status; None: it still runs."""
        return self._told(super().poll())

    def wait(self, timeout=None):
        """Wait until the child has ended: its exit status.  Raises TimeoutExpired after that many seconds."""
        return self._told(super().wait(timeout))

    def _handle_exitstatus(self, sts, *args, **kwargs):
        self._status = sts
        super()._handle_exitstatus(sts, *args, **kwargs)

    def _wait(self, timeout):
        while self._look() is None:
            if not _children.wait_until_ended(self.pid, timeout) and self._look() is None:
                raise TimeoutExpired(self.args, timeout)  # noqa: F821
        return self.returncode

    def _look(self):
        with self._waitpid_lock:
            if self.returncode is None:
                pid, status = self._try_wait(_os.WNOHANG)
                if pid == self.pid:
                    self._handle_exitstatus(status)
        return self.returncode

    def ready(self):
        """Whether it has ended."""
        return self.poll() is not None

    def rawlink(self, callback):
        """Call callback(self) in the hub when it has ended."""
        link = linkproxy(callback, self)
        self._links = getattr(self, '_links', [])
        self._links.append((callback, link))
        self.result.rawlink(link)

    def unlink(self, callback):
        """Do not call it any more."""
        for known, link in list(getattr(self, '_links', [])):
            if known == callback:
                self._links.remove((known, link))
                self.result.unlink(link)


_names.instead('Popen', Popen)
for _name in __implements__[1:5] + __functions__:
    globals()[_name] = _names.instead(_name, _names.function(getattr(_stdlib, _name)))
    globals()[_name].__module__ = __name__
del _name

__all__ = __implements__ + __imports__ + __functions__
