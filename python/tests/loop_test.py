"""The loop object: callbacks and watchers."""
import os
import signal
import subprocess
import sys
import threading
import time

import ramet
from lib.tap import equal, main, raises, test
from ramet import Timeout, core, get_hub, sleep

LOOP = get_hub().loop


def until(condition):
    with Timeout(20):
        while not condition():
            sleep(0.001)


@test
def callbacks_run_once_in_order():
    seen = []
    cbs = [LOOP.run_callback(seen.append, i) for i in range(4)]
    assert cbs[0].pending and cbs[0] and cbs[0].args == (0,) and cbs[0].callback == seen.append
    cbs[2].stop()
    assert not cbs[2].pending and cbs[2].callback is None
    LOOP.run_callback(lambda: LOOP.run_callback(seen.append, "nested"))
    sleep(0)
    sleep(0)
    sleep(0)
    equal(seen, [0, 1, 3, "nested"])
    assert not cbs[0].pending
    raises(TypeError, LOOP.run_callback)


@test
def callbacks_come_from_other_threads():
    seen = []
    t = threading.Thread(target=lambda: [LOOP.run_callback_threadsafe(seen.append, i) for i in range(100)])
    t.start()
    until(lambda: len(seen) == 100)
    t.join()
    equal(seen, list(range(100)))


@test
def timers_fire_once_or_again_and_again():
    seen = []
    once, often = LOOP.timer(0.01), LOOP.timer(0.005, 0.005)
    once.start(seen.append, "once")
    often.start(seen.append, "often")
    assert once.active and often.active and not once.pending
    until(lambda: seen.count("often") >= 3 and "once" in seen)
    often.stop()
    assert not once.active and not often.active and once.callback is None
    n = len(seen)
    sleep(0.02)
    equal((len(seen), seen.count("once")), (n, 1))
    often.again(seen.append, "again")
    until(lambda: "again" in seen)
    often.close()
    once.again(seen.append, "never")
    assert not once.active
    raises(ValueError, LOOP.timer, 0, -1)
    raises(TypeError, LOOP.timer(1).start, 3)
    raises(TypeError, LOOP.timer(1).start)


@test
def a_timer_s_callback_may_start_it():
    seen = []
    t = LOOP.timer(0.001)

    def tick():
        seen.append(t.active)
        if len(seen) < 3:
            t.start(tick)
            t.stop()
            t.start(tick)

    t.start(tick)
    until(lambda: len(seen) == 3)
    sleep(0.005)
    equal(len(seen), 3)
    assert not t.active


@test
def descriptors_are_watched_while_they_are_ready():
    r, w = os.pipe()
    seen = []
    readable, writable = LOOP.io(r, 1), LOOP.io(w, 2)
    readable.start(lambda *args: seen.append(args), "r")
    sleep(0.01)
    equal(seen, [])
    os.write(w, b"xx")
    until(lambda: len(seen) >= 2)  # until it is read
    os.read(r, 2)
    sleep(0.001)
    sleep(0.001)
    n = len(seen)
    sleep(0.01)
    equal((len(seen), seen[0]), (n, ("r",)))
    readable.stop()
    os.write(w, b"x")
    sleep(0.005)
    equal(len(seen), n)
    writable.start(lambda *args: (seen.append(args), writable.stop()), pass_events=True)
    until(lambda: seen[-1] == (2,))
    assert not writable.active
    equal((readable.fd, readable.events, readable.events_str), (r, 1, "READ"))
    raises(ValueError, LOOP.io, -1, 1)
    raises(ValueError, LOOP.io, 1, 32)
    os.close(r)
    os.close(w)


@test
def a_watcher_may_be_started_and_stopped_often():
    r, w = os.pipe()
    watcher = LOOP.io(r, 1)
    for i in range(300):
        watcher.start(lambda: None)
        if i % 3 == 0:
            sleep(0)
        watcher.stop()
    sleep(0)
    equal((watcher.active, watcher.callback), (False, None))
    os.close(r)
    os.close(w)


@test
def async_wakes_the_loop_from_any_thread():
    seen = []
    a = LOOP.async_()
    a.send()
    a.start(seen.append, 1)
    a.send()
    a.send()
    assert a.pending
    sleep(0)
    sleep(0)
    equal((seen, a.pending), ([1], False))
    t = threading.Thread(target=lambda: (time.sleep(0.01), a.send()))
    t.start()
    until(lambda: len(seen) == 2)
    t.join()
    a.close()
    a.send()
    sleep(0)
    equal(len(seen), 2)


@test
def signals_are_events():
    seen = []
    watchers = [LOOP.signal(signal.SIGUSR2) for _ in range(2)]
    for i, watcher in enumerate(watchers):
        watcher.start(seen.append, i)
    os.kill(os.getpid(), signal.SIGUSR2)
    until(lambda: len(seen) == 2)
    equal(seen, [0, 1])
    watchers[0].stop()
    os.kill(os.getpid(), signal.SIGUSR2)
    until(lambda: len(seen) == 3)
    watchers[1].stop()
    raises(ValueError, LOOP.signal, -1)
    raises(ValueError, LOOP.signal, 1000)


@test
def children_are_reaped():
    seen = []
    p = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    child = LOOP.child(p.pid)
    child.start(lambda: seen.append((child.rpid, os.waitstatus_to_exitcode(child.rstatus))))
    assert child.active
    until(lambda: seen)
    equal(seen, [(p.pid, 3)])
    assert not child.active
    p.returncode = 3


@test
def changes_of_a_file_are_seen():
    import tempfile
    seen = []
    with tempfile.NamedTemporaryFile() as f:
        s = LOOP.stat(f.name, 0.1)
        s.start(lambda: seen.append((s.prev.st_size, s.attr.st_size)))
        os.write(f.fileno(), b"abc")
        until(lambda: seen)
        s.stop()
    equal(seen, [(0, 3)])


@test
def each_turn_has_its_watchers():
    seen = []
    with LOOP.prepare() as p, LOOP.check() as c:
        p.start(seen.append, "prepare")
        c.start(seen.append, "check")
        for _ in range(2):
            LOOP.run_callback(int)
            sleep(0.005)
    equal(seen[:2], ["prepare", "check"])
    seen.clear()
    i = LOOP.idle()
    i.start(lambda: (seen.append("idle"), i.stop()))
    LOOP.run_callback(seen.append, "callback")
    sleep(0.005)
    equal(seen, ["callback", "idle"])
    f = LOOP.fork()
    f.start(seen.append, "fork")
    LOOP.reinit()
    f.stop()
    equal(seen[-1], "fork")


@test
def what_has_no_ref_does_not_keep_the_loop_alive():
    hub = get_hub()
    r, w = os.pipe()
    for watcher in (LOOP.io(r, 1), LOOP.timer(30), LOOP.async_(), LOOP.signal(signal.SIGUSR1), LOOP.prepare()):
        watcher.start(lambda: None)
        sleep(0)
        equal((hub.join(timeout=0.01), watcher.ref), (False, True))
        watcher.ref = False
        equal((hub.join(timeout=10), watcher.active), (True, True))
        watcher.ref = True
        equal(hub.join(timeout=0.01), False)
        watcher.stop()
        equal(hub.join(timeout=10), True)
    LOOP.ref()
    equal(hub.join(timeout=0.01), False)
    LOOP.unref()
    equal(hub.join(timeout=10), True)
    unref = LOOP.io(r, 1, ref=False)
    unref.start(lambda: None)
    raises(ramet.exceptions.LoopExit, ramet.hub.Waiter().get)
    unref.stop()
    os.close(r)
    os.close(w)


@test
def what_has_no_ref_works_while_others_keep_the_loop_alive():
    seen = []
    LOOP.timer(0.005, ref=False).start(seen.append, 1)
    sleep(0.02)
    equal(seen, [1])
    t = LOOP.timer(0.005, 0.005, ref=False)
    t.start(seen.append, 2)
    ramet.spawn(sleep, 0.02)
    equal(get_hub().join(), True)
    assert 2 in seen
    t.stop()


@test
def watchers_have_gevent_s_attributes():
    t = LOOP.timer(1)
    equal((t.active, t.pending, t.ref, t.priority, t.callback, t.args, t.loop), (False, False, True, 0, None, None, LOOP))
    t.priority = 7
    equal(t.priority, 2)
    t.start(print, 1)
    raises(AttributeError, setattr, t, "priority", 1)
    assert "active callback=<built-in function print> args=(1,)" in repr(t), repr(t)
    t.callback = None
    raises(TypeError, setattr, t, "callback", 3)
    t.stop()
    seen = []
    t.feed(1, seen.append, 2)
    assert t.pending
    sleep(0)
    sleep(0)
    equal(seen, [2])
    equal((LOOP.MAXPRI, LOOP.MINPRI, LOOP.default, LOOP.backend), (2, -2, True, "epoll"))
    assert abs(LOOP.now() - time.time()) < 5 and LOOP.iteration >= 1 and LOOP.activecnt == 0
    assert LOOP.update() is None and LOOP.update_now() is None and LOOP.install_sigchld() is None
    equal((core.READ, core.WRITE), (1, 2))
    assert isinstance(LOOP.run_callback(int), core.callback) and isinstance(LOOP, core.loop)
    assert isinstance(t, core.watcher)


@test
def errors_of_watchers_are_the_hub_s():
    seen = []
    get_hub().handle_error = lambda context, *exc: seen.append((context, exc[0]))
    t = LOOP.timer(0.001)
    t.start(lambda: 1 / 0)
    until(lambda: seen)
    equal(seen, [(t, ZeroDivisionError)])
    assert not t.active


@test
def run_goes_on_until_nothing_is_left_to_do():
    seen = []
    LOOP.run()
    LOOP.run_callback(seen.append, "callback")
    LOOP.timer(0.01).start(seen.append, "timer")
    LOOP.timer(1000, ref=False).start(seen.append, "never")
    LOOP.run()
    equal(seen, ["callback", "timer"])
    LOOP.run_callback(seen.append, "more")
    LOOP.run(nowait=True)
    equal(seen.pop(), "more")
    forever = LOOP.timer(0.01, 1000)
    forever.start(seen.append, "once")
    while "once" not in seen:
        LOOP.run(once=True)
    forever.close()
    refused = []
    LOOP.run_callback(lambda: refused.append(raises(RuntimeError, LOOP.run)))
    LOOP.run()
    equal(len(refused), 1)


@test
def other_loop_objects_stand_for_the_thread_s():
    seen = []
    loop = core.loop(default=False)
    assert not loop.default and core.loop().default and loop is not LOOP
    loop.run_callback(seen.append, 1)
    with loop.timer(0.01) as t:
        t.start(seen.append, 2)
        loop.run()
    equal(seen, [1, 2])
    loop.destroy()
    raises(ValueError, loop.timer, 1)
    LOOP.timer(1).close()


@test
def a_destroyed_hub_leaves_its_loop_to_the_next_unless_told():
    loop = get_hub().loop
    first = get_hub()
    first.destroy()
    assert first.loop is None and "destroyed" in repr(first), first
    assert get_hub() is not first and get_hub().loop is loop
    get_hub().destroy(destroy_loop=True)
    assert get_hub().loop is not loop and get_hub().loop.default and not loop.default
    sleep(0.001)


@test
def arguments_can_be_taken_away():
    seen = []
    with LOOP.timer(0) as t:
        t.start(seen.append, 1)
        raises(TypeError, setattr, t, "args", [1])
        t.args = None
        equal(t.args, None)
        t.callback = lambda *args: seen.append(args)
        until(lambda: seen)
    equal(seen, [()])


@test
def the_names_of_libev_are_known_and_others_refused():
    equal((core.BACKEND_SELECT, core.BACKEND_EPOLL, core.SIGNALFD), (1, 4, 0x200000))
    equal(core._flags_to_int(["kqueue", "SELECT"]), core.BACKEND_KQUEUE | core.BACKEND_SELECT)
    equal((core._flags_to_int(None), core._flags_to_int("select, poll"), core._flags_to_int(5)), (0, 3, 5))
    equal(core._flags_to_list(core.BACKEND_PORT | core.BACKEND_POLL | 1 << 30), ["port", "poll", 1 << 30])
    for flags in (None, "", 2, "select", ["poll", "noenv"]):
        equal(core.loop(flags, default=False).backend, "epoll")  # it is what it is
    raises(ValueError, core.loop, ["port", "nonsense"])
    raises(ValueError, core.loop, "kqueue")
    raises(TypeError, core.loop, object())
    assert isinstance(LOOP.timer(1), core.timer) and isinstance(LOOP.io(0, 1), core.io)
    assert isinstance(core.time(), float)


if __name__ == "__main__":
    main()
