"""One function for each part of the standard library."""
import sys as _sys

from ramet.monkey import _native
from ramet.monkey._module import ignores_do_not_patch, patch_named, source_of
from ramet.monkey._state import is_module_patched, patch_item, queue_warning, remove_item, saved

__all__ = ['patch_os', 'patch_time', 'patch_contextvars', 'patch_builtins', 'patch_socket', 'patch_dns', 'patch_ssl',
           'patch_select', 'patch_selectors', 'patch_subprocess', 'patch_queue', 'patch_signal', 'patch_sys',
           'check_repatching', 'check_signal']


def _without(names, left_out):
    return [name for name in names if name not in left_out]


@ignores_do_not_patch
def patch_os():
    """Let os.fork and its like start anew in the child, and os.waitpid wait without blocking others; natively, opening
    and locking files as well."""
    _native.want('os', 'file')
    patch_named('os')


# What the interpreter's own sleep calls.
_SLEEPS_BY = ('time',) if _sys.version_info >= (3, 11) else ('time', 'select')


@ignores_do_not_patch
def patch_time():
    """Replace time.sleep."""
    _native.want(*_SLEEPS_BY)
    patch_named('time')


@ignores_do_not_patch
def patch_contextvars():
    """Do nothing: each greenlet has a context of its own anyway."""


@ignores_do_not_patch
def patch_builtins():
    """Do nothing: imports cooperate."""


@ignores_do_not_patch
def patch_socket(dns=True, aggressive=True):
    """Replace the module socket's classes and functions; with dns those that look names up, too.

    aggressive is taken for compatibility: a socket of ours is never wrapped in TLS by one that blocks.
    """
    _native.want('socket')
    source = source_of('socket')
    if source is None:
        return
    patch_named('socket', None if dns else _without(source.__implements__, source.__dns__))
    if dns:
        _native.want('dns')


@ignores_do_not_patch
def patch_dns():
    """Replace the functions of the module socket that look names up."""
    _native.want('dns')
    source = source_of('socket')
    if source is not None:
        patch_named('socket', source.__dns__)


@ignores_do_not_patch
def patch_ssl(_warnings=None, _first_time=True):
    """Replace ssl.SSLSocket and what makes it.  ssl.SSLContext stays what it is, so it does not matter whether it was
    imported or derived from before."""
    _native.want('socket', 'select', warnings=_warnings)
    patch_named('ssl', warnings=_warnings)


@ignores_do_not_patch
def patch_select(aggressive=True):
    """Replace select.select and select.poll; aggressive: take away epoll and its like, whose objects libraries would
    share between greenlets."""
    _native.want('select')
    patched = patch_named('select')
    if patched and aggressive:
        for name in ('epoll', 'kqueue', 'kevent', 'devpoll'):
            remove_item(patched[1], name)


@ignores_do_not_patch
def patch_selectors(aggressive=True):
    """Replace selectors.DefaultSelector; aggressive: take away those that are made of what patch_select takes away."""
    _native.want('select')
    patched = patch_named('selectors')
    if patched and aggressive:
        for name in ('EpollSelector', 'KqueueSelector', 'DevpollSelector'):
            remove_item(patched[1], name)


@ignores_do_not_patch
def patch_subprocess():
    """Replace subprocess.Popen and what is made of it."""
    _native.want('os', 'socket', 'select')
    patch_named('subprocess')


@ignores_do_not_patch
def patch_queue():
    """Replace the classes of the module queue."""
    _native.want('sem')
    source = source_of('queue')
    if source is None:
        return
    wanted = [] if _keeps_queues() else list(source.__implements__)
    patch_named('queue', wanted + _without(['SimpleQueue'], wanted))


def _keeps_queues():
    import os
    return os.environ.get('GEVENT_MONKEY_DISABLE_QUEUE_QUEUE', '') not in ('', '0', 'no', 'false')


@ignores_do_not_patch
def patch_signal():
    """Let handlers of SIGCHLD and child watchers live side by side: needs patch_os as well."""
    patch_named('signal')


def _patch_stream(name):
    fileobject = source_of('fileobject')
    stream = getattr(_sys, name, None)
    cls = getattr(fileobject, 'FileObjectThread', None)
    if cls is None or stream is None or isinstance(stream, cls):
        return
    patch_item(_sys, name, cls(stream))


def patch_sys(stdin=True, stdout=True, stderr=True):
    """Replace sys.stdin, stdout and stderr by objects that read and write without blocking others."""
    _native.want('socket')
    for name, asked in (('stdin', stdin), ('stdout', stdout), ('stderr', stderr)):
        if asked:
            _patch_stream(name)


_SETTINGS = '_gevent_saved_patch_all_module_settings'


def check_repatching(warnings, settings):
    """(whether it is the first time that patch_all is called, whether it is asked for more than before)"""
    before = saved.get(_SETTINGS)
    if before is None:
        saved[_SETTINGS] = settings
        return True, True
    if settings != before:
        queue_warning("Patching more than once will result in the union of all True parameters being patched", warnings)
    more = {name: on for name, on in settings.items() if on and name in before and not before[name]}
    before.update(more)
    return False, bool(more)


def check_signal(signal, os, warnings):
    """Handlers of SIGCHLD need waitpid of ours."""
    if signal and not os and not is_module_patched('os'):
        queue_warning("Patching signal but not os: handlers of SIGCHLD that are set from now on may not be called, and "
                      "os.waitpid may miss children of subprocess", warnings)
