"""Selectors, and asyncio on one of them."""
import asyncio
import os
import selectors as stdlib
import socket as plain

import ramet
from lib.tap import equal, main, raises, test
from ramet import selectors


@test
def others_run_while_one_waits():
    assert issubclass(selectors.DefaultSelector, stdlib.BaseSelector)
    equal(selectors.DefaultSelector, selectors.GeventSelector)
    r, w = os.pipe()
    with selectors.DefaultSelector() as s:
        s.register(r, selectors.EVENT_READ, "data")
        g = ramet.spawn(s.select)
        ramet.sleep(0.01)
        assert not g.ready()
        os.write(w, b"x")
        (key, events), = g.get()
        equal((key.fd, key.data, events), (r, "data", selectors.EVENT_READ))
        os.read(r, 1)
        equal(s.select(0), [])
        equal(s.select(0.01), [])
        equal(s.select(-1), [])
        s.register(w, selectors.EVENT_WRITE | selectors.EVENT_READ)
        equal([(k.fd, e) for k, e in s.select(10)], [(w, selectors.EVENT_WRITE)])


@test
def ends_are_events_of_both_kinds():
    a, b = plain.socketpair()
    with selectors.DefaultSelector() as s:
        s.register(a, selectors.EVENT_READ)
        b.close()
        equal([(k.fileobj, e) for k, e in s.select(10)], [(a, selectors.EVENT_READ)])
        s.modify(a, selectors.EVENT_READ | selectors.EVENT_WRITE)
        equal([e for _, e in s.select(10)], [3])
        s.unregister(a)
        raises(KeyError, s.unregister, a)


@test
def a_loop_of_asyncio_in_each_greenlet():
    ticks = []

    async def work(n):
        await asyncio.sleep(0.01 * n)
        ticks.append(n)
        return n

    def run(n):
        loop = asyncio.SelectorEventLoop(selectors.DefaultSelector())
        try:
            return loop.run_until_complete(work(n))
        finally:
            loop.close()

    g = ramet.spawn(run, 1)
    ramet.spawn(ticks.append, "other")
    equal((g.get(), ticks), (1, ["other", 1]))


if __name__ == "__main__":
    main()
