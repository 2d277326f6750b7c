"""Greenlet: start, end, result, kill, links, and what a subclass may do."""
import contextvars
import gc
import sys
import weakref

import ramet
from lib.tap import equal, main, raises, test
from ramet import Greenlet, GreenletExit, Timeout, getcurrent, joinall, killall, sleep, spawn, spawn_later
from ramet.exceptions import LoopExit


class Failure(Exception):
    pass


def fail():
    raise Failure("x")


def quiet():
    ramet.get_hub().exception_stream = None


def written(function):
    """What hubs print during the call."""
    import io
    stream = ramet.get_hub().exception_stream = io.StringIO()
    function()
    return stream.getvalue()


@test
def those_that_are_spawned_start_in_that_order():
    seen = []
    gs = [spawn(seen.append, i) for i in range(5)]
    equal(seen, [])
    joinall(gs)
    equal(seen, [0, 1, 2, 3, 4])
    late = [spawn_later(0.02, seen.append, "b"), spawn_later(0.01, seen.append, "a")]
    joinall(late)
    equal(seen[5:], ["a", "b"])


@test
def arguments_reach_the_function_and_are_dropped_at_the_end():
    g = spawn(lambda *a, **k: (a, k), 1, 2, x=3)
    equal((g.args, g.kwargs), ((1, 2), {"x": 3}))
    equal(g.get(), ((1, 2), {"x": 3}))
    equal((g.args, g.kwargs), ((), {}))
    equal(Greenlet(run=fail).args, ())
    g = Greenlet(None, 7)
    equal(g.args, (7,))

    class Thing:
        pass

    thing = Thing()
    seen = weakref.ref(thing)
    g = spawn(lambda x: None, thing)
    del thing
    g.join()
    gc.collect()
    assert seen() is None and g.ready()


@test
def what_cannot_be_called_is_refused_at_once():
    raises(TypeError, spawn, 3)
    raises(TypeError, Greenlet, 3)
    raises(TypeError, spawn_later, 0.1, 3)
    raises(TypeError, Greenlet.spawn_later)
    raises(TypeError, spawn(int).rawlink, 3)
    raises(TypeError, spawn(int).link, 3)
    raises(TypeError, spawn(int).join, 1, 2)
    raises(TypeError, spawn(int).get, nonsense=1)


@test
def states_are_those_of_the_contract():
    g = Greenlet(sleep, 0.01)
    equal((bool(g), g.started, g.dead, g.ready()), (False, False, False, False))
    g.start()
    equal((bool(g), g.started, g.dead, g.ready()), (True, True, False, False))
    g.start()
    g.join()
    equal((bool(g), g.started, g.dead, g.ready(), g.successful()), (False, False, True, True, True))
    equal((g.value, g.exception, g.exc_info), (None, None, None))


@test
def get_returns_or_raises_what_it_ended_with():
    quiet()
    equal(spawn(lambda: 5).get(), 5)
    g = spawn(fail)
    equal(g.join(), None)
    e = raises(Failure, g.get)
    depth = len(list(frames(e.__traceback__)))
    equal(len(list(frames(raises(Failure, g.get).__traceback__))), depth)
    assert raises(Failure, g.get, block=False) is g.exception
    equal((g.value, g.successful(), g.exc_info[:2]), (None, False, (Failure, g.exception)))
    g = spawn(sleep, 5)
    equal(str(raises(Timeout, g.get, block=False)), "")
    equal(str(raises(Timeout, g.get, timeout=0.01)), "0.01 seconds")
    equal(g.join(timeout=0.01), None)
    equal(g.join(Timeout(0.01)), None)
    assert not g.ready()


def frames(traceback):
    while traceback:
        yield traceback
        traceback = traceback.tb_next


@test
def one_that_is_killed_before_it_starts_never_runs():
    quiet()
    seen = []
    for start in (lambda: spawn(seen.append, 1), lambda: spawn_later(0.01, seen.append, 2),
                  lambda: Greenlet(seen.append, 3)):
        g = start()
        g.rawlink(lambda s: seen.append(s.successful()))
        equal(g.kill(), None)
        equal((g.dead, g.ready(), g.successful(), g.started), (True, True, True, False))
        assert isinstance(g.value, GreenletExit)
        sleep(0)
        g.start()
    sleep(0.02)
    equal(seen, [True] * 3)
    g = spawn(seen.append, 1)
    g.kill(Failure("y"))
    equal((g.successful(), str(g.exception), g.value), (False, "y", None))
    g = spawn(seen.append, 1)
    g.throw(Failure)
    assert isinstance(g.exception, Failure)
    equal(len(seen), 3)


@test
def kill_raises_where_it_waits():
    quiet()
    seen = []

    def body():
        try:
            sleep(10)
        except GreenletExit:
            seen.append("exit")
            raise

    g = spawn(body)
    sleep(0)
    equal(g.kill(), None)
    equal((seen, g.successful(), type(g.value)), (["exit"], True, GreenletExit))
    g = spawn(sleep, 10)
    sleep(0)
    g.kill(Failure)
    equal((type(g.exception), g.successful()), (Failure, False))
    equal(g.kill(), None)
    equal(type(g.exception), Failure)


@test
def one_that_survives_outlasts_the_time_limit_of_kill():
    def stubborn():
        try:
            sleep(10)
        except GreenletExit:
            sleep(0.05)
            return "late"

    g = spawn(stubborn)
    sleep(0)
    g.kill(timeout=0.01)
    assert not g.ready()
    equal(g.get(), "late")


@test
def several_kills_are_raised_one_after_the_other():
    seen = []

    def body():
        for _ in range(2):
            try:
                sleep(5)
            except Failure as e:
                seen.append(str(e))
        return 7

    g = spawn(body)
    sleep(0)
    g.kill(Failure("1"), block=False)
    g.kill(Failure("2"))
    equal((seen, g.value), (["1", "2"], 7))


@test
def one_may_kill_itself():
    seen = []

    def body():
        getcurrent().kill()
        seen.append("not here")

    g = spawn(body)
    g.join()
    equal((type(g.value), seen), (GreenletExit, []))


@test
def links_run_in_order_after_the_end():
    quiet()
    seen = []
    g = spawn(lambda: 3)
    g.link(lambda s: seen.append(("link", s.value, s.dead, getcurrent() is ramet.get_hub())))
    g.rawlink(lambda s: seen.append(("raw", s.value, s.dead, getcurrent() is ramet.get_hub())))
    g.link_value(lambda s: seen.append("value"))
    g.link_exception(lambda s: seen.append("exception"))
    assert g.has_links()
    g.join()
    equal(seen, [("link", 3, True, False), ("raw", 3, True, True), "value"])
    assert not g.has_links()
    g.link(lambda s: seen.append("after"))
    equal(len(seen), 3)
    sleep(0)
    sleep(0)
    equal(seen[3:], ["after"])
    seen.clear()
    g = spawn(fail)
    g.link_value(lambda s: seen.append("value"))
    g.link_exception(lambda s: seen.append("exception"))
    g.join()
    equal(seen, ["exception"])


@test
def links_can_be_taken_back():
    seen = []
    g = spawn(int)
    for link in (g.link, g.rawlink):
        link(seen.append)
    g.unlink(seen.append)
    g.unlink(seen.append)
    g.unlink(seen.append)
    assert not g.has_links()
    g.rawlink(seen.append)
    g.link(seen.append)
    g.unlink_all()
    g.join()
    sleep(0)
    equal(seen, [])


@test
def a_link_that_fails_does_not_stop_the_others():
    seen = []

    def run():
        g = spawn(int)
        g.rawlink(lambda s: 1 / 0)
        g.link(lambda s: [][1])
        g.rawlink(seen.append)
        g.join()
        sleep(0)

    text = written(run)
    assert "ZeroDivisionError" in text and "IndexError" in text and len(seen) == 1, text


@test
def errors_are_printed_with_time_and_name():
    text = written(lambda: spawn(fail).join())
    assert "Failure: x\n" in text and "Z <Greenlet at 0x" in text and ": fail> failed with Failure" in text, text
    equal(written(lambda: spawn(sleep, 0).kill()), "")


@test
def system_errors_reach_main():
    def exits():
        raise SystemExit(3)

    def interrupted():
        raise KeyboardInterrupt

    equal(raises(SystemExit, spawn(exits).join).code, 3)
    quiet()
    raises(KeyboardInterrupt, spawn(interrupted).join)


@test
def a_subclass_may_have_its_own_run():
    class Actor(Greenlet):
        def __init__(self, x):
            self.x = x
            Greenlet.__init__(self)

        def _run(self):
            return self.x

    class Old(Greenlet):
        def run(self):
            return 5

    class Careful(Greenlet):
        def run(self):
            seen.append("before")
            Greenlet.run(self)
            seen.append(self.value)

    seen = []
    equal(Actor.spawn(4).get(), 4)
    a = Actor(6)
    a.start()
    equal(a.get(), 6)
    equal(Actor.spawn_later(0.001, 8).get(), 8)
    equal(Old.spawn().get(), 5)
    equal(Careful.spawn(lambda: 9).get(), 9)
    sleep(0)
    equal(seen, ["before", 9])

    class Bad(Greenlet):
        _run = 3

    raises(TypeError, Bad)


@test
def with_joins_or_kills():
    with spawn(lambda: 9) as g:
        pass
    equal(g.value, 9)

    def fails():
        with spawn(sleep, 10) as g:
            seen.append(g)
            sleep(0)
            raise Failure("in the body")

    seen = []
    quiet()
    raises(Failure, fails)
    equal(type(seen[0].exception), Failure)


@test
def a_context_is_a_copy_of_the_spawner_s():
    var = contextvars.ContextVar("var", default=0)
    var.set(1)

    def body():
        before = var.get()
        var.set(2)
        sleep(0)
        return before, var.get()

    g = spawn(body)
    var.set(3)
    equal(g.get(), (1, 2))
    equal(var.get(), 3)


@test
def names_and_spawners_are_known():
    g = spawn(sleep, 0)
    equal((g.minimal_ident, g.name), (0, "Greenlet-0"))
    assert repr(g).startswith('<Greenlet "Greenlet-0" at 0x') and repr(g).endswith(": sleep(0)>"), repr(g)
    g.name = "mine"
    assert '"mine"' in repr(g)
    assert g.spawning_greenlet() is getcurrent()
    equal(g.spawning_stack.f_code.co_name, "names_and_spawners_are_known")
    assert g.spawning_stack.f_back.f_lineno > 0
    g.spawn_tree_locals["a"] = 1

    def child():
        getcurrent().spawn_tree_locals["b"] = 2
        return spawn(lambda: getcurrent().spawn_tree_locals).get()

    equal(spawn(child).get(), {"b": 2})  # each that main spawns is the root of a tree
    getcurrent().spawn_tree_locals = {"a": 1}
    equal(spawn(child).get(), {"a": 1, "b": 2})
    assert g.loop is ramet.get_hub().loop and g.parent is ramet.get_hub()


@test
def callbacks_see_each_that_is_started():
    seen = []
    Greenlet.add_spawn_callback(seen.append)
    gs = [spawn(int), spawn_later(0.001, int)]
    Greenlet.remove_spawn_callback(seen.append)
    spawn(int)
    equal(seen, gs)


@test
def joinall_returns_them_in_the_order_of_their_ends():
    quiet()
    gs = [spawn(sleep, x) for x in (0.06, 0.02, 0.04)]
    equal([gs.index(g) for g in joinall(gs)], [1, 2, 0])
    gs = [spawn(sleep, x) for x in (5, 0.01)]
    equal([gs.index(g) for g in joinall(gs, count=1)], [1])
    equal(joinall(gs, timeout=0.01), [gs[1]])
    equal(joinall([]), [])
    raises(Failure, joinall, [spawn(fail), spawn(sleep, 5)], raise_error=True)
    equal(len(joinall([spawn(fail), spawn(int)], raise_error=False)), 2)
    g = spawn(int)
    equal(joinall(iter([g, g])), [g, g])


@test
def killall_kills_started_or_not():
    gs = [spawn(sleep, 5) for _ in range(3)]
    sleep(0)
    gs += [spawn(fail), ramet.spawn_raw(sleep, 5)]
    equal(killall(gs), None)
    assert all(g.dead for g in gs)

    def stubborn():
        try:
            sleep(5)
        except GreenletExit:
            sleep(5)

    gs = [spawn(stubborn)]
    sleep(0)
    raises(Timeout, killall, gs, timeout=0.01)
    equal(killall(gs, block=False), None)


@test
def a_joiner_can_be_killed():
    g = spawn(sleep, 5)
    joiner = spawn(g.join)
    sleep(0)
    joiner.kill()
    equal((joiner.dead, g.dead, g.has_links()), (True, False, False))


@test
def nobody_can_wait_in_a_callback():
    seen = []
    g = spawn(sleep, 5)

    def callback():
        seen.append(raises(AssertionError, g.join))

    ramet.get_hub().loop.run_callback(callback)
    sleep(0)
    equal(len(seen), 1)


@test
def a_join_that_cannot_end_is_a_loop_exit():
    e = raises(LoopExit, Greenlet(int).join)
    equal((e.args[0], e.args[1]), ("This operation would block forever", ramet.get_hub()))
    equal(len(e.args), 3)


@test
def a_switch_to_one_that_is_not_started_starts_it():
    g = Greenlet(lambda: 4)
    spawn_later(0.05, int)  # main waits for something
    raises(Timeout, ramet.with_timeout, 0.02, g.switch)
    equal(g.value, 4)


@test
def other_threads_may_wait_for_it_and_end_it():
    import threading
    seen = []
    g, killed, late = spawn(sleep, 0.05), spawn(sleep, 20), spawn_later(20, int)

    def other():
        killed.kill()
        late.kill()
        g.rawlink(lambda s: seen.append(threading.get_ident()))
        seen.append((killed.dead, late.dead, g.get(), g.join()))
        g.rawlink(lambda s: seen.append(threading.get_ident()))

    sleep(0)
    t = threading.Thread(target=other)
    t.start()
    with Timeout(20):
        while len(seen) < 3:
            sleep(0.001)
    t.join()
    equal(sorted(seen, key=str), sorted([(True, True, None, None)] + 2 * [threading.get_ident()], key=str))


@test
def nothing_is_left_of_those_that_have_ended():
    def round_():
        gs = [spawn(lambda x: x, object()) for _ in range(200)]
        for g in gs:
            g.link(lambda s: None)
        joinall(gs)
        sleep(0)
        sleep(0)
        killall([spawn(sleep, 1) for _ in range(50)])

    round_()
    round_()
    gc.collect()
    before = len(gc.get_objects()), sys.getallocatedblocks()
    for _ in range(5):
        round_()
    gc.collect()
    after = len(gc.get_objects()), sys.getallocatedblocks()
    assert after[0] - before[0] < 50 and after[1] - before[1] < 300, (before, after)


if __name__ == "__main__":
    main()
