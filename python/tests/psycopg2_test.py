"""psycopg2 knows nothing of greenlets: its C library is patched."""
import time

from lib import postgres
from lib.tap import Skip, equal, main, raises, test, where
from ramet import _core
from ramet._core import Greenlet, GreenletExit

try:
    import psycopg2
except ImportError:
    psycopg2 = None


def driver():
    if not psycopg2:
        raise Skip("there is no psycopg2")
    _core.patch_library("libpq", "io")
    assert _core.patched("poll") > 0
    return psycopg2


def sleep_there(seconds):
    connection = driver().connect(where())
    try:
        cursor = connection.cursor()
        cursor.execute("select pg_sleep(%s), 7", (seconds,))
        return cursor.fetchone()[1]
    finally:
        connection.close()


def start(function, *args):
    g = Greenlet(function, *args)
    g.start()
    return g


@test
def fifty_queries_are_in_flight_at_once():
    driver()
    begin = time.monotonic()
    queries = [start(sleep_there, 0.5) for _ in range(50)]
    equal([g.get() for g in queries], [7] * 50)
    assert time.monotonic() - begin < 50 * 0.5 / 3


@test
def a_kill_ends_a_query_as_itself():
    driver()
    g = start(sleep_there, 60)
    _core.sleep(0.3)
    g.kill()
    assert isinstance(g.value, GreenletExit), g.exception


@test
def a_kill_is_not_taken_for_an_error_of_the_database():
    def stubborn():
        try:
            return sleep_there(60)
        except psycopg2.Error as e:
            return e

    driver()
    g = start(stubborn)
    _core.sleep(0.3)
    g.kill(KeyError("mine"))
    equal(str(raises(KeyError, g.get)), "'mine'")


@test
def a_connection_whose_query_was_killed_is_of_no_use():
    def query(connection):
        connection.cursor().execute("select pg_sleep(60)")

    def again(connection):
        connection.cursor().execute("select 1")

    driver()
    connection = psycopg2.connect(where())
    g = start(query, connection)
    _core.sleep(0.3)
    g.kill()
    raises(psycopg2.Error, again, connection)


main(postgres.server)
