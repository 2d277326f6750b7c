"""Waiting for child processes: of one, by a descriptor that says when it has ended; of any, in an OS thread."""
import fcntl
import os
from _socket import timeout as timeout_error

from ramet._core import close_fd, sleep, wait_read
from ramet.core import READ
from ramet.hub import get_hub

__all__ = ['Watch', 'open_pid', 'has_ended', 'wait_until_ended', 'wait_until_some_change']

_SHORTEST, _LONGEST = 0.001, 0.05  # seconds between looks, where there are no such descriptors


def _above_standard(fd):
    """The same, but not where programs that have closed stdin, stdout or stderr put others."""
    if fd > 2:
        return fd
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    finally:
        close_fd(fd)


def open_pid(pid):
    """A descriptor that can be read when the process has ended; -1: it is gone; None: the system has none of them."""
    try:
        return _above_standard(os.pidfd_open(pid))
    except ProcessLookupError:
        return -1
    except (AttributeError, OSError):
        return None


def has_ended(pid):
    """Whether the child has ended, or is none; it stays to be waited for."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
    except ChildProcessError:
        return True


def _look_until_ended(pid, timeout):
    pause, waited = _SHORTEST, 0
    while not has_ended(pid):
        if timeout is not None and waited >= timeout:
            return False
        pause = min(pause * 2, _LONGEST, timeout - waited if timeout is not None else _LONGEST)
        sleep(pause)
        waited += pause
    return True


def wait_until_ended(pid, timeout=None):
    """Block the greenlet until the process has ended: True; False: the time is over."""
    fd = open_pid(pid)
    if fd is None:
        return _look_until_ended(pid, timeout)
    if fd < 0:
        return True
    try:
        wait_read(fd, None if timeout is None else max(timeout, 0))
        return True
    except timeout_error:  # TimeoutError since 3.10
        return False
    finally:
        close_fd(fd)


def _waitid(*args):
    try:
        os.waitid(*args)
    except ChildProcessError:
        pass  # the last one's status may have been taken by its watcher meanwhile


def wait_until_some_change(pid, options):
    """Block the greenlet until os.waitpid(pid, options) would not, which then still has to be called."""
    if pid > 0:
        kind, number = os.P_PID, pid
    elif pid == -1:
        kind, number = os.P_ALL, 0
    else:
        kind, number = os.P_PGID, -pid or os.getpgrp()
    states = os.WEXITED | os.WNOWAIT
    states |= os.WSTOPPED if options & os.WUNTRACED else 0
    states |= os.WCONTINUED if options & os.WCONTINUED else 0
    get_hub().threadpool.apply(_waitid, (kind, number, states))


class Watch:
    """Calls callback() in the hub when a child has ended."""

    def __init__(self, pid, callback, loop=None, ref=True):
        self._pid, self._callback = pid, callback
        self._loop = loop if loop is not None else get_hub().loop
        self._fd = open_pid(pid)
        if self._fd is None:
            self._watcher = self._loop.timer(_LONGEST, _LONGEST, ref=ref)
            self._watcher.start(self._look)
        elif self._fd < 0:
            self._watcher = self._loop.run_callback(self._end)
        else:
            self._watcher = self._loop.io(self._fd, READ, ref=ref)
            self._watcher.start(self._end)

    def _look(self):
        if has_ended(self._pid):
            self._end()

    def _end(self):
        callback = self._callback
        self.close()
        if callback is not None:
            callback()

    def close(self):
        """No more."""
        watcher, self._watcher, self._callback = self._watcher, None, None
        if watcher is not None:
            (watcher.close if hasattr(watcher, 'close') else watcher.stop)()
        fd, self._fd = self._fd, None
        if fd is not None and fd >= 0:
            close_fd(fd)
