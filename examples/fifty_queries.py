"""Fifty queries of 0.1 s by psycopg2, a driver in C that knows nothing of greenlets.

usage: fifty_queries.py WHERE     (what psycopg2.connect takes)
"""
from gevent import monkey; monkey.patch_all()
import sys
import time

import gevent
import psycopg2

COUNT = 50


def query():
    connection = psycopg2.connect(sys.argv[1])
    connection.cursor().execute("select pg_sleep(0.1)")
    connection.close()


begin = time.monotonic()
gevent.joinall([gevent.spawn(query) for _ in range(COUNT)], timeout=30, raise_error=True)
print(f"{COUNT} queries of 0.1 s: {time.monotonic() - begin:.2f} s")
