"""Timeout: raised in time, in its greenlet, unless it is cancelled."""
import time

import ramet
from lib.tap import equal, main, raises, test
from ramet import Timeout, sleep, spawn, with_timeout


@test
def it_is_raised_after_its_time():
    def body():
        with Timeout(0.01) as t:
            made.append(t)
            sleep(5)

    made = []
    e = raises(Timeout, body)
    assert e is made[0] and not e.pending and not isinstance(e, Exception)
    equal((str(e), e.seconds), ("0.01 seconds", 0.01))


@test
def it_is_not_raised_if_it_is_cancelled_in_time():
    with Timeout(0.01):
        pass
    t = Timeout.start_new(0.01)
    assert t.pending
    t.cancel()
    assert not t.pending
    t.start()
    raises(AssertionError, t.start)
    t.close()
    sleep(0.03)


@test
def what_is_raised_can_be_chosen():
    def raised(exception):
        try:
            with Timeout(0.005, exception):
                sleep(5)
        except BaseException as e:
            return e

    equal(raised(False), None)
    equal(type(raised(KeyError)), KeyError)
    value = ValueError("v")
    assert raised(value) is value
    equal(str(raised("text")), "0.005 seconds: text")
    t = Timeout.start_new(0.001, False)
    assert raises(Timeout, sleep, 1) is t  # nobody's `with`


@test
def texts_are_gevent_s():
    equal([str(Timeout(x)) for x in (1, 1.5, None)], ["1 second", "1.5 seconds", ""])
    equal(str(Timeout(3, False)), "3 seconds (silent)")
    equal(str(Timeout(3, ValueError)), "3 seconds: <class 'ValueError'>")
    t = Timeout.start_new(1)
    assert repr(t).endswith(" seconds=1 pending>") and repr(t).startswith("<Timeout at 0x"), repr(t)
    t.close()
    equal(Timeout(1, "x").args, ())
    assert Timeout(1) < 2 and not Timeout(1) < 0 and not Timeout(None) < 5 and hash(t) == hash(t) and t != Timeout(1)


@test
def the_inner_one_comes_first():
    with Timeout(0.5, False) as outer:
        with Timeout(0.01, False) as inner:
            sleep(1)
        equal((inner.pending, outer.pending), (False, True))
    with Timeout(0.01, False) as outer:
        with Timeout(0.5, False) as inner:
            sleep(1)
        assert False, "the outer one is not the inner one's"
    equal((inner.pending, outer.pending), (False, False))


@test
def none_never_comes_and_zero_at_the_next_turn():
    with Timeout(None) as t:
        assert not t.pending
        sleep(0.001)
    t = Timeout.start_new(None)
    assert not t.pending
    raises(Timeout, lambda: [Timeout.start_new(0), sleep(1)])
    raises(Timeout, lambda: [Timeout.start_new(-1), sleep(1)])


@test
def start_new_takes_one_that_is_there():
    t = Timeout(1)
    assert Timeout.start_new(t) is t and t.pending
    assert Timeout.start_new(t) is t
    t.close()
    assert Timeout._start_new_or_dummy(None).pending is False
    with Timeout._start_new_or_dummy(1) as t:
        assert t.pending


@test
def with_timeout_may_have_a_value_instead():
    equal(with_timeout(0.01, sleep, 1, timeout_value="v"), "v")
    equal(with_timeout(1, lambda a, b: (a, b), 1, b=2), (1, 2))
    raises(Timeout, with_timeout, 0.01, sleep, 1)

    def inner():
        with_timeout(1, lambda: with_timeout(0.01, sleep, 1), timeout_value="outer")

    raises(Timeout, inner)


@test
def each_is_raised_in_the_greenlet_that_started_it():
    def body(seconds):
        with Timeout(seconds) as t:
            try:
                sleep(1)
            except Timeout as e:
                return e is t

    gs = [spawn(body, x) for x in (0.03, 0.01, 0.02)]
    equal([g.get() for g in gs], [True] * 3)


@test
def a_subclass_decides_what_expiry_does():
    class Mine(Timeout):
        def _on_expiration(self, prev_greenlet, ex):
            seen.append((prev_greenlet, ex))
            Timeout._on_expiration(self, prev_greenlet, ex)

    seen = []
    t = Mine.start_new(0.01)
    assert type(t) is Mine and raises(Mine, sleep, 1) is t
    equal(seen, [(ramet.getcurrent(), t)])


@test
def one_without_ref_does_not_keep_the_loop_alive():
    t = Timeout.start_new(5, ref=False)
    equal(ramet.wait(), True)
    raises(ramet.exceptions.LoopExit, ramet.Greenlet(int).join)
    t.close()
    t = Timeout.start_new(5)
    equal(ramet.wait(timeout=0.01), False)
    t.close()


def burn(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@test
def a_greenlet_that_computes_is_interrupted():
    ramet._core.report_hogs(False)
    began = time.monotonic()
    with Timeout(0.05) as t:
        assert raises(Timeout, burn, 20) is t
    assert time.monotonic() - began < 10

    def hog():
        try:
            with Timeout(0.05, ValueError("cpu")):
                burn(20)
        except ValueError as e:
            return str(e)

    equal(spawn(hog).get(), "cpu")


@test
def another_s_timeout_is_not_raised_in_who_computes():
    ramet._core.report_hogs(False)

    def waits():
        with Timeout(0.02, False):
            sleep(5)
            return "slept"
        return "over"

    g = spawn(waits)
    sleep(0)
    burn(0.3)
    equal(g.get(), "over")


@test
def many_are_cheap_to_start_and_to_cancel():
    ts = [Timeout.start_new(10 + i % 7) for i in range(20000)]
    for t in ts[::2] + ts[1::2]:
        t.close()
    assert not any(t.pending for t in ts)


if __name__ == "__main__":
    main()
