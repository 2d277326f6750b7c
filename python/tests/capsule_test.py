"""The C API of the package greenlet, as an extension that was compiled for it uses it."""
import sys

from lib.tap import equal, main, raises, test
from ramet import _greenlet as package
from ramet._greenlet import GreenletExit, error, getcurrent, greenlet

sys.modules.setdefault("greenlet", package)
import greenlet_client as client  # noqa: E402


@test
def the_types_are_the_packages():
    equal(client.types(), (greenlet, error, GreenletExit))
    assert client.current() is getcurrent()


@test
def one_is_made_and_switched_to():
    g = client.new(lambda *a, **k: (a, k, client.switch(getcurrent().parent, (5,))))
    assert isinstance(g, greenlet)
    equal(client.switch(g, (1, 2), {"c": 3}), 5)
    equal(client.switch(g, ("x", "y")), ((1, 2), {"c": 3}, ("x", "y")))
    equal(client.switch(client.new(lambda *a: a)), ())
    raises(AttributeError, client.switch, client.new())


@test
def it_can_be_thrown_at():
    def wait():
        client.switch(getcurrent().parent)

    g = client.new(wait)
    g.switch()
    equal(raises(ValueError, client.throw, g, ValueError, "v").args, ("v",))
    g = client.new(wait)
    g.switch()
    assert isinstance(client.throw(g, GreenletExit), GreenletExit)


@test
def parents_are_told_and_set():
    a = client.new(lambda x: x + 1)
    b = client.new(lambda: 1, a)
    equal([client.parent(x) for x in (b, a, getcurrent())], [a, getcurrent(), None])
    raises(ValueError, client.set_parent, a, b)
    client.set_parent(b, getcurrent())
    equal(b.switch(), 1)


@test
def questions_are_answered():
    g = greenlet(lambda: client.ask(getcurrent()))
    equal([client.ask(getcurrent()), client.ask(g), g.switch(), client.ask(g)],
          [(1, 1, 1), (0, 0, 0), (0, 1, 1), (0, 1, 0)])


@test
def what_is_no_greenlet_is_refused():
    for call in (lambda: client.switch(5), lambda: client.throw(5, KeyError), lambda: client.parent("x"),
                 lambda: client.set_parent(getcurrent(), 5), lambda: client.ask(None)):
        raises(TypeError, call)


@test
def the_dict_is_where_the_header_says():
    g = greenlet()
    g.x = 1
    equal(client.dict(g), {"x": 1})


main()
