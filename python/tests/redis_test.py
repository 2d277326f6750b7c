"""redis-py, unmodified, on a Redis."""
import asyncio
import os
import socket
import time

import ramet
from lib import redisd
from lib.programs import get_all, need, nothing_left, run, until
from lib.tap import equal, main, raises, test, where
from ramet import monkey


def client(**options):
    monkey.patch_all()
    redis = need("redis").Redis(unix_socket_path=where(), **options)
    redis.flushall()
    return redis


def blocked(redis):
    return redis.info("clients")["blocked_clients"]


def closed(redis):
    redis.close()
    redis.connection_pool.disconnect()


@test
def fifty_wait_for_an_element_at_once():
    redis = client()
    with nothing_left():
        waiting = [ramet.spawn(redis.blpop, f"list {n}") for n in range(50)]
        until(lambda: blocked(redis) == 50)
        for n in range(50):
            redis.rpush(f"list {n}", n)
        equal([int(value) for _, value in get_all(waiting)], list(range(50)))
        closed(redis)


@test
def greenlets_of_one_client_get_their_own_answers():
    def work(n):
        for i in range(20):
            key = f"{n}:{i}"
            with redis.pipeline() as pipe:
                equal(pipe.set(key, i).get(key).incr(key).execute(), [True, str(i).encode(), i + 1])
            equal(redis.get(key), str(i + 1).encode())

    redis = client()
    get_all([ramet.spawn(work, n) for n in range(20)])


@test
def a_large_value_comes_back_whole():
    redis = client()
    value = os.urandom(1 << 22)
    get_all([ramet.spawn(redis.set, f"large {n}", value) for n in range(4)])
    assert all(v == value for v in get_all([ramet.spawn(redis.get, f"large {n}") for n in range(4)]))


@test
def a_full_pool_is_waited_for():
    def wait(n):
        return int(few.blpop(f"list {n}")[1])

    redis = client()
    pool = need("redis").BlockingConnectionPool(connection_class=need("redis").UnixDomainSocketConnection,
                                                path=where(), max_connections=3, timeout=None)
    few = need("redis").Redis(connection_pool=pool)
    waiting = [ramet.spawn(wait, n) for n in range(9)]
    until(lambda: blocked(redis) == 3)
    equal(sum(g.ready() for g in waiting), 0)
    for n in range(9):
        redis.rpush(f"list {n}", n)
    equal(get_all(waiting), list(range(9)))


@test
def errors_are_its_own():
    redis = client()
    redis.set("text", "a")
    raises(need("redis").ResponseError, redis.lpush, "text", 1)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        nobody = need("redis").Redis(port=s.getsockname()[1])
        raises(need("redis").ConnectionError, nobody.ping)


@test
def its_time_limit_is_its_own():
    redis = client(socket_timeout=0.2)
    raises(need("redis").TimeoutError, redis.blpop, "nothing")
    assert redis.ping()


def cut_short(redis, how):
    """A wait for an element that ends early; the greenlet."""
    g = ramet.spawn(redis.blpop, "nothing")
    until(lambda: blocked(redis) == 1)
    how(g)
    return g


@test
def a_timeout_ends_a_wait_and_no_answer_is_mixed_up():
    def wait():
        with ramet.Timeout(0.2):
            redis.blpop("nothing")

    redis = client(max_connections=2)
    raises(ramet.Timeout, wait)
    until(lambda: blocked(redis) == 0)
    redis.rpush("nothing", "late")
    equal([redis.echo(str(n)) for n in range(5)], [str(n).encode() for n in range(5)])
    equal(redis.lpop("nothing"), b"late")


@test
def a_kill_does_so_too():
    redis = client(max_connections=2)
    g = cut_short(redis, lambda g: g.kill(timeout=10))
    assert g.dead and isinstance(g.value, ramet.GreenletExit)
    until(lambda: blocked(redis) == 0)
    equal([redis.echo(str(n)) for n in range(5)], [str(n).encode() for n in range(5)])


@test
def a_server_that_hangs_up_is_an_error_and_the_next_call_connects_anew():
    redis, other = client(), client()
    g = ramet.spawn(redis.blpop, "nothing")
    until(lambda: blocked(other) == 1)
    for c in other.client_list(_type="normal"):
        if c["cmd"] == "blpop":
            other.client_kill_filter(_id=c["id"])
    raises(need("redis").ConnectionError, g.get, timeout=20)
    assert redis.ping()


@test
def messages_reach_who_listens():
    def listen():
        with redis.pubsub() as pubsub:
            pubsub.subscribe("news")
            for message in pubsub.listen():
                if message["type"] == "message":
                    return message["data"]

    redis = client()
    listeners = [ramet.spawn(listen) for _ in range(20)]
    until(lambda: redis.pubsub_numsub("news") == [(b"news", 20)])
    equal(redis.publish("news", "hello"), 20)
    equal(get_all(listeners), [b"hello"] * 20)


@test
def a_listener_in_a_thread_is_stopped():
    redis, got = client(), []
    pubsub = redis.pubsub()
    pubsub.subscribe(news=got.append)
    thread = pubsub.run_in_thread(sleep_time=0.05)
    redis.publish("news", "hello")
    until(lambda: got)
    thread.stop()
    thread.join(20)
    assert not thread.is_alive()


@test
def a_lock_is_held_by_one():
    def work():
        for _ in range(3):
            with redis.lock("lock", sleep=0.01):
                inside.append(1)
                equal(len(inside), 1)
                ramet.sleep(0.002)
                inside.pop()

    redis, inside = client(), []
    get_all([ramet.spawn(work) for _ in range(5)])


@test
def two_loops_of_asyncio_wait_at_once():
    async def wait(loop, n):
        return int((await (need("redis.asyncio").Redis(unix_socket_path=where())).blpop(f"{loop} {n}"))[1])

    async def several(loop):
        return await asyncio.gather(*[wait(loop, n) for n in range(10)])

    redis = client()
    loops = [ramet.spawn(asyncio.run, several(loop)) for loop in range(2)]
    until(lambda: blocked(redis) == 20)
    for loop in range(2):
        for n in range(10):
            redis.rpush(f"{loop} {n}", n)
    equal(get_all(loops), [list(range(10))] * 2)


ENDS_WHILE_OTHERS_WAIT = """
import sys
from ramet import monkey, spawn, sleep
monkey.patch_all()
import redis
r = redis.Redis(unix_socket_path=sys.argv[1])
waiting = [spawn(r.blpop, 'nothing') for _ in range(5)]
while r.info('clients')['blocked_clients'] < 5:
    sleep(0.01)
print('over')
"""


@test
def a_program_ends_while_greenlets_wait():
    need("redis")
    equal(run(ENDS_WHILE_OTHERS_WAIT, where()), "over\n")


@test
def all_that_waits_at_once_takes_no_longer_than_one():
    redis = client()
    begin = time.monotonic()
    get_all([ramet.spawn(redis.blpop, "nothing", timeout=1) for _ in range(50)])
    assert time.monotonic() - begin < 25


main(redisd.server)
