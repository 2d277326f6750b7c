"""PyMySQL and mysqlclient, unmodified, on a MariaDB: one is Python, the other waits in a library of C."""
import contextlib
import functools

import ramet
from lib import mariadb
from lib.programs import get_all, need, nothing_left, run, until
from lib.tap import equal, main, raises, test, where
from ramet import monkey

DRIVERS = ("pymysql", "MySQLdb")


def with_each_driver(function):
    """One test for each of them."""
    def add(name):
        @functools.wraps(function)
        def call():
            monkey.patch_all()
            function(need(name))
        call.__name__ = f"{name}_{function.__name__}"
        test(call)
    for name in DRIVERS:
        add(name)
    return function


def connect(driver, **options):
    return driver.connect(unix_socket=where(), user="root", autocommit=True, **options)


def ask(connection, query, *values):
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute(query, values)
        return cursor.fetchone()[0]


def waiting(connection):
    return ask(connection, "select count(*) from information_schema.processlist where state = 'User lock'")


def wait_for_lock(driver, name="held"):
    """Ask for a lock that another connection has."""
    with contextlib.closing(connect(driver)) as connection:
        return ask(connection, "select get_lock(%s, 50)", name)


@with_each_driver
def waits_in_thirty_queries_at_once(driver):
    with nothing_left(), contextlib.closing(connect(driver)) as holder:
        for n in range(30):
            ask(holder, "select get_lock(%s, 0)", f"held {n}")
        greenlets = [ramet.spawn(wait_for_lock, driver, f"held {n}") for n in range(30)]
        until(lambda: waiting(holder) == 30)
        ask(holder, "select release_all_locks()")
        equal(get_all(greenlets), [1] * 30)


@with_each_driver
def gives_each_greenlet_its_own_rows(driver):
    def work(n):
        with contextlib.closing(connect(driver)) as connection, contextlib.closing(connection.cursor()) as cursor:
            cursor.execute("create temporary table mysql.t (n int, s text)")
            cursor.executemany("insert into mysql.t values (%s, %s)", [(i, f"{n}:{i}") for i in range(50)])
            cursor.execute("select n, s from mysql.t order by n")
            equal(list(cursor.fetchall()), [(i, f"{n}:{i}") for i in range(50)])
    get_all([ramet.spawn(work, n) for n in range(10)])


@with_each_driver
def reads_a_large_answer_whole(driver):
    def work():
        with contextlib.closing(connect(driver)) as connection:
            return len(ask(connection, "select repeat('x', 4000000)"))
    get_all([ramet.spawn(work) for _ in range(3)])


@with_each_driver
def raises_its_own_errors(driver):
    with contextlib.closing(connect(driver)) as connection:
        raises(driver.ProgrammingError, ask, connection, "select * from mysql.no_such_table")
        raises(driver.OperationalError, driver.connect, unix_socket="/nowhere", user="root")
        equal(ask(connection, "select 7"), 7)


@with_each_driver
def ends_a_read_by_its_own_limit(driver):
    with contextlib.closing(connect(driver, read_timeout=1)) as connection:
        raises(driver.OperationalError, ask, connection, "select sleep(50)")


@with_each_driver
def is_ended_by_a_timeout_and_the_connection_is_of_no_use(driver):
    def work():
        with ramet.Timeout(0.3):
            ask(connection, "select sleep(50)")
    connection = connect(driver)
    raises(ramet.Timeout, work)
    raises(driver.Error, ask, connection, "select 7")


@with_each_driver
def is_ended_by_a_kill_as_itself(driver):
    with contextlib.closing(connect(driver)) as holder:
        ask(holder, "select get_lock('held', 0)")
        g = ramet.spawn(wait_for_lock, driver)
        until(lambda: waiting(holder) == 1)
        g.kill(timeout=20)
        assert isinstance(g.value, ramet.GreenletExit), g.exception
        until(lambda: waiting(holder) == 0)


@with_each_driver
def sees_a_connection_that_the_server_ends(driver):
    with contextlib.closing(connect(driver)) as holder:
        ask(holder, "select get_lock('held', 0)")
        g = ramet.spawn(wait_for_lock, driver)
        until(lambda: waiting(holder) == 1)
        victim = ask(holder, "select id from information_schema.processlist where state = 'User lock'")
        with contextlib.closing(holder.cursor()) as cursor:
            cursor.execute(f"kill {victim}")
        raises(driver.OperationalError, g.get, timeout=20)


ENDS_WHILE_OTHERS_WAIT = """
import importlib, sys
from ramet import monkey, spawn, sleep
monkey.patch_all()
driver = importlib.import_module(sys.argv[1])
def ask(query):
    cursor = driver.connect(unix_socket=sys.argv[2], user='root').cursor()
    cursor.execute(query)
    return cursor.fetchone()[0]
waiting = [spawn(ask, 'select sleep(77)') for _ in range(5)]
while ask("select count(*) from information_schema.processlist where info = 'select sleep(77)'") < 5:
    sleep(0.01)
print('over')
"""


@with_each_driver
def lets_a_program_end_while_greenlets_wait(driver):
    equal(run(ENDS_WHILE_OTHERS_WAIT, driver.__name__, where()), "over\n")


main(mariadb.server)
