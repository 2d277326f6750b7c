"""Answers of events, locks, queues, pools and locals, a line each: the same under gevent and as ramet's."""
import copy

import gevent
import gevent.threadpool
from gevent.event import AsyncResult, Event
from gevent.local import local
from gevent.lock import BoundedSemaphore, DummySemaphore, RLock, Semaphore
from gevent.pool import Group, Pool
from gevent.queue import Channel, LifoQueue, PriorityQueue, Queue

gevent.get_hub().exception_stream = None  # some fail on purpose


def say(label, function):
    try:
        print(label, "=>", function())
    except BaseException as e:
        print(label, "raises", type(e).__name__, str(e) if type(e).__module__ == "builtins" else "")


def ready(thing):
    (getattr(thing, "set", None) or thing.release)()
    gevent.sleep(0.01)


def links_of(make):
    name, seen = type(make()).__name__, []
    thing = make()
    thing.rawlink(lambda x: seen.append(1))
    thing.rawlink(lambda x: seen.append(2))
    say(name + " linkcount", thing.linkcount)
    ready(thing)
    say(name + " told", lambda: (seen, thing.linkcount()))
    thing = make()
    thing.rawlink(seen.append)
    thing.unlink(seen.append)
    thing.unlink(seen.append)
    ready(thing)
    say(name + " unlinked", lambda: seen)
    thing = make()
    thing.rawlink(lambda x: 1 / 0)
    thing.rawlink(lambda x: seen.append(4))
    ready(thing)
    say(name + " after an error", lambda: seen)
    say(name + " no callback", lambda: make().rawlink(3))


def waits_of(make):
    thing, seen = make(), []

    def wait(n):
        thing.wait()
        seen.append(n)
    waiting = [gevent.spawn(wait, n) for n in range(3)]
    gevent.sleep(0)
    waiting[1].kill()
    ready(thing)
    gevent.joinall(waiting)
    say(type(thing).__name__ + " woken", lambda: seen)


def results():
    r = AsyncResult()
    say("unset", lambda: (r.ready(), r.value, r.exception, r.exc_info, r.wait(0.001), r.cancel(), r.done()))
    say("nowait", r.get_nowait)
    r.set_exception(ValueError("q"))
    say("failed", lambda: (r.wait(), r.exc_info[0], r.successful(), r.value, r.ready()))
    say("get", r.get)
    r.set(6)
    say("set after all", lambda: (r.get(), r.value))


def queues():
    q = Queue(3, [1])
    say("queue", lambda: (q.put(2), q.peek(), q.copy().qsize(), q.full(), q.maxsize))
    q1 = Queue(1)
    putters = [gevent.spawn(q1.put, i) for i in (1, 2)]
    gevent.sleep(0)
    say("str", lambda: str(q1).split(" tasks")[0].rstrip(">"))
    say("both", lambda: [q1.get(), q1.get()])
    gevent.joinall(putters)
    say("empty", lambda: (q1.empty(), len(q1), bool(q1)))
    say("orders", lambda: (PriorityQueue(items=[3, 1, 2]).get(), LifoQueue(items=[3, 1, 2]).get()))
    say("get -1", lambda: Queue().get(timeout=-1))
    say("put -1", lambda: Queue(1, [1]).put(1, timeout=-1))
    say("keyword", lambda: Queue().put(item=1))
    say("unlimited", lambda: (Queue(0).maxsize, Queue(-1).maxsize))
    c = Channel()
    putter = gevent.spawn(c.put, 1)
    gevent.sleep(0)
    say("channel", lambda: (c.balance, c.qsize(), c.full(), c.empty(), next(c)))
    gevent.sleep(0)
    say("taken", putter.ready)
    say("channel's room", lambda: Channel(2))


def locks():
    say("event -1", lambda: Event().wait(-1))
    say("semaphore -1", lambda: (Semaphore(0).acquire(timeout=-1), Semaphore(value=2).counter))
    say("below 0", lambda: Semaphore(-1))
    say("too many", lambda: BoundedSemaphore(1).release())
    say("dummy", lambda: (DummySemaphore(3).acquire(), DummySemaphore().wait(), DummySemaphore().locked()))
    r = RLock()
    say("rlock", lambda: (bool(r.acquire()), bool(r.acquire()), r.release(), r.release()))
    s = Semaphore(0)
    waiting = gevent.spawn(s.acquire)
    gevent.sleep(0)
    say("release", lambda: (s.release(), waiting.get(), s.counter))


def pools():
    p = Pool(2)
    say("pool", lambda: (p.spawn(gevent.sleep, 0.01) in p, len(p), p.free_count(), p.wait_available(), p.join(),
                         repr(p)[:9]))
    say("imap", lambda: list(Pool(1).imap(lambda a, b: a * b, [1, 2], [3, 4])))

    def numbers():
        yield 1
        raise KeyError("g")
    say("imap of what fails", lambda: list(Group().imap_unordered(lambda x: x, numbers())))
    say("map of what fails", lambda: Group().map(lambda x: x, numbers()))
    say("sizes", lambda: (Pool(None).free_count(), Pool(0).wait_available(0.01), Pool(0).full()))
    say("negative", lambda: Pool(-1))
    g = Group()
    g.spawn(gevent.sleep, 10)
    say("kill", lambda: (g.kill(), len(g)))
    me = gevent.getcurrent()
    say("main", lambda: (g.add(me), len(g), g.discard(me), len(g)))
    say("apply", lambda: g.apply(lambda *a, **k: (a, k), (1,), {"b": 2}))
    g.spawn(lambda: 1 / 0)
    say("join", lambda: g.join(raise_error=True))
    t = gevent.threadpool.ThreadPool(2)
    say("threads", lambda: (t.spawn(len, []).get(), t.size, len(t), t.maxsize))
    say("a worker's error", lambda: t.apply(lambda: {}["x"]))
    say("unordered", lambda: list(t.imap_unordered(len, [[]])))
    say("size", lambda: setattr(t, "size", 5))
    say("killed", lambda: (t.kill(), t.size))


def locals_():
    class Own(local):
        def __init__(self, x):
            self.x = x
    own = Own(3)
    say("local", lambda: (own.x, gevent.spawn(lambda: own.x).get(), own.__dict__, copy.copy(own).x))


for kind in (Event, lambda: Semaphore(0), AsyncResult):
    links_of(kind)
    waits_of(kind)
results()
queues()
locks()
pools()
locals_()
