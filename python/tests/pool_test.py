"""Group and Pool: members, limits, mappings, kills."""
import time

from lib.green import Thing, leaves_nothing, quietly, refer, settle, spawn
from lib.tap import equal, main, raises, test
from ramet import _core
from ramet._core import Greenlet, GreenletExit, Semaphore, getcurrent, sleep
from ramet.pool import Group, Pool, PoolFull


def square(x):
    sleep(0.02 / (x + 1))  # the larger, the sooner
    return x * x


def fail(*args):
    sleep(0)
    raise KeyError("x")


def silence():
    _core.get_hub().handle_error = lambda *a: None


@test
def a_group_has_members_until_they_end():
    g = Group()
    equal((len(g), g.full(), g.wait_available(), g.join(), g.kill(), list(g)), (0, False, 1, True, None, []))
    a = g.spawn(sleep, 0.01)
    b = Greenlet(sleep, 0.01)
    g.start(b)
    equal((len(g), a in g, b in g, set(g)), (2, True, True, {a, b}))
    equal((g.join(timeout=0.001), g.join(), len(g)), (False, True, 0))
    equal(len(Group([Greenlet(sleep), Greenlet(sleep)])), 2)
    raises(TypeError, Group, [], [])


@test
def members_may_be_discarded():
    g = Group()
    a = g.spawn(sleep, 10)
    g.discard(a)
    equal((len(g), g.join()), (0, True))
    g.add(a)
    g.add(a)
    equal(len(g), 1)
    raw = _core.greenlet(lambda: None)
    g.add(raw)
    g.discard(raw)
    a.kill()
    equal(g.join(), True)


@test
def a_group_is_killed():
    g, seen = Group(), []

    def stubborn():
        try:
            sleep(10)
        except GreenletExit:
            seen.append("exit")
            g.spawn(sleep, 10)  # killed as well
            sleep(0.01)
            seen.append("late")

    members = [g.spawn(stubborn), g.spawn(sleep, 10)]
    settle()
    g.kill()
    equal((seen, len(g), [m.dead for m in members]), (["exit", "late"], 0, [True, True]))
    a = g.spawn(sleep, 10)
    settle()
    g.kill(KeyError, block=False)
    equal(a.ready(), False)
    silence()
    a.join()
    assert isinstance(a.exception, KeyError)
    a, b = g.spawn(sleep, 10), g.spawn(sleep, 10)
    g.killone(a)
    equal((a.dead, b.dead, len(g)), (True, False, 1))
    g.killone(a)
    start = time.monotonic()
    stays = g.spawn(lambda: [quietly_sleep() for _ in range(2)])
    settle()
    g.kill(timeout=0.01)
    assert time.monotonic() - start < 5
    equal((stays.ready(), b.dead), (False, True))
    stays.kill()


def quietly_sleep():
    try:
        sleep(10)
    except GreenletExit:
        pass


@test
def join_may_raise_the_members_error():
    silence()
    g = Group()
    g.spawn(fail)
    equal(g.join(), True)
    g.spawn(fail)
    g.spawn(sleep, 0)
    raises(KeyError, g.join, raise_error=True)


@test
def a_pool_has_so_many_places():
    p = Pool(2)
    start = time.monotonic()
    for _ in range(4):
        p.spawn(sleep, 0.02)  # the third waits for a place
    assert time.monotonic() - start > 0.015
    equal((len(p), p.full(), p.free_count(), p.size), (2, True, 0, 2))
    equal((p.wait_available(0.001), p.join(), p.wait_available(), p.free_count()), (0, True, 2, 2))
    equal((Pool(0).free_count(), Pool(0).full(), Pool().free_count(), Pool().full()), (0, True, 1, False))
    raises(ValueError, Pool, -1)


@test
def a_full_pool_may_refuse():
    p = Pool(1)
    p.spawn(sleep, 0.05)
    raises(PoolFull, p.add, Greenlet(sleep), blocking=False)
    raises(PoolFull, p.add, Greenlet(sleep), timeout=0.001)
    raises(PoolFull, p.start, Greenlet(sleep), blocking=False)
    raises(PoolFull, p.start, Greenlet(sleep), True, 0.001)
    import queue
    assert issubclass(PoolFull, queue.Full)
    g = quietly(p.spawn, sleep)
    settle()
    g.kill()
    p.join()
    p.start(Greenlet(sleep), blocking=False)
    p.join()
    equal(p.free_count(), 1)


@test
def places_are_given_back_whatever_happens():
    silence()
    p = Pool(3)
    for i in range(30):
        g = p.spawn(fail if i % 2 else sleep, 0)
        if i % 3 == 0:
            p.killone(g, block=False)
        if i % 5 == 0:
            p.discard(g)
    p.join()
    equal((p.free_count(), p.wait_available(), len(p.dying)), (3, 3, 0))

    class Special(Greenlet):
        pass
    assert isinstance(Pool(1, Special).spawn(sleep), Special)


@test
def functions_are_mapped():
    for p in (Group(), Pool(4), Pool(2), Pool(1)):
        equal(p.map(square, range(4)), [0, 1, 4, 9])
        equal(list(p.imap(square, range(4))), [0, 1, 4, 9])
        equal(sorted(p.imap_unordered(square, range(4))), [0, 1, 4, 9])
        equal(list(p.imap(lambda a, b: a + b, [1, 2], [10, 20, 30])), [11, 22])
        equal((p.map(square, []), list(p.imap(square, [])), list(p.imap_unordered(square, []))), ([], [], []))
        equal(p.map_async(square, range(3)).get(), [0, 1, 4])
        equal(p.join(), True)
    equal(list(Pool(4).imap_unordered(square, range(4))), [9, 4, 1, 0])
    raises(TypeError, Pool().imap, square, [], foo=3)


@test
def errors_of_a_mapping_come_in_their_place():
    silence()
    p = Pool(2)
    raises(ZeroDivisionError, p.map, lambda x: 1 // x, [1, 0])
    it = p.imap(lambda x: 6 // x, [1, 0, 2])
    equal(next(it), 6)
    raises(ZeroDivisionError, next, it)
    equal([next(it), list(it), list(it)], [3, [], []])
    it = p.imap_unordered(lambda x: 6 // x, [1, 0, 2])
    equal(next(it), 6)
    raises(ZeroDivisionError, next, it)
    equal(list(it), [3])

    def numbers():
        yield 1
        raise KeyError("numbers")
    it = p.imap(lambda x: x, numbers())
    equal(next(it), 1)
    raises(KeyError, next, it)
    equal(list(it), [])


@test
def maxsize_limits_what_is_ahead():
    for name in ("imap", "imap_unordered"):
        begun = []
        it = getattr(Pool(10), name)(begun.append, range(20), maxsize=3)
        settle(10)
        equal(len(begun), 3)
        next(it)
        settle(10)
        equal(len(begun), 4)
        equal(len(list(it)), 19)


@test
def functions_are_applied():
    silence()
    for p in (Group(), Pool(1)):
        seen = []
        equal((p.apply(square, (3,)), p.apply(dict, kwds={"a": 1}), p.apply(list)), (9, {"a": 1}, []))
        equal(p.apply_async(square, (3,)).get(), 9)
        p.apply_async(square, (4,), callback=seen.append).join()
        p.apply_async(fail, callback=seen.append).join()
        equal(p.apply_cb(square, (5,), callback=seen.append), 25)
        equal(p.map_cb(square, [1, 2], callback=seen.append), [1, 4])
        p.map_async(square, [3], callback=seen.append).join()
        settle()
        equal(sorted(map(str, seen)), ["16", "25", "[1, 4]", "[9]"])
        raises(KeyError, p.apply, fail)
        # A member that applies something does it itself: it would wait for its own place.
        equal(p.apply(lambda: (p.apply(getcurrent), getcurrent())).count(None), 0)
        a, b = p.apply(lambda: (p.apply(getcurrent), getcurrent()))
        assert a is b


@test
def apply_async_does_not_wait_for_a_place():
    p = Pool(1)
    p.spawn(sleep, 0.01)
    g = p.apply_async(square, (2,))
    equal((g.ready(), g.get()), (False, 4))


@test
def many_share_few_places():
    p, active, most = Pool(5), [0], [0]

    def work():
        active[0] += 1
        most[0] = max(most[0], active[0])
        sleep(0.0001)
        active[0] -= 1
    spawners = [spawn(lambda: [p.spawn(work) for _ in range(100)]) for _ in range(5)]
    for s in spawners:
        s.join()
    p.join()
    equal((active, most, p.free_count()), ([0], [5], 5))


@test
def pools_leave_nothing_behind():
    def use(n):
        for _ in range(n):
            p = Pool(2)
            thing = Thing()
            p.map(lambda x: thing, range(3))
            list(p.imap_unordered(lambda x: thing, range(2)))
            p.spawn(sleep, 5)
            p.kill()
            p.join()
    leaves_nothing(use, 150)
    p = Pool(2)
    thing = Thing()
    ref = refer(thing)
    equal(p.apply(lambda x: 1, (thing,)), 1)
    del thing
    settle()
    equal((ref(), Semaphore(1).counter), (None, 1))


main()
