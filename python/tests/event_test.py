"""Event and AsyncResult: who waits, is told, is killed, and in which thread."""
import gc
import time
import traceback

from lib.green import Thing, in_hub, in_thread, leaves_nothing, quietly, refer, settle, spawn
from lib.tap import equal, main, raises, test
from ramet import _core
from ramet._core import GreenletExit, Timeout, sleep
from ramet.event import AsyncResult, Event


# ---- Event ----------------------------------------------------------------------------------------------------------

@test
def an_event_says_what_was_done_to_it():
    e = Event()
    equal((e.is_set(), e.isSet(), e.ready(), e.wait(0.001), e.wait(timeout=0)), (False,) * 5)
    e.set()
    equal((e.is_set(), e.isSet(), e.ready(), e.wait(), e.wait(0)), (True,) * 5)
    equal(repr(e), "<Event set _links[0]>")
    e.clear()
    equal(repr(e), "<Event clear _links[0]>")


@test
def waiters_wake_in_order_even_if_it_is_cleared_at_once():
    e, seen = Event(), []
    for i in range(5):
        spawn(lambda i=i: seen.append((i, e.wait())))
    settle()
    equal(e.linkcount(), 5)
    e.set()
    e.clear()
    settle()
    equal(seen, [(i, True) for i in range(5)])
    equal(e.wait(0.001), False)


@test
def a_killed_waiter_leaves_no_trace():
    e = Event()
    gs = [quietly(e.wait) for _ in range(3)]
    settle()
    gs[1].kill()
    equal(e.linkcount(), 2)
    e.set()
    equal([repr(g.get()) for g in gs], ["True", "GreenletExit()", "True"])


@test
def callbacks_are_told_once_and_in_order():
    e, seen = Event(), []
    e.rawlink(lambda x: seen.append(("a", x is e)))
    e.rawlink(lambda x: seen.append("b"))
    equal(e.linkcount(), 2)
    e.set()
    equal(seen, [])  # not before the hub runs
    e.clear()
    settle()
    equal(seen, [("a", True), "b"])
    e.set()
    settle()
    equal(len(seen), 2)
    e.rawlink(lambda x: seen.append("late"))
    settle()
    equal(seen[2:], ["late"])


@test
def a_callback_is_taken_back_until_it_is_called():
    e, seen = Event(), []
    append = seen.append
    e.rawlink(append)
    e.rawlink(append)
    e.unlink(append)
    e.unlink(print)  # nothing
    e.set()
    e.unlink(append)
    settle()
    equal(seen, [])
    equal(raises(TypeError, e.rawlink, 3).args[0], "Expected callable: 3")


@test
def a_callback_that_fails_is_reported_and_the_others_go_on():
    reports, seen, e = [], [], Event()
    hub = _core.get_hub()
    hub.handle_error = lambda context, kind, value, tb: reports.append((context[1] is e, kind))
    e.rawlink(lambda _: 1 / 0)
    e.rawlink(seen.append)
    e.set()
    settle()
    equal((reports, seen), ([(True, ZeroDivisionError)], [e]))


@test
def nothing_waits_in_the_hub():
    _, error = in_hub(Event().wait)
    assert isinstance(error, _core.BlockingSwitchOutError), error


@test
def an_os_thread_sets_it():
    e, seen = Event(), []
    e.rawlink(seen.append)
    start = time.monotonic()
    done = in_thread(lambda: (time.sleep(0.05), e.set()))
    assert e.wait()
    assert time.monotonic() - start < 5
    done.get()
    settle()
    equal(seen, [e])


@test
def an_os_thread_waits_for_it():
    e = Event()
    results = [in_thread(e.wait) for _ in range(3)] + [in_thread(e.wait, 0.01)]
    equal(results[3].get(), False)
    while e.linkcount() < 3:
        sleep(0.001)
    e.set()
    equal([r.get() for r in results[:3]], [True] * 3)


@test
def a_thread_that_ends_is_not_woken():
    e = Event()

    def leave_a_waiter():
        spawn(e.wait)
        e.rawlink(lambda _: None)
        settle()
        return e.linkcount()

    equal(in_thread(leave_a_waiter).get(), 2)
    sleep(0.05)
    e.set()
    settle()
    equal(e.linkcount(), 0)


@test
def threads_and_greenlets_ping_each_other():
    there, back = Event(), Event()

    def answer(n):
        for _ in range(n):
            there.wait()
            there.clear()
            back.set()

    done = in_thread(answer, 1000)
    for _ in range(1000):
        there.set()
        assert back.wait(20)
        back.clear()
    done.get()


@test
def events_leave_nothing_behind():
    def use(n):
        for _ in range(n):
            e = Event()
            e.rawlink(lambda _: None)
            g = spawn(e.wait)
            sleep(0)
            e.set()
            g.join()
            e.wait()
    leaves_nothing(use)
    e = Event()
    e.rawlink(lambda _, e=e: None)
    ref = refer(e)
    del e
    gc.collect()
    assert ref() is None


# ---- AsyncResult ----------------------------------------------------------------------------------------------------

@test
def a_result_is_had_by_all_who_wait():
    r = AsyncResult()
    equal((r.ready(), r.done(), r.successful(), r.value, r.exception, r.exc_info), (False, False, False, None, None, ()))
    gs = [spawn(r.get) for _ in range(3)] + [spawn(r.wait), spawn(r.result)]
    settle()
    r.set(7)
    equal([g.get() for g in gs], [7] * 5)
    equal((r.get(), r.get_nowait(), r.get(block=False), r.wait(), r.value, r.ready(), r.successful()),
          (7, 7, 7, 7, 7, True, True))
    r.set_result(8)
    equal((r.get(), repr(r)), (8, "<AsyncResult value=8>"))
    equal((r.cancel(), r.cancelled(), r.done()), (False, False, True))


@test
def what_does_not_come_is_a_timeout():
    r = AsyncResult()
    equal(str(raises(Timeout, r.get, timeout=0.01)), "0.01 seconds")
    raises(Timeout, r.get_nowait)
    raises(Timeout, r.get, False)
    raises(Timeout, r.result, 0.001)
    equal(r.wait(0.001), None)
    equal(r.linkcount(), 0)


@test
def an_error_is_raised_to_all_with_its_traceback():
    r = AsyncResult()
    gs = [quietly(r.get) for _ in range(2)]
    settle()

    def fail_here():
        raise KeyError("k")
    try:
        fail_here()
    except KeyError as e:
        r.set_exception(e)
    assert all(isinstance(g.get(), KeyError) for g in gs)
    for _ in range(3):
        e = raises(KeyError, r.get)
        assert "fail_here" in "".join(traceback.format_tb(e.__traceback__))
        depth = len(traceback.extract_tb(e.__traceback__))
    assert depth < 8, depth  # raising it again does not make it longer
    equal((r.value, r.successful(), r.exc_info[0]), (None, False, KeyError))
    r = AsyncResult()
    r.set_exception(ValueError)
    raises(ValueError, r.get)
    r = AsyncResult()
    r.set_exception(3)
    raises(TypeError, r.get)
    raises(TypeError, r.set_exception)


@test
def it_is_a_link():
    r = AsyncResult()
    spawn(lambda: 5).rawlink(r)
    equal(r.get(), 5)
    r = AsyncResult()
    _core.get_hub().handle_error = lambda *a: None
    spawn(lambda: 1 / 0).rawlink(r)
    raises(ZeroDivisionError, r.get)
    raises(AttributeError, r, 3)


@test
def callbacks_of_a_result_are_told():
    r, seen = AsyncResult(), []
    r.rawlink(seen.append)
    r.set(1)
    settle()
    equal(seen, [r])
    r.rawlink(seen.append)
    settle()
    equal(seen, [r, r])


@test
def a_killed_reader_does_not_matter():
    r = AsyncResult()
    g = quietly(r.get)
    settle()
    g.kill(KeyError("x"))
    assert isinstance(g.get(), KeyError)
    r.set(1)
    equal(r.get(), 1)
    g = quietly(r.get)
    assert g.get() == 1
    assert issubclass(GreenletExit, BaseException)


@test
def threads_race_for_results():
    def answer(rs):
        for i, r in enumerate(rs):
            r.set(i)

    rs = [AsyncResult() for _ in range(3000)]
    done = in_thread(answer, rs)
    equal([r.get(timeout=20) for r in rs], list(range(3000)))
    done.get()


@test
def results_leave_nothing_behind():
    def use(n):
        for _ in range(n):
            r = AsyncResult()
            r.rawlink(lambda _: None)
            g = spawn(r.get)
            sleep(0)
            r.set(Thing())
            g.join()
            r = AsyncResult()
            r.set_exception(KeyError("x"))
            raises(KeyError, r.get)
            r.exception.myself = r
    leaves_nothing(use)


main()
