#!/usr/bin/python3
"""siege: an HTTP client with a thread for each simulated user, driven by cancellation, conditions
and signals."""
import asyncio
import os
import pathlib
import re
import subprocess
import tempfile

import program
from program import LIMIT, Most, Program, backend, equal, needs, test

USERS, REPEATS = 250, 4


def summary(said):
    """The figures siege prints at its end, by name."""
    return {k: float(v) for k, v in re.findall(r'"(\w+)":\s*([\d.]+)', said)}


def run(plain):
    siege = needs("siege")
    with tempfile.TemporaryDirectory(prefix="ramet-test-") as home:
        rc = pathlib.Path(home) / "siegerc"
        rc.write_text("verbose = false\ncolor = off\nlimit = 1000\njson_output = true\nlogging = false\n"
                      "parser = false\nconnection = close\nprotocol = HTTP/1.1\n")
        env = {**os.environ, "HOME": home, "SIEGERC": str(rc)}

        async def load():
            async with backend(0.02) as target:
                with Program([siege, "-R", rc, f"-c{USERS}", f"-r{REPEATS}", "-b",
                              f"http://127.0.0.1:{target}/"], plain=plain, env=env) as p:
                    async with Most(p) as most:
                        status = await asyncio.wait_for(asyncio.to_thread(p.wait), LIMIT)
                    return status, p.said(), most.threads
        return asyncio.run(load())


def check(plain):
    status, said, threads = run(plain)
    figures = summary(said)
    equal(figures.get("transactions"), USERS * REPEATS)
    equal(figures.get("availability"), 100)
    equal(status, 0)
    return threads


@test
def all_transactions_plain():
    assert check(plain=True) > USERS / 2


@test
def all_transactions_on_one_os_thread():
    equal(check(plain=False), 1)


program.main()
