"""An OS thread that watches a hub: whether a greenlet keeps the others waiting, how much memory there is in use, and
what functions of the program's own have to say."""
import os
import sys
import time
import warnings
import weakref
from _thread import start_new_thread
from time import sleep as thread_sleep

from ramet import _core
from ramet._config import config
from ramet.events import (EventLoopBlocked, IPeriodicMonitorThread, MemoryUsageThresholdExceeded,
                          MemoryUsageUnderThreshold, PeriodicMonitorThreadStartedEvent, implementer, notify,
                          notify_and_call_entry_points)

__all__ = ['PeriodicMonitoringThread']


class MonitorWarning(RuntimeWarning):
    """Something cannot be watched."""


class _Tracer:
    """Notes who is switched to, for a greenlet.settrace."""

    def __init__(self):
        self.greenlet_switch_counter = 0
        self.active_greenlet = None
        self._seen = 0
        self.previous_trace_function = _core.gettrace()
        _core.settrace(self)

    def __call__(self, event, args):
        self.greenlet_switch_counter += 1
        self.active_greenlet = args[1] if event in ('switch', 'throw') else None
        if self.previous_trace_function is not None:
            self.previous_trace_function(event, args)

    def suspect(self):
        """The greenlet that has run since the last look, if no other has."""
        seen, self._seen = self._seen, self.greenlet_switch_counter
        return self.active_greenlet if seen == self._seen else None

    def kill(self):
        """Note no more, if this is the thread that it is about."""
        if _core.gettrace() is self:
            _core.settrace(self.previous_trace_function)
        self.active_greenlet = None


class _Probe:
    """Whether the loop of a hub turns: greenlets may follow each other, and wait, without a switch to be seen."""

    def __init__(self):
        self._call = None

    def look(self, hub):
        """Whether it has since the last look."""
        last = self._call
        if last is not None and last.pending:
            return False
        try:
            self._call = hub.loop.run_callback_threadsafe(int)
        except Exception:  # the thread has ended
            self._call = None
            return True
        return last is not None


class _Entry:
    """A function that is called every so many seconds."""

    def __init__(self, function, period):
        self.function, self.period = function, period
        self.last_run_time = 0

    def __eq__(self, other):
        return (self.function, self.period) == (other.function, other.period)

    __hash__ = None

    def __repr__(self):
        return repr((self.function, self.period, self.last_run_time))


@implementer(IPeriodicMonitorThread)
class PeriodicMonitoringThread:
    """Watches the hub until that is gone, or kill().  Made by hub.start_periodic_monitoring_thread()."""

    #: Seconds between looks when there is nothing to look at.
    inactive_sleep_time = 2.0
    #: Seconds between looks at least.
    min_sleep_time = 0.005
    #: Seconds between looks at memory at least.
    min_memory_monitor_period = 2

    def __init__(self, hub):
        self._hub_ref = weakref.ref(hub, self._on_hub_gone)
        self.should_run = True
        self.pid = os.getpid()
        self._greenlet_tracer = _Tracer()
        self._probe = _Probe()
        self._monitoring_functions = [_Entry(self.monitor_blocking, config.max_blocking_time)]
        self._calculated_sleep_time = config.max_blocking_time
        self._memory_is_over = False
        self._most_memory = 0
        self._process = None
        self.monitor_thread_ident = start_new_thread(self, ())
        notify_and_call_entry_points(PeriodicMonitorThreadStartedEvent(self))

    @property
    def hub(self):
        """The hub; None once it is gone."""
        return self._hub_ref()

    def _on_hub_gone(self, _ref):
        self.kill()

    def _on_fork(self):
        """In the child, where only the thread that forked is."""
        pid = os.getpid()
        if pid != self.pid and self.should_run:
            self.pid = pid
            _core._add_idle_workers(-1)  # that of the parent
            self.monitor_thread_ident = start_new_thread(self, ())

    def kill(self):
        """Watch no more."""
        self.should_run = False
        self._greenlet_tracer.kill()

    # ---- what is called

    def add_monitoring_function(self, function, period):
        """Call function(hub) every `period` seconds, in this OS thread; None: no more."""
        if not callable(function):
            raise ValueError("function must be callable")
        if period is not None and period <= 0:
            raise ValueError("period must be positive")
        others = [entry for entry in self._monitoring_functions if entry.function != function]
        entry = next((e for e in self._monitoring_functions if e.function == function), None)
        if period is None:
            self._monitoring_functions = others
        elif entry is not None:
            entry.period = period
        else:
            self._monitoring_functions = others + [_Entry(function, period)]
        self._calculate()

    def monitoring_functions(self):
        """[what has .function and .period]; gevent.config.max_blocking_time may have changed that of the first."""
        first = self._monitoring_functions[0]
        if first.period != config.max_blocking_time:
            first.period = config.max_blocking_time
            self._calculate()
        return self._monitoring_functions

    def _calculate(self):
        self._calculated_sleep_time = min((e.period for e in self._monitoring_functions if e.period), default=0)

    def calculate_sleep_time(self):
        """Seconds until the next look."""
        seconds = self._calculated_sleep_time
        return max(seconds, self.min_sleep_time) if seconds and seconds > 0 else self.inactive_sleep_time

    def __call__(self):
        """What the OS thread does."""
        _core._add_idle_workers(1)  # it will wake no greenlet
        try:
            while self.should_run:
                functions = self.monitoring_functions()
                thread_sleep(self.calculate_sleep_time())
                self._run(functions)
        except SystemExit:
            pass
        except BaseException:
            hub = self.hub
            if hub is None:
                raise
            hub.handle_error(self, *sys.exc_info())
        finally:
            _core._add_idle_workers(-1)

    def _run(self, functions):
        for entry in list(functions):
            hub = self.hub
            if not hub:
                self.kill()
            if not self.should_run:
                return
            now = time.perf_counter()
            if entry.period and entry.last_run_time + entry.period <= now:
                entry.last_run_time = now
                entry.function(hub)

    # ---- blocking

    def ignore_current_greenlet_blocking(self):
        """Until the next switch nobody blocks."""
        self._greenlet_tracer.active_greenlet = None

    def monitor_current_greenlet_blocking(self):
        """The same no more."""
        self._greenlet_tracer.active_greenlet = _core.getcurrent()

    def monitor_blocking(self, hub):
        """Tell of a greenlet that has kept all others waiting since the last look: (it, the report); else None."""
        suspect = self._greenlet_tracer.suspect()
        if isinstance(hub, _core.Hub) and self._probe.look(hub):
            return None
        if suspect is None or suspect is hub:
            return None
        report = self._report(hub, suspect)
        notify(EventLoopBlocked(suspect, config.max_blocking_time, report))
        if config.print_blocking_reports and hub.exception_stream is not None:
            print('\n'.join(report), file=hub.exception_stream)
        return suspect, report

    def _report(self, hub, greenlet):
        from ramet.util import format_run_info, _stack

        rule = '=' * 80
        frame = sys._current_frames().get(hub.thread_ident)
        return [rule, f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} : Greenlet {greenlet!r} appears to be blocked",
                f"for more than {config.max_blocking_time} seconds; seen by {self!r}",
                *_stack(f"Blocked in thread 0x{hub.thread_ident:x}:", frame),
                *format_run_info(greenlet_stacks=False, current_thread_ident=self.monitor_thread_ident), rule]

    # ---- memory

    def _get_process(self):
        if self._process is None:
            try:
                from psutil import Process
            except ImportError:
                return None
            self._process = Process()
        return self._process

    def can_monitor_memory_usage(self):
        """Whether psutil is there to ask."""
        return self._get_process() is not None

    def install_monitor_memory_usage(self):
        """Watch memory too, every gevent.config.memory_monitor_period seconds."""
        if not self.can_monitor_memory_usage():
            warnings.warn("Memory cannot be watched: there is no psutil", MonitorWarning, stacklevel=2)
            return
        period = max(config.memory_monitor_period, self.min_memory_monitor_period)
        self.add_monitoring_function(self.monitor_memory_usage, period)

    def monitor_memory_usage(self, _hub):
        """Tell of growth over gevent.config.max_memory_usage, and of the return below it: the event, None if there is
        none, -1 without a limit."""
        limit = config.max_memory_usage
        if not limit:
            return -1
        info = self._get_process().memory_full_info()
        used = getattr(info, 'uss', 0) or info.rss
        event = None
        if used > limit and used > self._most_memory:
            self._memory_is_over = True
            event = MemoryUsageThresholdExceeded(used, limit, info)
        elif used <= limit and self._memory_is_over:
            event = MemoryUsageUnderThreshold(used, limit, info, self._most_memory)
            self._memory_is_over = False
        self._most_memory = max(used, self._most_memory) if self._memory_is_over else 0
        if event is not None:
            notify(event)
        return event

    def __repr__(self):
        ident = getattr(self, 'monitor_thread_ident', 0) or 0
        return f"<{type(self).__name__} at {hex(id(self))} in thread {hex(ident)} for hub {hex(id(self.hub))}>"
