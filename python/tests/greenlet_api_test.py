"""What the package greenlet documents: targets, parents, attributes, tracing, the C API."""
import contextvars
import copy
import gc
import pickle
import threading
import weakref

from lib.tap import equal, main, raises, test
from ramet import _greenlet as package
from ramet._greenlet import GreenletExit, error, getcurrent, gettrace, greenlet, settrace


def suspended():
    """One that has been switched to once, and hands back what it is switched to with."""
    def hand_on():
        value = None
        while True:
            value = getcurrent().parent.switch(value)

    g = greenlet(hand_on)
    g.switch()
    return g


def other_thread(*makers):
    """What the makers return in a thread that goes on, and what ends it."""
    made, may_end = [], threading.Event()
    is_made = threading.Event()

    def body():
        made.extend(make() for make in makers)
        is_made.set()
        may_end.wait()

    thread = threading.Thread(target=body)
    thread.start()
    is_made.wait()

    def end():
        may_end.set()
        thread.join()

    return made, end


@test
def the_package_has_the_documented_names():
    equal(sorted(package.__all__), ["GreenletExit", "_C_API", "__version__", "error", "getcurrent", "gettrace",
                                    "greenlet", "settrace"])
    assert package.GREENLET_USE_GC and package.GREENLET_USE_TRACING
    assert package.GREENLET_USE_CONTEXT_VARS and package.GREENLET_USE_STANDARD_THREADING
    assert int(package.__version__.split(".")[0]) >= 3
    assert issubclass(GreenletExit, BaseException) and not issubclass(GreenletExit, Exception)
    assert issubclass(error, Exception)
    for name in ("getcurrent", "settrace", "gettrace", "error", "GreenletExit"):
        equal(getattr(greenlet, name), getattr(package, name))
    equal((greenlet.__module__, greenlet.__name__), ("greenlet", "greenlet"))


@test
def run_is_looked_up_when_it_starts():
    class Actor(greenlet):
        def run(self, *args):
            return type(self).__name__, args

    equal(Actor().switch(1, 2), ("Actor", (1, 2)))
    g = greenlet()
    equal(str(raises(AttributeError, g.switch)), "run")
    assert not g.dead and not g
    g.run = lambda: "set"
    equal(g.switch(), "set")
    equal(str(raises(TypeError, greenlet(5).switch)), "'int' object is not callable")
    raises(TypeError, greenlet(None).switch)


@test
def run_can_be_changed_until_the_start():
    g = greenlet(int)
    equal(g.run, int)
    g.run = len
    del g.run
    equal(str(raises(AttributeError, lambda: g.run)), "run")
    s = suspended()
    raises(AttributeError, setattr, s, "run", int)
    raises(AttributeError, delattr, s, "run")
    raises(AttributeError, lambda: s.run)
    equal(str(raises(AttributeError, lambda: getcurrent().run)), "Main greenlets do not have a run attribute.")


@test
def the_look_up_of_run_may_start_it():
    class Eager(greenlet):
        looked = False

        def __getattribute__(self, name):
            if name == "run" and not Eager.looked:
                Eager.looked = True
                self.switch()
            return object.__getattribute__(self, name)

        def run(self):
            return self.parent.switch("first")

    g = Eager()
    equal(g.switch("second"), "second")
    assert g.dead


@test
def one_that_has_not_begun_takes_arguments_by_name():
    equal(greenlet(lambda *a, **k: (a, k)).switch(1, b=2), ((1,), {"b": 2}))
    equal(greenlet(run=lambda: 3, parent=None).switch(), 3)
    raises(TypeError, greenlet, int, None, 3)
    raises(TypeError, greenlet, int, 5)


@test
def switching_to_oneself_returns_the_arguments():
    me = getcurrent()
    equal([me.switch(), me.switch(1), me.switch(1, 2), me.switch(a=1)], [(), 1, (1, 2), {"a": 1}])
    raises(KeyError, me.throw, KeyError)


@test
def throw_takes_what_raise_took():
    equal(str(raises(ValueError, suspended().throw, ValueError("v"))), "v")
    equal(raises(ValueError, suspended().throw, ValueError, (1, 2)).args, (1, 2))
    raises(TypeError, suspended().throw, 1)
    raises(TypeError, suspended().throw, "text")
    raises(TypeError, suspended().throw, ValueError("v"), 1)
    raises(TypeError, suspended().throw, ValueError, 1, 5)
    try:
        raise KeyError(1)
    except KeyError as e:
        traceback = e.__traceback__
    e = raises(ValueError, suspended().throw, ValueError, "v", traceback)
    tb = e.__traceback__
    while tb.tb_next:
        tb = tb.tb_next
    equal(tb.tb_lineno, traceback.tb_lineno)


@test
def throw_at_one_that_has_not_begun():
    g = greenlet(int)
    raises(KeyError, g.throw, KeyError)
    assert g.dead
    g = greenlet(int)
    assert isinstance(g.throw(), GreenletExit)
    assert g.dead
    raises(AttributeError, greenlet().throw, KeyError)


@test
def throw_at_a_dead_one_goes_to_the_parent():
    g = greenlet(int)
    g.switch()
    raises(KeyError, g.throw, KeyError)
    assert isinstance(g.throw(), GreenletExit)


@test
def a_result_goes_to_the_parent_as_it_is():
    equal(greenlet(lambda: (1, 2)).switch(), (1, 2))
    equal(greenlet(lambda: ()).switch(), ())
    equal(greenlet(lambda: (5,)).switch(), (5,))


@test
def the_parent_may_be_one_that_has_not_begun():
    p = greenlet(lambda *a: ("parent", a))
    equal(greenlet(lambda: 7, p).switch(), ("parent", (7,)))
    assert p.dead
    p = greenlet(lambda *a: "not called")
    raises(KeyError, greenlet(lambda: {}[1], p).switch)
    assert p.dead
    raises(AttributeError, greenlet(int, greenlet()).switch)


@test
def parents_are_checked():
    g, me = greenlet(int), getcurrent()
    child = greenlet(int, g)
    equal(str(raises(ValueError, setattr, g, "parent", child)), "cyclic parent chain")
    raises(ValueError, setattr, g, "parent", g)
    raises(TypeError, setattr, g, "parent", None)
    raises(AttributeError, delattr, g, "parent")
    raises(AttributeError, setattr, me, "parent", g)
    equal((me.parent, g.parent), (None, me))


@test
def a_parent_can_be_changed_while_it_runs():
    seen = []
    new = greenlet(lambda x: seen.append(x) or "from new")

    def adopted():
        getcurrent().parent = new
        return "result"

    equal(greenlet(adopted).switch(), "from new")
    equal(seen, ["result"])


@test
def a_dead_chain_of_parents_is_passed_over():
    a = greenlet(lambda x: x + 1)
    b = greenlet(lambda x: x + 1, a)
    c = greenlet(lambda x: x + 1, b)
    a.switch(0)
    b.switch(0)
    equal([g.dead for g in (a, b, c)], [True, True, False])
    equal(c.switch(5), 6)
    equal(c.switch(7), 7)


@test
def greenlets_stay_in_their_thread():
    (new, begun, main_), end = other_thread(lambda: greenlet(int), suspended, getcurrent)
    for g in (new, begun, main_):
        equal(str(raises(error, g.switch)), "cannot switch to a different thread")
        raises(error, g.throw, KeyError)
    assert "suspended" in repr(begun) and begun.gr_frame is not None
    raises(ValueError, setattr, suspended(), "parent", begun)
    mine = greenlet(int)
    mine.parent = begun  # it has not begun, so it moves
    raises(error, mine.switch)
    mine.parent = getcurrent()
    equal(mine.switch(), 0)
    raises(ValueError, lambda: main_.gr_context)
    end()
    for g in (new, begun, main_):
        e = raises(error, g.switch)
        equal(str(e), "cannot switch to a different thread (which happens to have exited)")
    equal([begun.dead, main_.dead, new.dead, bool(begun), begun.gr_frame], [True, True, False, False, None])


@test
def facts_about_its_life():
    g = suspended()
    new, dead = greenlet(int), greenlet(int)
    dead.switch()
    equal([bool(x) for x in (new, g, dead, getcurrent())], [False, True, False, True])
    equal([x.dead for x in (new, g, dead, getcurrent())], [False, False, True, False])
    raises(AttributeError, setattr, g, "dead", True)
    equal([x._stack_saved for x in (new, g, dead)], [0, 0, 0])
    for x, words in ((new, "pending"), (g, "suspended active started"), (dead, "dead"),
                     (getcurrent(), "current active started main")):
        assert repr(x).startswith(f"<greenlet.greenlet object at 0x{id(x):x} (otid=0x"), repr(x)
        assert repr(x).endswith(f") {words}>"), repr(x)
    equal(greenlet(lambda: repr(getcurrent()).split(") ")[1]).switch(), "current active started>")


@test
def its_frame_is_where_it_stands():
    g = suspended()
    equal(g.gr_frame.f_code.co_name, "hand_on")
    equal(g.gr_frame.f_back, None)
    assert g.gr_frame.f_locals is not None
    equal((getcurrent().gr_frame, greenlet(int).gr_frame), (None, None))

    def outer():
        return inner()

    def inner():
        return getcurrent().parent.switch()

    g = greenlet(outer)
    g.switch()
    frame = g.gr_frame
    equal([frame.f_code.co_name, frame.f_back.f_code.co_name], ["inner", "outer"])
    g.switch()
    equal(g.gr_frame, None)


@test
def each_has_a_context():
    var = contextvars.ContextVar("var", default=0)
    var.set(1)

    def read_and_set():
        seen = var.get()
        var.set(2)
        getcurrent().parent.switch(seen)

    g = greenlet(read_and_set)
    equal((g.gr_context, g.switch(), var.get()), (None, 0, 1))
    equal(g.gr_context[var], 2)
    g = greenlet(var.get)
    g.gr_context = contextvars.copy_context()
    context = g.gr_context
    equal(g.switch(), 1)
    equal(g.gr_context, context)
    raises(TypeError, setattr, g, "gr_context", 5)
    raises(AttributeError, delattr, g, "gr_context")
    getcurrent().gr_context = None
    equal(var.get(), 0)


@test
def a_tracer_is_told_of_each_switch():
    seen = []
    me = getcurrent()
    g = greenlet(lambda: me.switch())
    equal(settrace(lambda event, args: seen.append((event,) + args)), None)
    assert gettrace() is not None
    g.switch()
    g.switch()
    failing = greenlet(int)
    raises(KeyError, failing.throw, KeyError)
    settrace(None)
    g2 = greenlet(int)
    g2.switch()
    equal(seen, [("switch", me, g), ("switch", g, me)] * 2 + [("throw", me, failing), ("throw", failing, me)])
    equal(gettrace(), None)


@test
def a_tracer_that_fails_is_told_of_no_more():
    def fail(*args):
        raise KeyError("tracer")

    settrace(fail)
    raises(KeyError, greenlet(lambda: 1).switch)
    equal(gettrace(), None)
    equal(greenlet(lambda: 1).switch(), 1)


@test
def tracers_are_the_threads():
    settrace(print)
    seen, end = other_thread(gettrace)
    end()
    equal((seen, settrace(None)), ([None], print))


@test
def they_are_neither_pickled_nor_copied():
    for g in (greenlet(int), suspended()):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            raises(TypeError, pickle.dumps, g, protocol)
        raises(TypeError, copy.copy, g)
        raises(TypeError, copy.deepcopy, g)


@test
def they_have_attributes_and_can_be_referred_to_weakly():
    class Named(greenlet):
        def __init__(self, name):
            self.name = name

    g = Named("n")
    g.other = [g]
    ref = weakref.ref(g)
    equal(g.__dict__, {"name": "n", "other": [g]})
    del g
    gc.collect()
    equal(ref(), None)


@test
def abstract_classes_make_no_greenlet():
    from abc import ABCMeta, abstractmethod

    class Abstract(greenlet, metaclass=ABCMeta):
        @abstractmethod
        def run(self):
            pass

    class Concrete(Abstract):
        def run(self):
            return 1

    assert "abstract" in str(raises(TypeError, Abstract))
    assert Concrete().switch() == 1


main()
