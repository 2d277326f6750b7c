"""The hub: the greenlet of an OS thread in which callbacks run."""
import sys
import time
import traceback

from ramet import _core, core
from ramet._config import config
from ramet._core import Greenlet, GreenletExit, Waiter, getcurrent, greenlet, sleep, spawn_raw
from ramet._hub_local import (get_hub, get_hub_class, get_hub_if_exists, get_loop, set_default_hub_class, set_hub,
                              set_loop)
from ramet._ident import IdentRegistry
from ramet._iwait import MultipleWaiter, iwait, linkproxy, wait
from ramet._signal_handler import signal
from ramet.exceptions import HubDestroyed, LoopExit

__all__ = ['getcurrent', 'GreenletExit', 'spawn_raw', 'sleep', 'kill', 'signal', 'reinit', 'get_hub', 'Hub', 'Waiter']

GreenletExit.__module__ = 'greenlet'
TrackedRawGreenlet = _core.TrackedRawGreenlet
RawGreenlet = greenlet
_get_hub = get_hub_if_exists


class _Lazy:
    """An attribute that is made when it is first asked for, and may be set."""

    def __init__(self, function):
        self.function, self.__doc__, self.name = function, function.__doc__, function.__name__

    def __get__(self, instance, owner):
        if instance is None:
            return self
        return instance.__dict__.setdefault(self.name, self.function(instance))


class _Configured:
    """The class that gevent.config has for this."""

    def __init__(self, name):
        self.name = name

    def __get__(self, instance, owner):
        return getattr(config, self.name)


class Hub(_core.Hub):
    """Where an OS thread's callbacks run.  Made by get_hub()."""
    SYSTEM_ERROR = (KeyboardInterrupt, SystemExit, SystemError)
    NOT_ERROR = (GreenletExit, SystemExit)
    threadpool_size = 10
    name = ''
    periodic_monitoring_thread = None
    _resolver = _threadpool = None
    _hub_counter = 0
    resolver_class = _Configured('resolver')
    threadpool_class = _Configured('threadpool')
    loop_class = _Configured('loop')

    def __init__(self, loop=None, default=None):
        super().__init__()
        import threading
        self.main_hub = threading.current_thread() is threading.main_thread()
        self.thread_ident = threading.get_ident()
        self.minimal_ident = hub_ident_registry.get_ident(self)

    # ---- errors

    @_Lazy
    def exception_stream(self):
        """Where tracebacks go: stderr as it was before anybody replaced it by something cooperative; None: nowhere."""
        return getattr(sys.stderr, '_file', None) or sys.stderr

    @_Lazy
    def format_context(self):
        """Makes text of what an error happened in."""
        return config.format_context

    @_Lazy
    def ident_registry(self):
        """Numbers of greenlets: minimal_ident."""
        return IdentRegistry()

    def handle_error(self, context, type, value, tb):
        """The error of something that runs for nobody: print it, and tell the main greenlet if it concerns all."""
        type, value, tb = self._normalize_exception(type, value, tb)
        if type is HubDestroyed:
            self.destroy(True)
            return
        if not issubclass(type, self.NOT_ERROR):
            self.print_exception(context, type, value, tb)
        if context is None or issubclass(type, self.SYSTEM_ERROR):
            self.handle_system_error(type, value, tb)

    def handle_system_error(self, type, value, tb=None):
        """Raise it in the main greenlet: at once if that is the caller, else as soon as it can run."""
        if getcurrent() is self.parent or self.parent is None:
            raise value.with_traceback(tb) if isinstance(value, BaseException) else type(value)
        if isinstance(value, BaseException):
            value = value.with_traceback(tb)
        else:
            value = type(value) if value is not None else type()
        _core.throw_later(self.parent, value)

    @staticmethod
    def _normalize_exception(t, v, tb):
        if isinstance(v, str) and isinstance(t, type):
            v = t(v)
        if t is None and v is None:
            t, v = SystemError, SystemError("no error")
        return t, v, tb

    def print_exception(self, context, t, v, tb):
        """Traceback, time and context on exception_stream."""
        if sys is None or self.exception_stream is None or v is None and t is None:
            return
        stream = self.exception_stream
        traceback.print_exception(t, v, tb, file=stream)
        stream.write(time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()))
        stream.write(' ')
        if context is not None:
            stream.write(self._describe(context))
            stream.write(' failed with ')
            stream.write(getattr(t, '__name__', 'exception'))
        stream.write('\n\n')

    def _describe(self, context):
        if isinstance(context, str):
            return context
        try:
            return self.format_context(context)
        except Exception:
            traceback.print_exc(file=self.exception_stream)
            return repr(type(context))

    # ---- waiting

    def wait(self, watcher):
        """Block the calling greenlet until an event of the watcher."""
        waiter = Waiter(self)
        watcher.start(waiter.switch, waiter)
        try:
            result = waiter.get()
            if result is not waiter:
                from ramet.exceptions import InvalidSwitchError
                raise InvalidSwitchError(f"Invalid switch into {getcurrent()!r}: {result!r} (expected {waiter!r})")
        finally:
            watcher.stop()

    def cancel_wait(self, watcher, error, close_watcher=False):
        """End what waits for the watcher with an error, in the hub, soon."""
        if watcher is None:
            return
        if watcher.callback is not None:
            self.loop.run_callback(self._cancel_wait, watcher, error, close_watcher)
        elif close_watcher:
            watcher.close()

    def _cancel_wait(self, watcher, error, close_watcher):
        waiter = getattr(watcher.callback, '__self__', None) if watcher.active else None
        if close_watcher:
            watcher.close()
        if waiter is not None:
            waiter.throw(error)

    def cancel_waits_close_and_then(self, watchers, exc_kind, then, *then_args):
        """The same for several watchers, and then call something."""
        deferred = [w for w in watchers if w is not None]
        self.loop.run_callback(self._cancel_waits_then, deferred, exc_kind, then, then_args)

    def _cancel_waits_then(self, watchers, exc_kind, then, then_args):
        for watcher in watchers:
            self._cancel_wait(watcher, exc_kind, True)
        then(*then_args)

    # ---- life

    def run(self):
        """What the hub does, from its first turn to its end."""
        if self.loop is None:
            return  # it has been destroyed before
        if config.monitor_thread:
            self.start_periodic_monitoring_thread()
        super().run()

    def destroy(self, destroy_loop=None):
        """The hub ends; get_hub() makes another."""
        if self.periodic_monitoring_thread is not None:
            self.periodic_monitoring_thread.kill()
            self.periodic_monitoring_thread = None
        resolver, self._resolver = self._resolver, None
        if resolver is not None:
            resolver.close()
        threadpool, self._threadpool = self._threadpool, None
        if threadpool is not None:
            threadpool.kill()
        loop = self.loop
        if loop is None:
            return
        if destroy_loop is None:
            destroy_loop = not loop.default
        self._end(destroy_loop)
        if destroy_loop:
            loop.destroy()

    def start_periodic_monitoring_thread(self):
        """Watch how long greenlets run without letting others do so."""
        if self.periodic_monitoring_thread is None:
            from ramet._monitor import PeriodicMonitoringThread
            self.periodic_monitoring_thread = PeriodicMonitoringThread(self)
            if self.main_hub:
                self.periodic_monitoring_thread.install_monitor_memory_usage()
        return self.periodic_monitoring_thread

    @property
    def backend(self):
        """How the loop waits for descriptors."""
        return self.loop.backend if self.loop is not None else None

    def _get_resolver(self):
        if self._resolver is None:
            self._resolver = self.resolver_class(hub=self)
        return self._resolver

    def _set_resolver(self, value):
        self._resolver = value

    def _del_resolver(self):
        self._resolver = None

    resolver = property(_get_resolver, _set_resolver, _del_resolver, "What looks names up.")

    def _get_threadpool(self):
        if self._threadpool is None:
            self._threadpool = self.threadpool_class(self.threadpool_size, hub=self,
                                                     idle_task_timeout=config.threadpool_idle_task_timeout)
        return self._threadpool

    def _set_threadpool(self, value):
        self._threadpool = value

    def _del_threadpool(self):
        self._threadpool = None

    threadpool = property(_get_threadpool, _set_threadpool, _del_threadpool, "OS threads for what blocks them.")

    def __repr__(self):
        loop = self.loop
        words = (f"<{type(self).__name__} {self.name!r} at 0x{id(self):x} "
                 f"{'destroyed' if loop is None else loop._format()}")
        for name in ('_resolver', '_threadpool'):
            if getattr(self, name) is not None:
                words += f" {name[1:]}={getattr(self, name)!r}"
        return f"{words} thread_ident=0x{self.thread_ident:x}>"


hub_ident_registry = IdentRegistry()
set_default_hub_class(Hub)


def idle(priority=0):
    """Let everything else that can run do so first."""
    hub = get_hub()
    watcher = hub.loop.idle()
    if priority:
        watcher.priority = priority
    hub.wait(watcher)


def kill(greenlet, exception=GreenletExit):
    """Raise the exception in any greenlet, soon."""
    if greenlet.dead:
        return
    if isinstance(greenlet, Greenlet):
        greenlet.kill(exception, block=False)
    else:
        _core.throw_later(greenlet, exception)


def reinit(hub=None):
    """After a fork, in the child."""
    hub = get_hub_if_exists() if hub is None else hub
    if hub is None:
        return
    hub.loop.reinit()
    for part in (hub._threadpool, hub._resolver, hub.periodic_monitoring_thread):
        if part is not None and hasattr(part, '_on_fork'):
            part._on_fork()
