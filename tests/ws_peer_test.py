#!/usr/bin/python3
"""Other people's WebSockets, of python3-websockets, talk to ours: clients and servers.

usage: tests/ws_peer_test.py PROGRAM [NAME...]

PROGRAM is tests/http/ws_peer.c as built; NAMEs are tests, all without.  The output is TAP.  Without the package the
tests are skipped.  TEST_TIMEOUT=n gives n times the time.
"""
import asyncio
import contextlib
import http
import os
import pathlib
import signal
import sys

import tap

try:
    import websockets
    from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
except ImportError:
    websockets = None

LIMIT = 60 * float(os.environ.get("TEST_TIMEOUT", 1))  # seconds for one test
PROGRAM = pathlib.Path(sys.argv[1]).resolve()
TEXT = "Hällo, wörld! " * 80000
SIZES = [0, 1, 125, 126, 5000, 65535, 65536, 1 << 20]


def equal(got, want):
    assert got == want, f"{got!r:.200} is not {want!r:.200}"


def test(function):
    """A coroutine with a limit; skipped without its peer."""
    def run():
        if not websockets:
            return "no python3-websockets"
        return asyncio.run(asyncio.wait_for(function(), LIMIT))
    run.__name__ = function.__name__
    return tap.test(run)


@contextlib.asynccontextmanager
async def program(*args, **options):
    process = await asyncio.create_subprocess_exec(PROGRAM, *args, stdin=asyncio.subprocess.DEVNULL,
                                                   stdout=asyncio.subprocess.PIPE, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def line(process):
    return (await process.stdout.readline()).decode().rstrip()


# ---- their clients, our server


@contextlib.asynccontextmanager
async def client(**options):
    """A connection to a server of ours, which ends well; and the server."""
    async with program() as server:
        url = f"ws://127.0.0.1:{await line(server)}/"
        async with websockets.connect(url, max_size=1 << 21, **options) as ws:
            yield ws, server
        server.send_signal(signal.SIGTERM)
        equal(await server.wait(), 0)


async def echo(ws, message):
    await ws.send(message)
    equal(await ws.recv(), message)


async def told(ws):
    """The code and reason that it is closed with."""
    try:
        raise AssertionError(await ws.recv())
    except websockets.ConnectionClosed as e:
        return e.rcvd.code, e.rcvd.reason


async def echo_all(ws):
    for size in SIZES:
        await echo(ws, TEXT.encode()[:size].decode(errors="ignore"))
        await echo(ws, os.urandom(size))
        await echo(ws, bytes(size))


@test
async def a_client_gets_back_text_and_bytes():
    async with client(compression=None) as (ws, _):
        equal(ws.extensions, [])
        await echo_all(ws)


@test
async def a_client_sends_fragments():
    async with client() as (ws, _):
        for whole in TEXT[:300000], os.urandom(300000):
            await ws.send([whole[:1], whole[1:70000], whole[:0], whole[70000:]])
            equal(await ws.recv(), whole)


@test
async def both_sides_of_a_client_s_connection_answer_pings():
    async with client() as (ws, _):
        await ws.send("pong?")
        equal(await ws.recv(), "no")
        for data in b"", b"x", bytes(125):
            await (await ws.ping(data))
        await ws.send("ping")
        await echo(ws, "after it")  # the answer has gone out before
        await ws.send("pong?")
        equal(await ws.recv(), "yes")


@test
async def a_client_closes_with_a_code():
    for code, reason in (1000, ""), (1001, "gone"), (4999, "ä" * 61):
        async with client() as (ws, server):
            await ws.close(code, reason)
            equal((ws.close_code, ws.close_reason), (code, ""))  # as it is answered
            equal(await line(server), f"{code} {reason}".rstrip())


@test
async def a_client_is_told_a_code():
    async with client() as (ws, server):
        await ws.send("close")
        equal(await told(ws), (4711, "enough"))
        equal(await line(server), "4711 enough")  # as it is answered


@test
async def a_client_breaks_the_rules():
    async with client(compression=None) as (ws, _):
        ws.transport.write(b"\x81\x81\0\0\0\0\xff")
        equal(await told(ws), (1007, ""))


@test
async def a_client_agrees_on_a_protocol():
    for theirs, agreed in (["chat"], "chat"), (["x", "chat", "superchat"], "superchat"), (["x"], None), (None, None):
        async with client(subprotocols=theirs) as (ws, _):
            equal(ws.subprotocol, agreed)


@test
async def a_client_compresses_in_all_ways():
    for mine in False, True:
        for yours in False, True:
            for bits in None, 9, 15:
                offer = ClientPerMessageDeflateFactory(server_no_context_takeover=yours,
                                                       client_no_context_takeover=mine, server_max_window_bits=bits,
                                                       client_max_window_bits=bits or True)
                async with client(compression=None, extensions=[offer]) as (ws, _):
                    agreed, = ws.extensions
                    equal(agreed.remote_no_context_takeover, yours)
                    equal(agreed.local_no_context_takeover, mine)
                    equal(agreed.remote_max_window_bits, bits or 15)
                    await echo_all(ws)


# ---- our client, their servers


async def say_back(ws):
    async for message in ws:
        if message == "close":
            return await ws.close(4001, "as you like")
        else:
            await ws.send([message[:1], message[1:3], message[3:]] if len(message) > 4 else message)


async def ask(*args, **options):
    """What our client says of such a server."""
    async with websockets.serve(say_back, "127.0.0.1", 0, max_size=1 << 21, **options) as server:
        port = server.sockets[0].getsockname()[1]
        async with program(f"ws://127.0.0.1:{port}/", *args) as process:
            out, _ = await process.communicate()
            equal(process.returncode, 0)
            return out.decode()


@test
async def a_server_says_back_what_our_client_says():
    equal(await ask(compression=None), " 0\npong\n4001 as you like\n")
    equal(await ask(subprotocols=["chat", "x"]), "chat 0\npong\n4001 as you like\n")
    equal(await ask("zip", compression=None), " 0\npong\n4001 as you like\n")


@test
async def a_server_compresses_in_all_ways():
    for mine in False, True:
        for yours in False, True:
            for bits in None, 9, 15:
                way = ServerPerMessageDeflateFactory(server_no_context_takeover=mine, client_no_context_takeover=yours,
                                                     server_max_window_bits=bits, client_max_window_bits=bits)
                equal(await ask("zip", compression=None, extensions=[way]), " 1\npong\n4001 as you like\n")


@test
async def a_server_that_refuses_is_told_of():
    async def refuse(path, headers):
        return http.HTTPStatus.FORBIDDEN, [], b"no"
    async with websockets.serve(say_back, "127.0.0.1", 0, process_request=refuse) as server:
        port = server.sockets[0].getsockname()[1]
        async with program(f"ws://127.0.0.1:{port}/", stderr=asyncio.subprocess.PIPE) as process:
            _, said = await process.communicate()
            assert b"Connection refused" in said, said
            equal(process.returncode, 1)


if __name__ == "__main__":
    sys.exit(tap.run(sys.argv[2:]))
