"""The hub: errors, waiting for several things, its end, and the functions of ramet.hub."""
import io
import os
import signal
import threading
import time

import ramet
from lib.tap import equal, main, raises, test
from ramet import GreenletExit, Timeout, get_hub, getcurrent, iwait, sleep, spawn, spawn_later, spawn_raw, wait
from ramet.exceptions import BlockingSwitchOutError, ConcurrentObjectUseError, LoopExit
from ramet.hub import Hub, MultipleWaiter, Waiter, linkproxy


class Failure(Exception):
    pass


class Flag:
    """The least that wait() needs: rawlink and unlink."""

    def __init__(self):
        self.links = []

    def rawlink(self, callback):
        self.links.append(callback)

    def unlink(self, callback):
        if callback in self.links:
            self.links.remove(callback)

    def set(self):
        for callback in self.links[:]:
            callback(self)


@test
def there_is_one_hub_in_a_thread():
    hub = get_hub()
    assert hub is get_hub() and type(hub) is Hub and hub.main_hub and not hub.dead
    assert hub.parent is getcurrent() and hub.loop is hub.loop
    others = []
    t = threading.Thread(target=lambda: others.append((get_hub(), spawn(int).get())))
    t.start()
    t.join()
    assert others[0][0] is not hub and others[0][1] == 0 and not others[0][0].main_hub


@test
def a_class_of_hubs_can_be_chosen():
    class Mine(Hub):
        def handle_error(self, context, type, value, tb):
            seen.append((context, type))

    seen = []
    ramet.hub.set_default_hub_class(Mine)
    assert ramet.hub.get_hub_class() is Mine and ramet.hub.get_hub_if_exists() is None
    assert type(get_hub()) is Mine and ramet.hub.get_hub_if_exists() is get_hub()
    g = spawn(lambda: 1 / 0)
    g.join()
    equal(seen, [(g, ZeroDivisionError)])


@test
def errors_of_callbacks_are_printed():
    hub = get_hub()
    hub.exception_stream = io.StringIO()

    def bad():
        raise Failure("c")

    def leaves():
        raise GreenletExit

    hub.loop.run_callback(bad)
    hub.loop.run_callback(leaves)
    spawn_raw(bad)
    sleep(0)
    sleep(0)
    text = hub.exception_stream.getvalue()
    equal(text.count("failed with Failure"), 2)
    assert "GreenletExit" not in text
    hub.exception_stream = None
    hub.handle_error("text", Failure, Failure(1), None)
    hub.exception_stream = io.StringIO()
    hub.handle_error("text", Failure, Failure(1), None)
    assert "Z text failed with Failure" in hub.exception_stream.getvalue()
    raises(Failure, hub.handle_error, None, Failure, Failure(1), None)


@test
def an_instance_may_have_its_own_handler():
    hub = get_hub()
    seen = []
    hub.handle_error = lambda *args: seen.append(args)
    spawn(lambda: 1 / 0).join()
    del hub.handle_error
    equal([type(args[2]) for args in seen], [ZeroDivisionError])


@test
def a_waiter_hands_over_one_thing():
    w = Waiter()
    assert not w.ready() and w.value is None
    w.switch(3)
    equal((w.ready(), w.successful(), w.get(), w.exc_info), (True, True, 3, None))
    w.clear()
    spawn_later(0.01, w.switch, 4)
    equal(w.get(), 4)
    w = Waiter()
    w.throw(Failure("t"))
    equal(str(raises(Failure, w.get)), "t")
    equal((w.ready(), w.successful(), w.exc_info[0]), (True, False, Failure))
    w = Waiter()
    spawn(lambda: 6).rawlink(w)
    equal(w.get(), 6)
    w = Waiter()
    g = spawn(w.get)
    sleep(0)
    assert w.greenlet is g
    raises(ConcurrentObjectUseError, w.get)
    w.switch_args(1, 2)
    equal(g.get(), (1, 2))


@test
def a_waiter_can_be_served_by_another_thread():
    w = Waiter()
    t = threading.Thread(target=lambda: (time.sleep(0.02), w.switch("far")))
    t.start()
    equal(w.get(), "far")
    t.join()


@test
def a_multiple_waiter_keeps_what_comes():
    w = MultipleWaiter()
    w.switch(1)
    w.switch(2)
    equal((w.get(), w.get()), (1, 2))
    spawn_later(0.001, w.switch, 3)
    equal(w.get(), 3)
    seen = []
    linkproxy(seen.append, "x")("ignored")
    equal(seen, ["x"])


@test
def wait_returns_what_is_ready_in_that_order():
    a, b, g = Flag(), Flag(), spawn(sleep, 0.02)
    spawn_later(0.04, a.set)
    spawn_later(0.01, b.set)
    equal(wait([a, b, g]), [b, g, a])
    equal((a.links, b.links), ([], []))
    spawn_later(0.01, b.set)
    equal(wait([a, b], count=1), [b])
    equal(wait([a, b], timeout=0.01), [])
    equal(wait([]), [])
    equal((a.links, b.links), ([], []))


@test
def iwait_gives_them_one_by_one():
    gs = [spawn(sleep, x) for x in (0.03, 0.01)]
    equal([gs.index(g) for g in iwait(gs)], [1, 0])
    a = Flag()
    with iwait([a, spawn(int)]) as it:
        next(it)
        equal(len(a.links), 1)
    equal(a.links, [])
    equal(list(iwait([a], timeout=0.001)), [])


@test
def wait_without_objects_waits_for_everything():
    seen = []
    spawn_later(0.02, seen.append, 1)
    equal(wait(timeout=0.001), False)
    equal(wait(), True)
    equal(seen, [1])
    equal(get_hub().join(), True)
    g = spawn(sleep, 10, ref=False)
    sleep(0)
    equal(wait(), True)
    assert not g.dead
    raises(AssertionError, spawn(get_hub().join).get)


@test
def other_threads_do_not_keep_the_loop_alive():
    end = threading.Event()
    t = threading.Thread(target=end.wait)
    t.start()
    equal(wait(), True)
    end.set()
    t.join()


@test
def hub_wait_waits_for_a_watcher():
    hub = get_hub()
    t = hub.loop.timer(0.005)
    equal(hub.wait(t), None)
    assert not t.active
    r, w = os.pipe()
    io_watcher = hub.loop.io(r, 1)
    spawn_later(0.01, os.write, w, b"x")
    hub.wait(io_watcher)
    os.read(r, 1)
    g = spawn(hub.wait, io_watcher)
    sleep(0.01)
    hub.exception_stream = None
    hub.cancel_wait(io_watcher, Failure("cancelled"))
    equal(str(raises(Failure, g.get)), "cancelled")
    os.close(r)
    os.close(w)


@test
def kill_works_on_any_greenlet():
    seen = []
    g = spawn_raw(seen.append, 1)
    ramet.kill(g)
    sleep(0)
    equal((seen, g.dead), ([], True))
    g = spawn_raw(sleep, 5)
    sleep(0)
    ramet.kill(g)
    assert not g.dead
    sleep(0)
    assert g.dead
    equal(ramet.kill(g), None)
    g = spawn(sleep, 5)
    ramet.kill(g)
    assert g.dead


@test
def raw_greenlets_have_a_loop_and_a_spawner():
    seen = []
    g = spawn_raw(lambda *a, **k: seen.append((a, k)), 1, x=2)
    assert g.loop is get_hub().loop and g.spawning_greenlet() is getcurrent()
    assert g.spawn_tree_locals is not spawn_raw(int).spawn_tree_locals
    sleep(0)
    equal(seen, [((1,), {"x": 2})])
    raises(TypeError, spawn_raw, 3)


@test
def idle_comes_last():
    seen = []
    for i in range(3):
        spawn(lambda i=i: (sleep(0), seen.append(i)))
    ramet.idle()
    equal(seen, [0, 1, 2])


@test
def signals_start_greenlets():
    seen = []

    def handler(*args, **kwargs):
        sleep(0)  # it may block
        seen.append((args, kwargs))

    raises(TypeError, ramet.signal_handler, signal.SIGUSR1, 3)
    h = ramet.signal_handler(signal.SIGUSR1, handler, 1, x=2)
    equal(h.ref, False)
    os.kill(os.getpid(), signal.SIGUSR1)
    with Timeout(10):
        while not seen:
            sleep(0.001)
    equal(seen, [((1,), {"x": 2})])
    h.cancel()
    h.cancel()
    equal(signal.getsignal(signal.SIGUSR1), signal.SIG_DFL)


@test
def a_deadlock_is_raised_in_main():
    e = raises(LoopExit, Waiter().get)
    equal((e.args[0], e.args[1]), ("This operation would block forever", get_hub()))
    assert "Handles" in str(e)
    g = spawn(lambda: Waiter().get())
    e = raises(LoopExit, Waiter().get)
    assert any("waits for a callback, at <lambda> (" + __file__ in line and repr(g) in line for line in e.args[2]), e.args
    sleep(0.01)


@test
def no_deadlock_as_long_as_another_thread_may_help():
    w = Waiter()
    t = threading.Thread(target=lambda: (time.sleep(0.1), w.switch(1)))
    t.start()
    equal(w.get(), 1)
    t.join()


@test
def callbacks_must_not_block():
    seen = []

    def blocks():
        seen.append(raises(BlockingSwitchOutError, Waiter().get))
        seen.append(raises(BlockingSwitchOutError, sleep, 1))

    get_hub().loop.run_callback(blocks)
    sleep(0)
    equal(len(seen), 2)


@test
def a_hub_can_be_destroyed():
    hub = get_hub()
    g = spawn(sleep, 0.02)
    sleep(0)
    hub.destroy()
    assert ramet.hub.get_hub_if_exists() is None
    assert get_hub() is not hub
    g.join()
    sleep(0)
    assert hub.dead and g.dead
    ramet.hub.set_hub(None)
    equal(spawn(lambda: 4).get(), 4)


@test
def sleeps_end_in_the_order_of_their_times():
    seen = []
    gs = [spawn(lambda s=s: (sleep(s), seen.append(s))) for s in (0.03, 0.01, 0.02, 0, -1)]
    ramet.joinall(gs)
    equal(seen, [0, -1, 0.01, 0.02, 0.03])
    raises(TypeError, sleep, "x")
    raises(ValueError, sleep, float("nan"))


@test
def settings_come_from_the_environment_or_from_config():
    import subprocess
    import sys
    program = ("import ramet; c = ramet.config; "
               "print(c.track_greenlet_tree, c.max_blocking_time, c.resolver.__module__, c.loop.__name__, c.debug)")
    out = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True,
                         env=dict(os.environ, GEVENT_TRACK_GREENLET_TREE="0", GEVENT_MAX_BLOCKING_TIME="0.5",
                                  GEVENT_RESOLVER="nosuch.Resolver,block,thread", GEVENT_LOOP="libuv",
                                  GEVENT_DEBUG="debug")).stdout
    equal(out, "False 0.5 ramet.resolver.blocking loop debug\n")
    raises(AttributeError, setattr, ramet.config, "nonsense", 1)
    raises(AttributeError, getattr, ramet.config, "nonsense")
    raises(ValueError, setattr, ramet.config, "monitor_thread", "perhaps")
    equal(dir(ramet.config), sorted(ramet.config.settings))
    ramet.config.track_greenlet_tree = False
    equal(spawn(int).spawning_greenlet, None)


if __name__ == "__main__":
    main()
