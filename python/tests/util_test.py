"""The modules util, backdoor and those that have little to do."""
import io
import sys
import threading
import time

from lib.tap import Skip, equal, main, raises, test

import ramet
from ramet import _core, _util, builtins, contextvars, util
from ramet.backdoor import BackdoorServer


def sleeper():
    ramet.sleep(60)


@test
def everything_that_runs_is_told():
    g = ramet.spawn(sleeper)
    ramet.sleep(0)
    g.spawn_tree_locals['key'] = 'value'
    text = '\n'.join(util.format_run_info())
    for words in ('* Threads', '* Greenlets', 'MainThread', '(CURRENT)', 'sleeper', 'Spawned at:', "'key': 'value'",
                  'Parent: <Hub', 'everything_that_runs_is_told'):
        assert words in text, (words, text)
    file = io.StringIO()
    util.print_run_info(thread_stacks=False, greenlet_stacks=False, file=file)
    assert '...stack elided...' in file.getvalue() and len(file.getvalue()) < len(text)


@test
def greenlets_are_a_tree():
    inner = []

    def outer():
        inner.append(ramet.spawn(sleeper))
        ramet.sleep(60)
    g = ramet.spawn(outer)
    ramet.sleep(0.01)
    tree = util.GreenletTree.current_tree()
    assert tree.greenlet is ramet.getcurrent() and tree.is_current_tree and tree.root and tree.parent is None
    mine = next(t for t in tree.child_trees if t.greenlet is g)
    equal([t.greenlet for t in mine.child_trees], inner)
    assert not mine.root
    lines = str(tree).splitlines()
    assert len(lines) >= 3 and any('+--- <Greenlet' in line for line in lines), lines
    assert 'Parent: None' in tree.format() and 'Parent: None' not in tree.format(False)
    assert [t for t in util.GreenletTree.forest() if t.greenlet is tree.greenlet]


@test
def stacks_of_suspended_greenlets_are_told():
    g = ramet.spawn(sleeper)
    ramet.sleep(0)
    if not hasattr(g, 'gr_frame'):
        raise Skip('greenlets have no gr_frame')
    tree = util.GreenletTree.current_tree().format()
    assert 'in sleeper' in tree, tree


@test
def errors_are_returned():
    def fail(kind):
        """Raises it."""
        raise kind('x')
    wrapped = util.wrap_errors((ValueError, KeyError), fail)
    assert isinstance(wrapped(KeyError), KeyError)
    raises(TypeError, wrapped, TypeError)
    equal((wrapped.__name__, wrapped.__doc__, str(wrapped), repr(wrapped)),
          ('fail', 'Raises it.', str(fail), repr(fail)))
    equal(util.wrap_errors(ValueError, int)('3'), 3)


def fails_to_switch(**kwargs):
    def use(body):
        with util.assert_switches(**kwargs):
            body()
    return lambda body: str(raises(AssertionError, use, body))


@test
def blocks_that_do_not_switch_are_found():
    if not hasattr(_core, 'settrace'):
        raise Skip('switches are not traced')
    with util.assert_switches():
        ramet.sleep(0)
    assert 'To any greenlet in' in fails_to_switch()(lambda: None)
    assert 'max allowed 0.0100' in fails_to_switch(max_blocking_time=0.01)(lambda: time.sleep(0.02) or ramet.sleep(0))
    with util.assert_switches(max_blocking_time=0.5):
        for _ in range(7):
            time.sleep(0.1)
            ramet.sleep(0)
    with util.assert_switches(max_blocking_time=30):
        pass
    with util.assert_switches(max_blocking_time=30, hub_only=True):
        ramet.sleep(0)
    assert 'To the hub' in fails_to_switch(hub_only=True)(lambda: None)
    assert '(max allowed 30.0000' in fails_to_switch(max_blocking_time=30, hub_only=True)(lambda: None)

    def use():
        with util.assert_switches():
            raise KeyError
    raises(KeyError, use)


@test
def lazy_attributes_are_made_once():
    made = []

    class Thing:
        @_util.Lazy
        def value(self):
            made.append(1)
            return made

        @_util.readproperty
        def other(self):
            return 5

        @_util.LazyOnClass
        def shared(self):
            made.append(2)
            return 7
    thing = Thing()
    equal((thing.value, thing.value, thing.other, thing.shared, Thing().shared), ([1, 2], [1, 2], 5, 7, 7))
    equal(made, [1, 2])
    thing.value = thing.other = 3
    equal((thing.value, thing.other), (3, 3))


@test
def modules_with_nothing_to_replace_are_those_of_the_library():
    import contextvars as stdlib
    equal(builtins.__implements__, [])
    assert builtins.open is open
    for name in contextvars.__all__:
        assert getattr(contextvars, name) is getattr(stdlib, name)
    var = contextvars.ContextVar('var', default=0)

    def use(n):
        var.set(n)
        ramet.sleep(0)
        return var.get()
    equal([g.get() for g in [ramet.spawn(use, n) for n in (1, 2)]], [1, 2])
    equal(var.get(), 0)


# ---- the backdoor ---------------------------------------------------------------------------------------------------

def talk(server, *lines):
    """What comes back."""
    conn = ramet.socket.create_connection(server.address)
    for line in lines:
        conn.sendall(line.encode() + b'\r\n')
    conn.shutdown(1)
    text = conn.makefile('rb').read().decode()
    conn.close()
    return text


@test
def a_backdoor_is_a_prompt():
    import ramet.socket  # noqa: F401
    before = sys.stdin, sys.stdout, sys.stderr
    server = BackdoorServer(('127.0.0.1', 0), locals={'x': 5}, banner='hello')
    server.start()
    text = talk(server, 'x + 1', 'print("said")', '1 / 0', 'import sys; print("err", file=sys.stderr)')
    for words in ('hello', '>>> 6', 'said', 'ZeroDivisionError', 'err'):
        assert words in text, (words, text)
    assert 'NameError' in talk(server, 'y')
    assert '7' not in talk(server, 'exit()', '3 + 4')
    assert 'Python' in talk_default()
    server.stop()
    equal((sys.stdin, sys.stdout, sys.stderr), before)


def talk_default():
    server = BackdoorServer(('127.0.0.1', 0))
    server.start()
    try:
        return talk(server, '')
    finally:
        server.stop()


@test
def several_talk_at_the_same_time():
    import ramet.socket  # noqa: F401
    server = BackdoorServer(('127.0.0.1', 0), locals={'ramet': ramet})
    server.start()
    talks = [ramet.spawn(talk, server, 'ramet.sleep(0.05)', f'"a" + "{n}"') for n in range(3)]
    for n, g in enumerate(talks):
        assert f"'a{n}'" in g.get()
    server.stop()
    assert threading.active_count() >= 1


@test
def the_tree_shows_values_and_locals():
    from ramet.local import local

    class Mine(local):
        pass

    Mine().x = 42
    mine = Mine()
    mine.x = 43
    bad = ramet.spawn(int, 'x')
    parent = ramet.spawn(lambda: [ramet.spawn(ramet.sleep, 1), bad][0])
    ramet.joinall([bad, parent])
    text = util.GreenletTree.current_tree().format()
    assert 'Greenlet Locals:' in text and "{'x': 43}" in text and "{'x': 42}" not in text, text
    assert '; finished with value <Greenlet "Greenlet-' in text, text
    nested = ramet.spawn(lambda: ramet.spawn(util.GreenletTree.current_tree).get())
    assert '{}' not in nested.get().format({'running_stacks': False})


@test
def greenlets_of_other_threads_can_be_shown():
    import _thread
    ramet.get_hub()
    held, done = _thread.allocate_lock(), _thread.allocate_lock()
    held.acquire(), done.acquire()

    def other():
        ramet.get_hub()
        done.release()
        held.acquire()

    _thread.start_new_thread(other, ())
    done.acquire()
    lines = util.format_run_info(greenlet_stacks=False)
    held.release()
    equal(sum(line == '---- Thread boundary' for line in lines), 2)


def shapes(tree):
    """The picture, without what each is."""
    return [line[:line.index('<')] for line in tree.format({'running_stacks': False, 'spawning_stacks': False,
                                                            'locals': False}).splitlines() if 'Parent: None' not in line]


@test
def the_tree_is_drawn_as_gevent_does():
    def branch(width):
        leaves.extend(ramet.spawn(int) for _ in range(width))
        ramet.joinall(leaves)

    leaves = []
    g = [ramet.spawn(branch, 2), ramet.spawn(branch, 0)]
    ramet.joinall(g)
    for one in g + leaves:
        one.minimal_ident  # given when first asked for: the order in the picture
    tree = util.GreenletTree.current_tree()
    equal(shapes(tree), ['', ' +--- ', ' :          Parent: ', ' |    +--- ', ' :                Parent: ',
                         ' |    +--- ', ' :                Parent: ', ' +--- ', ' :          Parent: ',
                         ' +--- ', '            Parent: '])
    assert str(tree).count('; finished with value') == 4
    unborn = ramet.Greenlet(int)
    picture = str(util.GreenletTree.current_tree())
    assert f"{unborn!r}; not running" in picture, picture


@test
def greenlets_may_be_left_out_of_the_tree_or_begin_one():
    def run():
        inner = _core.greenlet(util.GreenletTree.current_tree)
        inner.greenlet_tree_is_root = inner.parent.greenlet_tree_is_ignored = True
        return inner, inner.switch()

    outer = _core.greenlet(run)
    inner, tree = outer.switch()
    assert tree.greenlet is inner and tree.root and not tree.child_trees
    known = [node.greenlet for tree in util.GreenletTree.forest() for node in tree._all()]
    assert outer not in known


main()
