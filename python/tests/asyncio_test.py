"""asyncio beside greenlets: a loop is its greenlet's, and blocks no other."""
import asyncio
import os
import signal
import socket
import sys
import threading

import ramet
from lib.tap import equal, main, raises, test
from ramet import monkey
from ramet.event import AsyncResult


def server(answer, address):
    """A coroutine that serves one connection, and gives the port away by `address`."""
    async def serve():
        done = asyncio.Event()

        async def handle(reader, writer):
            writer.write(answer(await reader.readline()))
            await writer.drain()
            writer.close()
            done.set()
        listener = await asyncio.start_server(handle, "127.0.0.1", 0)
        address.set(listener.sockets[0].getsockname())
        await done.wait()
        listener.close()
        return "served"
    return serve()


async def ask(address, text):
    reader, writer = await asyncio.open_connection(*address)
    writer.write(text)
    answer = await reader.read()
    writer.close()
    return answer


def serve_and_ask(client):
    """A loop in a greenlet answers a client in another one."""
    address = AsyncResult()
    serving = ramet.spawn(asyncio.run, server(bytes.upper, address))
    asking = ramet.spawn(client, address)
    equal(asking.get(timeout=20), b"HELLO\n")
    equal(serving.get(timeout=20), "served")


@test
def loops_of_several_greenlets_run_side_by_side():
    monkey.patch_all()
    serve_and_ask(lambda address: asyncio.run(ask(address.get(), b"hello\n")))


@test
def a_loop_serves_a_client_that_blocks():
    monkey.patch_all()

    def client(address):
        with socket.create_connection(address.get()) as sock, sock.makefile("rwb") as file:
            file.write(b"hello\n")
            file.flush()
            return file.read()
    serve_and_ask(client)


@test
def a_busy_loop_lets_others_run():
    monkey.patch_all()
    ended = []

    async def be_busy():
        while not ended:
            await asyncio.sleep(0)
    other = ramet.spawn(lambda: (ramet.sleep(0.01), ended.append(True)))
    asyncio.run(asyncio.wait_for(be_busy(), 20))
    other.get()


@test
def each_greenlet_has_its_running_loop():
    monkey.patch_all()
    seen = []

    async def nested():
        equal(ramet.spawn(asyncio._get_running_loop).get(), None)
        seen.append(asyncio.get_running_loop())
        await asyncio.sleep(0.01)
        ramet.sleep(0.01)
        assert seen[-1] and asyncio.get_running_loop() in seen
        return asyncio.get_running_loop()
    loops = [ramet.spawn(asyncio.run, nested()) for _ in range(5)]
    equal(len({id(g.get(timeout=20)) for g in loops}), 5)
    raises(RuntimeError, asyncio.get_running_loop)


@test
def a_greenlet_wakes_the_loop_of_another():
    monkey.patch_all()
    ready = AsyncResult()

    async def wait():
        future = asyncio.get_running_loop().create_future()
        ready.set((asyncio.get_running_loop(), future))
        return await future
    waiting = ramet.spawn(asyncio.run, wait())
    loop, future = ready.get()
    ramet.sleep(0.01)
    loop.call_soon_threadsafe(future.set_result, "woken")
    equal(waiting.get(timeout=20), "woken")


@test
def coroutines_call_what_blocks_in_threads():
    monkey.patch_all()

    async def several():
        barrier = threading.Barrier(4)
        return await asyncio.gather(*(asyncio.to_thread(barrier.wait, 20) for _ in range(4)))
    equal(sorted(asyncio.run(several())), [0, 1, 2, 3])
    equal(sorted(ramet.spawn(asyncio.run, several()).get(timeout=20)), [0, 1, 2, 3])


@test
def coroutines_run_in_the_loop_of_a_thread():
    monkey.patch_all()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    equal(asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01, "slept"), loop).result(20), "slept")
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    assert not thread.is_alive()
    loop.close()


@test
def to_kill_its_greenlet_ends_a_loop_in_order():
    monkey.patch_all()
    seen = []

    async def work():
        try:
            await asyncio.sleep(20)
        finally:
            seen.append("cancelled")
    g = ramet.spawn(asyncio.run, work())
    ramet.sleep(0.05)
    g.kill()
    equal(seen, ["cancelled"])


@test
def a_timeout_ends_a_loop_in_order():
    monkey.patch_all()
    seen = []

    async def work():
        try:
            await asyncio.sleep(20)
        finally:
            seen.append("cancelled")
    with ramet.Timeout(0.05, False):
        asyncio.run(work())
        assert False
    equal(seen, ["cancelled"])


@test
def the_children_of_a_loop():
    monkey.patch_all()

    async def child():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "print(input() * 2)", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate(b"ab\n")
        return process.returncode, out
    equal(asyncio.run(child()), (0, b"abab\n"))
    equal(ramet.spawn(asyncio.run, child()).get(timeout=20), (0, b"abab\n"))


@test
def signals_of_the_main_loop():
    monkey.patch_all()

    async def wait():
        seen = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, seen.set)
        ramet.spawn_later(0.01, os.kill, os.getpid(), signal.SIGUSR1)
        await asyncio.wait_for(seen.wait(), 20)
        return "seen"
    equal(asyncio.run(wait()), "seen")


if __name__ == "__main__":
    main()
