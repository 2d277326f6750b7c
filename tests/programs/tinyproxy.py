#!/usr/bin/python3
"""tinyproxy: an HTTP proxy with a thread for each connection."""
import asyncio
import pathlib
import tempfile

import program
from program import Most, Program, at_once, backend, equal, free_port, http_get, needs, test

COUNT = 500


@test
def five_hundred_requests_on_one_os_thread():
    tinyproxy, port = needs("tinyproxy"), free_port()
    with tempfile.TemporaryDirectory(prefix="ramet-test-") as folder:
        conf = pathlib.Path(folder) / "tinyproxy.conf"
        conf.write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients {2 * COUNT}\n"
                        "Allow 127.0.0.1\nLogLevel Error\n")
        with Program([tinyproxy, "-d", "-c", conf]) as p:
            p.serves(port)

            async def load():
                async with backend(0.1) as target, Most(p) as most:
                    answers = await at_once(COUNT, lambda _: http_get(port, f"http://127.0.0.1:{target}/"))
                equal(answers, [(200, b"x" * 1000)] * COUNT)
                equal(most.threads, 1)
            asyncio.run(load())
            equal(p.stop(), 0)
            assert p.report()["created"] >= COUNT


program.main()
