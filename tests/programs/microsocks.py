#!/usr/bin/python3
"""microsocks: a SOCKS5 server with a thread for each connection."""
import asyncio
import struct

import program
from program import Most, Program, at_once, backend, equal, free_port, needs, test

COUNT = 500


async def through(port, target):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\5\1\0")
    equal(await reader.readexactly(2), b"\5\0")
    writer.write(b"\5\1\0\1\x7f\0\0\1" + struct.pack(">H", target))
    equal((await reader.readexactly(10))[:2], b"\5\0")
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2]


@test
def five_hundred_connections_on_one_os_thread():
    port = free_port()
    with Program([needs("microsocks"), "-i", "127.0.0.1", "-p", port]) as p:
        p.serves(port)

        async def load():
            async with backend(0.1) as target, Most(p) as most:
                answers = await at_once(COUNT, lambda _: through(port, target))
            equal(answers, [b"x" * 1000] * COUNT)
            equal(most.threads, 1)
        asyncio.run(load())
        p.stop()


program.main()
