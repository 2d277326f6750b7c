"""The OS thread that watches a hub."""
import gc
import io
import os
import subprocess
import sys
import threading
import time

from lib.tap import equal, main, raises, test

import ramet
from ramet import events


class Seen(threading.Event):
    """A monitoring function that notes its hub."""
    hub = None

    def __call__(self, hub):
        self.hub = hub
        self.set()


def started():
    """The hub, which writes into memory, and its monitor."""
    hub = ramet.get_hub()
    hub.exception_stream = io.StringIO()
    ramet.sleep(0.001)
    return hub, hub.start_periodic_monitoring_thread()


def until(ready):
    deadline = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@test
def who_keeps_all_others_waiting_is_reported():
    hub, monitor = started()
    told = []
    events.subscribers.append(told.append)

    def hog():
        until(lambda: "appears to be blocked" in hub.exception_stream.getvalue())

    g = ramet.spawn(hog)
    g.join()
    report = hub.exception_stream.getvalue()
    assert "in hog" in report and repr(monitor) in report, report
    blocked = [e for e in told if isinstance(e, events.EventLoopBlocked)]
    assert blocked[0].greenlet is g and blocked[0].blocking_time == ramet.config.max_blocking_time, blocked
    g = ramet.spawn(g.get)
    g.join()
    assert g.successful()


@test
def reports_can_be_kept_for_subscribers_only():
    hub, _monitor = started()
    told = []
    events.subscribers.append(told.append)
    ramet.config.print_blocking_reports = False
    ramet.spawn(until, lambda: any(isinstance(e, events.EventLoopBlocked) for e in told)).get()
    equal(hub.exception_stream.getvalue(), "")


@test
def to_wait_is_not_to_block():
    hub, monitor = started()
    ramet.config.max_blocking_time = 0.02
    seen = Seen()
    monitor.add_monitoring_function(seen, 0.3)
    while not seen.is_set():
        ramet.sleep(0.1)
    monitor.kill()
    equal(hub.exception_stream.getvalue(), "")


@test
def functions_are_called_with_the_hub_until_they_are_taken_away():
    hub, monitor = started()
    seen, before = Seen(), len(monitor.monitoring_functions())
    monitor.add_monitoring_function(seen, 0.01)
    monitor.add_monitoring_function(seen, 0.02)
    equal([(e.function, e.period) for e in monitor.monitoring_functions()[before:]], [(seen, 0.02)])
    equal(monitor.calculate_sleep_time(), 0.02)
    assert seen.wait(30) and seen.hub is hub
    monitor.add_monitoring_function(seen, None)
    equal(len(monitor.monitoring_functions()), before)
    raises(ValueError, monitor.add_monitoring_function, None, 1)
    raises(ValueError, monitor.add_monitoring_function, seen, -1)


@test
def the_error_of_a_function_is_the_hubs():
    hub, monitor = started()
    monitor.add_monitoring_function(lambda hub: 1 / 0, 0.01)
    until(lambda: "ZeroDivisionError" in hub.exception_stream.getvalue())


@test
def it_ends_with_its_hub():
    from ramet._core import gettrace
    hub, monitor = started()
    assert gettrace() is not None
    equal(hub.start_periodic_monitoring_thread(), monitor)
    hub.destroy()
    assert not monitor.should_run and gettrace() is None
    equal(hub.periodic_monitoring_thread, None)


@test
def a_limit_of_memory_is_told_of_once_and_again_when_it_grows():
    class Process:
        rss = 2

        def memory_full_info(self):
            return self

    _hub, monitor = started()
    monitor.kill()
    monitor._get_process = lambda process=Process(): process
    assert monitor.can_monitor_memory_usage()
    equal(monitor.monitor_memory_usage(None), -1)
    ramet.config.max_memory_usage = 1
    told = []
    for size in (2, 2, 3, 1, 1, 3):
        Process.rss = size
        event = monitor.monitor_memory_usage(None)
        told.append((type(event).__name__, getattr(event, "mem_usage", None), getattr(event, "max_memory_usage", None)))
    over, under, nothing = "MemoryUsageThresholdExceeded", "MemoryUsageUnderThreshold", ("NoneType", None, None)
    equal(told, [(over, 2, None), nothing, (over, 3, None), (under, 1, 3), nothing, (over, 3, None)])


@test
def the_environment_starts_it_for_each_hub():
    program = ("import ramet; hub = ramet.get_hub(); ramet.sleep(0.01); "
               "print(type(hub.periodic_monitoring_thread).__name__)")
    out = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True, timeout=30,
                         env=dict(os.environ, GEVENT_MONITOR_THREAD_ENABLE="1")).stdout
    equal(out, "PeriodicMonitoringThread\n")


@test
def a_deadlock_is_seen_all_the_same():
    _hub, _monitor = started()
    raises(ramet.hub.LoopExit, ramet.hub.Waiter().get)


@test
def after_a_fork_the_child_has_one_too():
    _hub, monitor = started()
    pid = ramet.fork()
    if pid == 0:
        seen = Seen()
        monitor.add_monitoring_function(seen, 0.01)
        os._exit(0 if seen.wait(30) else 1)
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
    gc.collect()


if __name__ == "__main__":
    main()
