#!/usr/bin/python3
"""python3: the interpreter's threads, its lock and its standard library, unmodified."""
import asyncio
import pathlib
import select
import signal
import subprocess

import program
from program import LIMIT, Most, Program, at_once, equal, http_get, needs, test

SCRIPTS = pathlib.Path(__file__).resolve().parent / "scripts"
PYTHON = "/usr/bin/python3"
SLOW_ONES, FAST_ONES, AT_ONCE = 300, 1000, 100


def port_of(p):
    assert select.select([p.process.stdout], [], [], LIMIT)[0], "it does not say its port"
    return int(p.process.stdout.readline())


@test
def threading_http_server_on_one_os_thread():
    with Program([needs(PYTHON), SCRIPTS / "http_server.py"], stdout=subprocess.PIPE) as p:
        port = port_of(p)

        async def load():
            async with Most(p) as most:
                answers = await at_once(SLOW_ONES, lambda _: http_get(port, "/slow"))
                equal(answers, [(200, b"x" * 1000)] * SLOW_ONES)
                for _ in range(FAST_ONES // AT_ONCE):
                    answers = await at_once(AT_ONCE, lambda _: http_get(port))
                    equal(answers, [(200, b"x" * 1000)] * AT_ONCE)
            equal(most.threads, 1)
        asyncio.run(load())
        equal(p.stop(signal.SIGINT), 0)
        assert p.report()["created"] > SLOW_ONES + FAST_ONES
        p.process.stdout.close()


def thread_script(plain):
    async def run():
        with Program([needs(PYTHON), SCRIPTS / "threads.py"], plain=plain) as p:
            async with Most(p) as most:
                status = await asyncio.to_thread(p.wait)
            said = p.said()
            equal(status, 0)
            wrong = [line for line in said.splitlines() if not line.endswith("right")]
            equal(wrong, ["at the end 1 thread"])
            equal(len(said.splitlines()), 10)
            return most.threads
    return asyncio.run(run())


@test
def what_programs_do_with_threads_plain():
    assert thread_script(plain=True) > 50


@test
def what_programs_do_with_threads_on_one_os_thread():
    equal(thread_script(plain=False), 1)


program.main()
