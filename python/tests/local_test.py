"""local: attributes of each greenlet's own, and how long they live."""
import copy
import gc

from lib.green import Thing, in_thread, leaves_nothing, refer, settle, spawn
from lib.tap import equal, main, raises, test
from ramet import _core
from ramet._core import getcurrent, sleep
from ramet.local import all_local_dicts_for_greenlet, local


@test
def each_greenlet_has_its_own():
    mine = local()
    mine.x = 1
    equal(spawn(lambda: hasattr(mine, "x")).get(), False)

    def use(n):
        mine.x = n
        for _ in range(3):
            sleep(0)
            equal((mine.x, mine.__dict__), (n, {"x": n}))
        del mine.x
        raises(AttributeError, lambda: mine.x)
        return True
    equal([g.get() for g in [spawn(use, n) for n in range(5)]], [True] * 5)
    equal((mine.x, vars(mine)), (1, {"x": 1}))
    equal(in_thread(lambda: hasattr(mine, "x")).get(), False)


@test
def init_is_called_for_each_greenlet():
    seen = []

    class Own(local):
        kind = "class"

        def __init__(self, *args, **kwargs):
            seen.append((args, kwargs))
            self.args = args

        @property
        def double(self):
            return self.args * 2

        @double.setter
        def double(self, value):
            self.args = (value,)

    own = Own(1, a=2)
    equal((len(seen), own.args, own.kind, own.double), (1, (1,), "class", (1, 1)))
    equal(spawn(lambda: (own.args, own.double)).get(), ((1,), (1, 1)))
    equal(seen, [((1,), {"a": 2})] * 2)
    own.double = 5
    equal((own.args, own.__dict__), ((5,), {"args": (5,)}))
    own.kind = "mine"
    equal((own.kind, spawn(lambda: own.kind).get()), ("mine", "class"))
    equal(raises(TypeError, local, 1).args, ("Initialization arguments are not supported",))
    raises(TypeError, local, a=1)


@test
def an_init_that_fails_is_tried_again():
    fails = [False]

    class Own(local):
        def __init__(self):
            if fails[0]:
                raise KeyError("init")
            self.x = 1

    own = Own()
    fails[0] = True

    def use():
        raises(KeyError, lambda: own.x)
        raises(KeyError, lambda: own.x)
        fails[0] = False
        return own.x
    equal(spawn(use).get(), 1)


@test
def slots_are_shared():
    class Own(local):
        __slots__ = ("shared",)

    own = Own()
    own.shared = 5
    own.apart = 6
    equal(spawn(lambda: (own.shared, hasattr(own, "apart"))).get(), (5, False))


@test
def its_dict_stays():
    mine = local()
    assert "read-only" in str(raises(AttributeError, setattr, mine, "__dict__", {}))
    assert "read-only" in str(raises(AttributeError, delattr, mine, "__dict__"))
    raises(AttributeError, delattr, mine, "nothing")


@test
def a_copy_has_the_callers_values():
    mine = local()
    mine.x = [1]
    other = copy.copy(mine)
    equal((other.x is mine.x, spawn(lambda: hasattr(other, "x")).get()), (True, False))
    other.x = 2
    equal(mine.x, [1])


@test
def tools_see_all_of_a_greenlet():
    a, b = local(), local()
    a.x, b.y = 1, 2
    found = all_local_dicts_for_greenlet(getcurrent())
    equal(sorted((k[0] is local, k[1] in (id(a), id(b)), sorted(d)) for k, d in found),
          [(True, True, ["x"]), (True, True, ["y"])])
    raises(TypeError, all_local_dicts_for_greenlet, 3)


@test
def values_go_with_their_greenlet():
    mine, refs = local(), []

    def use():
        mine.thing = Thing()
        mine.me = getcurrent()
        refs.append(refer(mine.thing))
    g = spawn(use)
    g.join()
    settle()
    equal((refs[0](), all_local_dicts_for_greenlet(g)), (None, []))
    raw = _core.greenlet(use)
    raw.switch()
    equal(refs[1](), None)
    in_thread(use).get()
    sleep(0.05)
    settle()
    gc.collect()
    equal(refs[2](), None)


@test
def values_go_with_the_object():
    mine, refs = local(), []

    def use():
        mine_ = box[0]
        mine_.thing = Thing()
        refs.append(refer(mine_.thing))
        del mine_
        sleep(0.05)
        equal(all_local_dicts_for_greenlet(getcurrent()), [])
        return True
    box = [mine]
    mine.x = 1
    g = spawn(use)
    settle()
    ref = refer(mine)
    del mine
    box.clear()
    equal((ref(), refs[0]()), (None, None))
    assert g.get()


@test
def a_cycle_through_a_value_is_found():
    mine = local()
    mine.myself = mine
    mine.greenlet = getcurrent()
    ref = refer(mine)
    del mine
    gc.collect()
    equal(ref(), None)


@test
def locals_leave_nothing_behind():
    shared = local()

    def use(n):
        for i in range(n):
            mine = local()
            mine.x = i
            shared.x = i

            def inside():
                mine.y = shared.y = Thing()
                sleep(0)
                return mine.y is shared.y
            assert spawn(inside).get()
    leaves_nothing(use)


main()
