"""Drivers in C that know nothing of greenlets, after monkey.patch_all."""
import contextlib
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler

import ramet
from lib import mariadb, postgres
from lib.tap import Skip, equal, main, test
from ramet import _core, monkey

try:
    import psycopg2
except ImportError:
    psycopg2 = None
try:
    import pycurl
except ImportError:
    pycurl = None
try:
    import MySQLdb
except ImportError:
    MySQLdb = None


def need(module, name):
    if module is None:
        raise Skip(f"there is no {name}")


def at_once(functions, each):
    """Their results; and that they did not wait for each other."""
    begin = time.monotonic()
    greenlets = [ramet.spawn(f) for f in functions]
    results = [g.get(timeout=50) for g in greenlets]
    took = time.monotonic() - begin
    assert took < len(functions) * each / 2, f"{len(functions)} x {each} s took {took:.2f} s"
    return results


# ---- psycopg2 -------------------------------------------------------------------------------------------------------

@test
def fifty_queries_of_psycopg2():
    need(psycopg2, "psycopg2")

    def query():
        connection = psycopg2.connect(where)
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("select pg_sleep(0.5), 7")
            return cursor.fetchone()[1]
    with postgres.server() as where:
        monkey.patch_all()
        equal(at_once([query] * 50, 0.5), [7] * 50)


@test
def five_greenlets_share_a_connection_of_psycopg2():
    need(psycopg2, "psycopg2")

    def query(n):
        for i in range(3):
            with connection.cursor() as cursor:
                cursor.execute("select pg_sleep(0.02), %s", (n * 10 + i,))
                equal(cursor.fetchone()[1], n * 10 + i)
    with postgres.server() as where:
        monkey.patch_all()
        assert _core.patched("pthread_mutex_lock") > 0
        connection = psycopg2.connect(where)
        greenlets = [ramet.spawn(query, n) for n in range(5)]
        for g in greenlets:
            g.get(timeout=50)
        connection.close()


@test
def an_os_thread_shares_it_too():
    need(psycopg2, "psycopg2")

    def query(n):
        for _ in range(5):
            with connection.cursor() as cursor:
                cursor.execute("select pg_sleep(0.01), %s", (n,))
                equal(cursor.fetchone()[1], n)
        return n
    with postgres.server() as where:
        monkey.patch_all(thread=False)
        monkey.patch_library("_psycopg.*", "lock")
        connection = psycopg2.connect(where)
        pool = ramet.get_hub().threadpool
        results = [pool.spawn(query, n) for n in (1, 2)] + [ramet.spawn(query, n) for n in (3, 4)]
        equal([r.get(timeout=50) for r in results], [1, 2, 3, 4])
        connection.close()


@test
def a_time_limit_ends_a_query():
    need(psycopg2, "psycopg2")
    with postgres.server() as where:
        monkey.patch_all()
        connection = psycopg2.connect(where)
        begin = time.monotonic()
        try:
            with ramet.Timeout(0.2), connection.cursor() as cursor:
                cursor.execute("select pg_sleep(60)")
        except ramet.Timeout:
            pass
        assert time.monotonic() - begin < 20


# ---- pycurl ---------------------------------------------------------------------------------------------------------

class Slow(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.3)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_args):
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 100


@contextlib.contextmanager
def slow_server():
    """Its URL; it runs in OS threads, whatever is patched later."""
    with Server(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"


@test
def thirty_transfers_of_pycurl():
    need(pycurl, "pycurl")

    def get():
        parts = []
        c = pycurl.Curl()
        c.setopt(c.URL, url)
        c.setopt(c.WRITEFUNCTION, parts.append)
        c.perform()
        c.close()
        return b"".join(parts)
    with slow_server() as url:
        monkey.patch_all(thread=False)
        equal(at_once([get] * 30, 0.3), [b"hello"] * 30)


# ---- mysqlclient ----------------------------------------------------------------------------------------------------

@test
def thirty_queries_of_mysqlclient():
    need(MySQLdb, "mysqlclient")

    def query():
        connection = MySQLdb.connect(unix_socket=path, user="root")
        with contextlib.closing(connection):
            cursor = connection.cursor()
            cursor.execute("select sleep(0.4), 7")
            return cursor.fetchone()[1]
    with mariadb.server() as path:
        monkey.patch_all()
        equal(at_once([query] * 30, 0.4), [7] * 30)


main()
