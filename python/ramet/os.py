"""The standard library's module os, as far as it forks and waits; and reading and writing that block only the greenlet.

A child made by fork() is waited for as soon as it ends, so that it leaves no zombie; waitpid() still gives its status,
for a while.  GEVENT_NOWAITPID turns that off.
"""
import errno
import os as _stdlib
import time

from ramet._children import Watch, wait_until_ended, wait_until_some_change
from ramet._config import config
from ramet._core import close_fd, wait_read, wait_write
from ramet._util import copy_globals
from ramet.hub import get_hub, reinit

__implements__ = ['fork', 'forkpty', 'waitpid', 'wait', 'posix_spawn', 'posix_spawnp', 'close']
__implements__ = [_name for _name in __implements__ if hasattr(_stdlib, _name)]
__extensions__ = ['tp_read', 'tp_write', 'make_nonblocking', 'nb_read', 'nb_write', 'forkpty_gevent', 'fork_and_watch',
                  'fork_gevent', 'forkpty_and_watch']
__all__ = list(dict.fromkeys(__implements__ + __extensions__))

_fork, _forkpty, _waitpid, _close = _stdlib.fork, _stdlib.forkpty, _stdlib.waitpid, _stdlib.close
_read, _write = _stdlib.read, _stdlib.write
_spawn, _spawnp = _stdlib.posix_spawn, _stdlib.posix_spawnp
_WNOHANG, _WUNTRACED, _WCONTINUED = _stdlib.WNOHANG, _stdlib.WUNTRACED, _stdlib.WCONTINUED

#: How many seconds the status of a child is kept for waitpid() after its end.
_KEPT = 60


# ---- reading and writing --------------------------------------------------------------------------------------------

def make_nonblocking(fd):
    """Set O_NONBLOCK: True if it was not, None if it was."""
    if _stdlib.get_blocking(fd):
        _stdlib.set_blocking(fd, False)
        return True
    return None


def _again(function, fd, argument, wait):
    while True:
        try:
            return function(fd, argument)
        except BlockingIOError:
            wait(fd)


def nb_read(fd, n):
    """At most n bytes of a descriptor that is O_NONBLOCK, when there are some; none at the end."""
    return _again(_read, fd, n, wait_read)


def nb_write(fd, buf):
    """Write to a descriptor that is O_NONBLOCK, when it takes some: returns how many bytes."""
    return _again(_write, fd, buf, wait_write)


def tp_read(fd, n):
    """os.read in the hub's pool of OS threads."""
    return get_hub().threadpool.apply(_read, (fd, n))


def tp_write(fd, buf):
    """os.write in the hub's pool of OS threads."""
    return get_hub().threadpool.apply(_write, (fd, buf))


def close(fd):
    """Close a descriptor.  Who waits for it gets OSError (EBADF)."""
    close_fd(fd)


# ---- children -------------------------------------------------------------------------------------------------------

class _Child:
    """A child that is waited for as soon as it ends: what callbacks of fork_and_watch get."""

    def __init__(self, pid, callback, loop, ref):
        self.pid, self.callback = pid, callback
        self.rpid = self.rstatus = self.ended_at = None
        _children[pid] = self
        self._watch = Watch(pid, self._on_end, loop, ref)

    def collect(self):
        """Whether it has ended, without waiting."""
        if self.rstatus is not None:
            return True
        try:
            pid, status = _waitpid(self.pid, _WNOHANG)
        except ChildProcessError:  # somebody else has waited for it
            self.forget()
            raise
        if not pid:
            return False
        self.put(status)
        return True

    def put(self, status):
        """It is known how it ended."""
        self.rpid, self.rstatus, self.ended_at = self.pid, status, time.monotonic()

    def _on_end(self):
        self._watch = None
        _forget_old()
        try:
            self.collect()
        except ChildProcessError:
            return
        callback, self.callback = self.callback, None
        if callback is not None:
            callback(self)

    def take(self):
        """(pid, status), once."""
        self.forget()
        return self.pid, self.rstatus

    def forget(self):
        """It is not waited for by pid any more."""
        if _children.get(self.pid) is self:
            del _children[self.pid]

    def stop(self):
        """Do not watch it."""
        self.forget()
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()

    close = stop


class _Kept:
    """The status of a child that a Popen has waited for by itself, for others: such as asyncio, which waits, too."""

    def __init__(self, pid, status):
        self.pid, self.status, self.rstatus, self.ended_at = pid, status, status, time.monotonic()
        _children[pid] = self

    def hide(self):
        """The Popen's user knows.  Who waits for any child does not find it any more, only who knows its number."""
        self.rstatus = None

    def collect(self):
        """It has ended."""
        return True

    def take(self):
        """(pid, status), once."""
        self.forget()
        return self.pid, self.status

    forget = _Child.forget


_children = {}  # pid: _Child or _Kept


def _forget_old():
    limit = time.monotonic() - _KEPT
    for child in list(_children.values()):
        if child.ended_at is not None and child.ended_at < limit:
            child.forget()


def _watch_child(pid, callback=None, loop=None, ref=False):
    if pid:
        _Child(pid, callback, loop, ref)
    return pid


def _keep_status(pid, status):
    _forget_old()
    return _Kept(pid, status)


def _wait_for_watched(child, options):
    if not child.collect():
        if options & _WNOHANG:
            return 0, 0
        while not child.collect():
            wait_until_ended(child.pid)
    return child.take()


def _wait_for_others(pid, options):
    """Any other child: None if it has to be waited for."""
    found, status = _waitpid(pid, options | _WNOHANG)
    child = _children.get(found)
    if child is not None and (_stdlib.WIFEXITED(status) or _stdlib.WIFSIGNALED(status)):
        child.put(status)
        child.forget()
    if found or options & _WNOHANG:
        return found, status
    return None


def _ended_watched(pid):
    """A watched child that has ended, and that waitpid(pid) may mean."""
    return next((c for c in _children.values() if c.rstatus is not None), None) if pid == -1 else None


def _wait_for_any(pid, options):
    try:
        wait_until_some_change(pid, options)
    except ChildProcessError:
        if _ended_watched(pid) is None:  # else that was the last, and its watcher was faster
            raise


def waitpid(pid, options):
    """os.waitpid, which blocks only the greenlet."""
    while True:
        child = _children.get(pid) or _ended_watched(pid)
        if child is not None and not options & (_WUNTRACED | _WCONTINUED):
            return _wait_for_watched(child, options)
        found = _wait_for_others(pid, options)
        if found is not None:
            return found
        if pid > 0 and not options & (_WUNTRACED | _WCONTINUED):
            wait_until_ended(pid)
        else:
            _wait_for_any(pid, options)


def wait():
    """os.wait, which blocks only the greenlet."""
    return waitpid(-1, 0)


def fork_gevent():
    """os.fork; the child's hub works."""
    pid = _fork()
    if not pid:
        _on_child()
    return pid


def forkpty_gevent():
    """os.forkpty; the child's hub works."""
    pid, fd = _forkpty()
    if not pid:
        _on_child()
    return pid, fd


def _on_child():
    _children.clear()
    reinit()


def fork_and_watch(callback=None, loop=None, ref=False, fork=fork_gevent):
    """Fork, and wait for the child as soon as it ends; then call callback(watcher) in the hub.

    The watcher has the attributes pid and rstatus.
    """
    return _watch_child(fork(), callback, loop, ref)


def forkpty_and_watch(callback=None, loop=None, ref=False, forkpty=forkpty_gevent):
    """The same for forkpty."""
    pid, fd = forkpty()
    _watch_child(pid, callback, loop, ref)
    return pid, fd


def fork(*args, **kwargs):
    """fork_and_watch, or fork_gevent under GEVENT_NOWAITPID."""
    return fork_gevent() if config.disable_watch_children else fork_and_watch(*args, **kwargs)


def forkpty(*args, **kwargs):
    """forkpty_and_watch, or forkpty_gevent under GEVENT_NOWAITPID."""
    return forkpty_gevent() if config.disable_watch_children else forkpty_and_watch(*args, **kwargs)


def posix_spawn(*args, **kwargs):
    """os.posix_spawn; the child is waited for as soon as it ends."""
    pid = _spawn(*args, **kwargs)
    return pid if config.disable_watch_children else _watch_child(pid)


def posix_spawnp(*args, **kwargs):
    """os.posix_spawnp; the child is waited for as soon as it ends."""
    pid = _spawnp(*args, **kwargs)
    return pid if config.disable_watch_children else _watch_child(pid)


ignored_errors = [errno.EAGAIN, errno.EINTR]

__imports__ = copy_globals(_stdlib, globals(), names_to_ignore=__implements__ + __extensions__,
                           dunder_names_to_keep=())
