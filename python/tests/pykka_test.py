"""Pykka, unmodified: its actors are threads, and so greenlets after monkey.patch_all; it has no others."""
import threading

import ramet
from lib.programs import alive, get_all, need, until
from lib.tap import equal, main, raises, test
from ramet import monkey


def actors():
    """The module, imported before anything is patched, and an actor that knows others."""
    pykka = need("pykka")
    monkey.patch_all()

    class Node(pykka.ThreadingActor):
        def __init__(self, n=0):
            super().__init__()
            self.n = n
            self.stopped = threading.Event()

        def add(self, n):
            self.n += n
            return self.n

        def ask_all(self, others, message):
            return sum(pykka.get_all([other.ask(message, block=False) for other in others]))

        def wait(self):
            entered.append(self)
            gate.wait()
            return self.n

        def fail(self):
            raise KeyError("mine")

        def on_receive(self, message):
            return self.n if message == "n" else None

        def on_stop(self):
            self.stopped.set()
    entered, gate = [], threading.Event()
    return pykka, Node, entered, gate


@test
def a_hundred_actors_wait_at_once():
    pykka, Node, entered, gate = actors()
    before = len(alive())
    proxies = [Node.start(n).proxy() for n in range(100)]
    futures = [p.wait() for p in proxies]
    until(lambda: len(entered) == 100)
    gate.set()
    equal(pykka.get_all(futures, timeout=20), list(range(100)))
    pykka.ActorRegistry.stop_all(timeout=20)
    equal(pykka.ActorRegistry.get_all(), [])
    until(lambda: len(alive()) == before)


@test
def its_actors_are_greenlets():
    pykka, Node, *_ = actors()
    before = threading.active_count(), monkey.get_original("_thread", "_count")()
    ref = Node.start()
    equal((threading.active_count(), monkey.get_original("_thread", "_count")()), (before[0] + 1, before[1]))
    ref.stop(timeout=20)


@test
def messages_to_one_actor_come_one_after_the_other():
    _, Node, *_ = actors()
    ref = Node.start()
    proxy = ref.proxy()
    sums = get_all([ramet.spawn(lambda: proxy.add(1).get(timeout=20)) for _ in range(200)])
    equal(sorted(sums), list(range(1, 201)))
    ref.stop(timeout=20)


@test
def actors_ask_each_other():
    pykka, Node, *_ = actors()
    others = [Node.start(n) for n in range(20)]
    first = Node.start()
    equal(first.proxy().ask_all(others, "n").get(timeout=20), 190)
    pykka.ActorRegistry.stop_all(timeout=20)


@test
def errors_and_limits_are_its_own():
    pykka, Node, entered, gate = actors()
    ref = Node.start()
    proxy = ref.proxy()
    raises(KeyError, proxy.fail().get, timeout=20)
    waiting = proxy.wait()
    until(lambda: entered)
    raises(pykka.Timeout, waiting.get, timeout=0.1)
    gate.set()
    equal(waiting.get(timeout=20), 0)
    ref.stop(timeout=20)
    raises(pykka.ActorDeadError, ref.ask, "n")


@test
def who_asks_may_be_ended():
    def limited():
        with ramet.Timeout(0.2):
            waiting.get()
    _, Node, entered, gate = actors()
    ref = Node.start(3)
    proxy = ref.proxy()
    waiting = proxy.wait()
    raises(ramet.Timeout, limited)
    g = ramet.spawn(waiting.get)
    until(lambda: entered)
    g.kill(timeout=20)
    gate.set()
    equal(waiting.get(timeout=20), 3)
    ref.stop(timeout=20)


@test
def stopping_calls_what_is_to_be_called():
    _, Node, *_ = actors()
    ref = Node.start()
    stopped = ref.proxy().stopped.get(timeout=20)
    ref.stop(timeout=20)
    assert stopped.is_set() and not ref.is_alive()


main()
