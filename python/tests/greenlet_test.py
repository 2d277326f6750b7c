"""Greenlets: switch, throw, parents, ends."""
import gc
import time
import weakref

from lib.tap import equal, main, raises, test
from ramet import _core
from ramet._core import GreenletExit, getcurrent, greenlet


@test
def values_go_to_and_fro():
    def double():
        parent = getcurrent().parent
        x = parent.switch("begun")
        while True:
            x = parent.switch(2 * x)

    g = greenlet(double)
    equal(g.switch(), "begun")
    equal([g.switch(x) for x in range(4)], [0, 2, 4, 6])


@test
def arguments_take_the_documented_shapes():
    g = greenlet(lambda *a, **k: (a, k, [getcurrent().parent.switch() for _ in range(5)]))
    g.switch(1, b=2)
    g.switch()
    g.switch(1)
    g.switch(1, 2)
    g.switch(a=1)
    equal(g.switch(1, a=2), ((1,), {"b": 2}, [(), 1, (1, 2), {"a": 1}, ((1,), {"a": 2})]))
    assert g.dead


@test
def errors_go_to_the_parent():
    def fail():
        raise KeyError("x")

    outer = greenlet(lambda: str(raises(KeyError, greenlet(fail).switch)))
    equal(outer.switch(), "'x'")


@test
def what_is_thrown_is_raised_there():
    seen = []

    def catch():
        try:
            getcurrent().parent.switch()
        except ValueError as e:
            seen.append(str(e))
            return "caught"

    g = greenlet(catch)
    g.switch()
    equal(g.throw(ValueError("v")), "caught")
    equal(seen, ["v"])
    g = greenlet(seen.append)
    assert isinstance(g.throw(), GreenletExit)  # it never runs
    assert g.dead


@test
def who_is_forgotten_cleans_up():
    cleaned = []

    def wait():
        try:
            getcurrent().parent.switch()
        finally:
            cleaned.append(1)

    g = greenlet(wait)
    g.switch()
    ref = weakref.ref(g)
    del g
    gc.collect()
    equal(cleaned, [1])
    assert ref() is None


@test
def a_dead_one_hands_on_to_its_parent():
    g = greenlet(lambda: 1)
    g.switch()
    equal(g.switch(5), 5)
    equal(g.switch(), ())


@test
def recursion_is_bounded_as_ever():
    def deep(n):
        return 0 if n == 0 else 1 + deep(n - 1)

    equal(greenlet(deep).switch(900), 900)
    raises(RecursionError, greenlet(deep).switch, 1200)


@test
def a_sleep_lets_others_run():
    seen = []

    def tick():
        for _ in range(3):
            seen.append("tick")
            _core.sleep(0.001)
        main_.switch()

    main_ = getcurrent()
    g = greenlet(tick, _core.get_hub())
    start = time.monotonic()
    g.switch()
    _core.sleep(0.05)
    assert time.monotonic() - start >= 0.05
    equal(seen, ["tick"] * 3)


@test
def nobody_left_to_wake_the_main_one_is_an_error():
    e = raises(_core.LoopExit, _core.get_hub().switch)
    equal(e.args[0], "This operation would block forever")


main()
