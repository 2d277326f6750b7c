"""psycopg (3), asyncpg and aiopg, unmodified, on a PostgreSQL; psycopg2 has tests of its own."""
import asyncio
import contextlib

import ramet
from lib import postgres
from lib.programs import get_all, need, nothing_left, run, until
from lib.tap import equal, main, raises, test, where
from ramet import monkey

LOCK = "select pg_advisory_lock_shared(%d), 7"
WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted"


def psycopg():
    """The module, imported before anything is patched."""
    module = need("psycopg")
    monkey.patch_all()
    return module


@contextlib.contextmanager
def held(*numbers):
    """A connection that has these locks; it gives them back when told to, or at the end."""
    with psycopg().connect(where(), autocommit=True) as connection:
        for n in numbers:
            connection.execute(f"select pg_advisory_lock({n})")
        yield connection


def waiting(connection):
    return connection.execute(WAITING).fetchone()[0]


def wait_for_lock(n=1):
    with psycopg().connect(where()) as connection:
        return connection.execute(LOCK % n).fetchone()[1]


@test
def fifty_queries_of_psycopg_wait_at_once():
    with nothing_left(), held(1) as holder:
        greenlets = [ramet.spawn(wait_for_lock) for _ in range(50)]
        until(lambda: waiting(holder) == 50)
        holder.execute("select pg_advisory_unlock_all()")
        equal(get_all(greenlets), [7] * 50)


@test
def psycopg_that_is_imported_later_does_so_too():
    monkey.patch_all()
    with held(1) as holder:
        greenlets = [ramet.spawn(wait_for_lock) for _ in range(10)]
        until(lambda: waiting(holder) == 10)
        holder.execute("select pg_advisory_unlock_all()")
        equal(get_all(greenlets), [7] * 10)


@test
def a_connection_of_psycopg_is_shared():
    def work(n):
        for i in range(10):
            with connection.cursor() as cursor:
                equal(cursor.execute("select pg_sleep(0.002), %s::int", (n * 100 + i,)).fetchone()[1], n * 100 + i)
    with held() as connection:
        get_all([ramet.spawn(work, n) for n in range(5)])


@test
def copies_and_notifications_of_psycopg_arrive():
    def listen():
        with psycopg().connect(where(), autocommit=True) as connection:
            connection.execute("listen news")
            ready.append(1)
            for note in connection.notifies():
                return note.payload
    with held() as connection:
        ready = []
        listeners = [ramet.spawn(listen) for _ in range(5)]
        until(lambda: len(ready) == 5)
        connection.execute("create temporary table t (n int)")
        with connection.cursor() as cursor:
            with cursor.copy("copy t from stdin") as copy:
                for n in range(20000):
                    copy.write_row((n,))
            equal(cursor.execute("select count(*), sum(n) from t").fetchone(), (20000, 199990000))
        connection.execute("notify news, 'hello'")
        equal(get_all(listeners), ["hello"] * 5)


@test
def errors_of_psycopg_are_its_own():
    with held() as connection:
        raises(psycopg().errors.UndefinedTable, connection.execute, "select * from no_such_table")
        equal(connection.execute("select 7").fetchone(), (7,))
        raises(psycopg().OperationalError, psycopg().connect, "host=/nowhere")
        connection.execute("set statement_timeout = 100")
        raises(psycopg().errors.QueryCanceled, connection.execute, "select pg_sleep(50)")


@test
def a_timeout_ends_a_query_of_psycopg_and_its_connection_is_of_no_use():
    def wait():
        with ramet.Timeout(0.3):
            connection.execute(LOCK % 1)
    with held(1) as holder:
        connection = psycopg().connect(where())
        raises(ramet.Timeout, wait)
        raises(psycopg().Error, connection.execute, "select 7")
        connection.close()
        holder.execute("select pg_advisory_unlock_all()")


@test
def a_kill_ends_a_query_of_psycopg():
    with held(1) as holder:
        g = ramet.spawn(wait_for_lock)
        until(lambda: waiting(holder) == 1)
        g.kill(timeout=20)
        assert isinstance(g.value, ramet.GreenletExit), g.exception
        holder.execute("select pg_advisory_unlock_all()")


# ---- in loops of asyncio, each in a greenlet of its own -------------------------------------------------------------

async def with_psycopg(n):
    async with await psycopg().AsyncConnection.connect(where()) as connection:
        return (await (await connection.execute(LOCK % n)).fetchone())[1]


async def with_asyncpg(n):
    fields = dict(field.split("=") for field in where().split())
    connection = await need("asyncpg").connect(host=fields["host"], user=fields["user"], database=fields["dbname"])
    try:
        return (await connection.fetchrow(LOCK % n))[1]
    finally:
        await connection.close()


async def with_aiopg(n):
    async with need("aiopg").connect(where()) as connection, connection.cursor() as cursor:
        await cursor.execute(LOCK % n)
        return (await cursor.fetchone())[1]


async def several(function, n):
    return await asyncio.gather(*[function(n) for _ in range(10)])


def two_loops(name, function):
    """Their coroutines wait at once, and beside them a greenlet of psycopg."""
    need(name)
    with held(1) as holder:
        loops = [ramet.spawn(asyncio.run, several(function, 1)) for _ in range(2)]
        beside = ramet.spawn(wait_for_lock)
        until(lambda: waiting(holder) == 21)
        holder.execute("select pg_advisory_unlock_all()")
        equal(get_all(loops + [beside]), [[7] * 10] * 2 + [7])


@test
def two_loops_with_psycopg():
    two_loops("psycopg", with_psycopg)


@test
def two_loops_with_asyncpg():
    two_loops("asyncpg", with_asyncpg)


@test
def two_loops_with_aiopg():
    two_loops("aiopg", with_aiopg)


@test
def a_limit_of_asyncio_ends_a_query():
    async def limited(function):
        await asyncio.wait_for(function(1), 0.3)
    with held(1) as holder:
        need("asyncpg")
        for function in (with_psycopg, with_asyncpg):
            raises(asyncio.TimeoutError, ramet.spawn(asyncio.run, limited(function)).get, timeout=20)
        holder.execute("select pg_advisory_unlock_all()")


@test
def a_kill_ends_a_loop():
    with held(1) as holder:
        need("asyncpg")
        g = ramet.spawn(asyncio.run, several(with_asyncpg, 1))
        until(lambda: waiting(holder) == 10)
        g.kill(timeout=20)
        assert isinstance(g.value, ramet.GreenletExit), g.exception
        until(lambda: waiting(holder) == 0)


ENDS_WHILE_OTHERS_WAIT = """
import sys
from ramet import monkey, spawn, sleep
monkey.patch_all()
import psycopg, psycopg2
def ask(driver, query):
    connection = driver.connect(sys.argv[1])
    cursor = connection.cursor()
    cursor.execute(query)
    return cursor.fetchone()[0]
waiting = [spawn(ask, driver, 'select pg_sleep(77)') for driver in [psycopg, psycopg2] * 3]
while ask(psycopg, "select count(*) from pg_stat_activity where query = 'select pg_sleep(77)'") < 6:
    sleep(0.01)
print('over')
"""


@test
def a_program_ends_while_greenlets_wait():
    need("psycopg2")
    need("psycopg")
    equal(run(ENDS_WHILE_OTHERS_WAIT, where()), "over\n")


main(postgres.server)
