"""Locks and files of the interpreter, which know OS threads only, used by greenlets."""
import _thread
import io
import logging
import os
import sys
import threading
import time
from _thread import RLock

from lib.tap import Skip, equal, main, raises, test

import ramet
from ramet import monkey

made_before = RLock()
condition_made_before = threading.Condition(made_before)
start_os_thread = _thread.start_new_thread
sleep_of_os_thread = time.sleep


# ---- RLock ----------------------------------------------------------------------------------------------------------

@test
def an_rlock_made_before_is_owned_by_one_greenlet():
    made_before.acquire()
    monkey.patch_all()
    seen = []

    def other():
        equal((made_before._is_owned(), made_before.acquire(False)), (False, False))
        raises(RuntimeError, made_before.release)
        with made_before, made_before:
            seen.append('other')
            ramet.sleep(0.01)
            seen.append('other')
    others = [ramet.spawn(other) for _ in range(3)]
    assert made_before._is_owned() and made_before.acquire(False)
    ramet.sleep(0.01)
    equal(seen, [])
    made_before.release()
    made_before.release()
    raises(RuntimeError, made_before.release)
    ramet.joinall(others, timeout=20, raise_error=True)
    equal(seen, ['other'] * 6)
    assert made_before.acquire(False)
    made_before.release()


@test
def methods_of_an_rlock_bound_before_know_greenlets():
    monkey.patch_all()
    items = []

    def consume():
        with condition_made_before, condition_made_before:
            while not items:
                condition_made_before.wait()
            return items.pop()
    consumers = [ramet.spawn(consume) for _ in range(2)]
    ramet.sleep(0.01)
    for n in range(2):
        with condition_made_before:
            items.append(n)
            condition_made_before.notify()
    equal(sorted(g.get(timeout=20) for g in consumers), [0, 1])
    raises(RuntimeError, condition_made_before.notify)


@test
def waiting_for_an_rlock_ends_early():
    if sys.version_info < (3, 10):
        raise Skip("CPython 3.9 cannot be told that a signal has come")
    monkey.patch_all()
    with made_before:
        g = ramet.spawn(made_before.acquire, timeout=0.01)
        equal(g.get(timeout=20), False)
        g = ramet.spawn(made_before.acquire)
        ramet.sleep(0.01)
        g.kill(timeout=20)
        assert g.dead
    equal(ramet.spawn(made_before.acquire, False).get(), True)
    equal(made_before.acquire(False), False)


@test
def os_threads_and_greenlets_share_an_rlock():
    monkey.patch_all()
    held, seen = RLock(), []

    def body():
        with made_before, made_before:
            held.acquire()
            seen.append('thread')
            sleep_of_os_thread(0.1)
            seen.append('thread')
        seen.append(made_before._is_owned())

    def greenlet():
        with made_before:
            seen.append('greenlet')
    start_os_thread(body, ())
    while not seen:
        ramet.sleep(0.001)
    ramet.joinall([ramet.spawn(greenlet) for _ in range(2)], timeout=20, raise_error=True)
    while len(seen) < 5:
        ramet.sleep(0.001)
    equal(sorted(map(str, seen)), ['False', 'greenlet', 'greenlet', 'thread', 'thread'])


@test
def a_logger_s_lock_is_one_greenlet_s():
    """Its handler writes to a pipe that is full, and a second one waits for the first."""
    r, w = os.pipe()
    handler = logging.StreamHandler(os.fdopen(w, 'w'))
    lock = handler.lock
    log = logging.getLogger('slow')
    log.propagate = False
    log.addHandler(handler)
    monkey.patch_all()
    handler.lock = lock
    greenlets = [ramet.spawn(log.error, str(n) * 100_000) for n in range(3)]
    ramet.sleep(0.01)
    said = b''
    while len(said) < 300_003:
        said += os.read(r, 4096)
    ramet.joinall(greenlets, timeout=20, raise_error=True)
    equal(sorted(said.split()), [str(n).encode() * 100_000 for n in range(3)])


# ---- buffered files -------------------------------------------------------------------------------------------------

@test
def greenlets_take_turns_at_writing():
    monkey.patch_all()
    r, w = os.pipe()
    file = open(w, 'wb')

    def write(letter):
        for _ in range(3):
            file.write(letter * 100_000)
        file.flush()
    writers = [ramet.spawn(write, letter) for letter in (b'a', b'b', b'c')]
    text = ramet.spawn(lambda: [file.tell, file.flush][1]())
    said = b''
    while len(said) < 900_000:
        said += os.read(r, 50_000)
    ramet.joinall(writers + [text], timeout=20, raise_error=True)
    runs = [said[i:i + 100_000] for i in range(0, 900_000, 100_000)]
    assert all(len(set(run)) == 1 for run in runs)
    file.close()
    os.close(r)


@test
def greenlets_take_turns_at_reading():
    monkey.patch_all()
    r, w = os.pipe()
    file = open(r, 'rb')
    readers = [ramet.spawn(function) for function in (
        file.readline, lambda: next(file), lambda: file.__next__(), lambda: file.read(2), lambda: file.peek(1)[:1],
        lambda: file.read1(2), lambda: bytes(bytearray(file.readinto(bytearray(2)))))]
    ramet.sleep(0.01)
    os.write(w, b'1\n2\n3\n4\n')
    ramet.sleep(0.01)
    os.write(w, b'5\n6\n')
    equal([g.get(timeout=20) for g in readers], [b'1\n', b'2\n', b'3\n', b'4\n', b'5', b'5\n', b'\0\0'])


class Derived(io.BufferedReader):
    """Types that are derived before have copies of slots."""


@test
def a_type_derived_before_takes_turns():
    monkey.patch_all()
    r, w = os.pipe()
    file = Derived(io.FileIO(r))
    readers = [ramet.spawn(lambda: next(file)) for _ in range(2)]
    ramet.sleep(0.01)
    os.write(w, b'1\n2\n')
    equal([g.get(timeout=20) for g in readers], [b'1\n', b'2\n'])


@test
def who_gives_up_its_turn_holds_up_nobody():
    if sys.version_info < (3, 10):
        raise Skip("CPython 3.9 cannot be told that a signal has come")
    monkey.patch_all()
    r, w = os.pipe()
    file = open(r, 'rb')
    first, second, third = (ramet.spawn(file.readline) for _ in range(3))
    ramet.sleep(0.01)
    second.kill(timeout=20)
    first.kill(timeout=20)
    assert second.dead and first.dead and not third.ready()
    os.write(w, b'x\n')
    equal(third.get(timeout=20), b'x\n')
    with ramet.Timeout(0.01, False):
        file.read(1)
    os.write(w, b'y\n')
    equal(ramet.spawn(file.readline).get(timeout=20), b'y\n')


@test
def a_call_from_within_is_an_error_still():
    class Raw(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            raises(RuntimeError, file.flush)
            return len(data)
    monkey.patch_all()
    file = io.BufferedWriter(Raw(), 10)
    equal(file.write(b'x' * 100), 100)
    file.flush()
    equal(ramet.spawn(file.write, b'x' * 100).get(timeout=20), 100)


@test
def os_threads_and_greenlets_share_a_file():
    monkey.patch_all()
    r, w = os.pipe()
    file = open(w, 'wb')

    def write():
        file.write(b'x' * 300_000)
        file.flush()
    start_os_thread(write, ())
    greenlet = ramet.spawn(write)
    said = 0
    while said < 600_000:
        said += len(os.read(r, 50_000))
        ramet.sleep(0)
    greenlet.get(timeout=20)


@test
def files_of_killed_threads_are_forgotten():
    """A hub whose thread ends leaves greenlets behind that were in a file."""
    monkey.patch_all(thread=False)
    r, w = os.pipe()
    file, over = open(r, 'rb'), []

    def body():
        readers = [ramet.spawn(file.readline) for _ in range(2)]
        ramet.sleep(0.01)
        over.append(readers)
    start_os_thread(body, ())
    while not over:
        time.sleep(0.001)
    over.clear()
    time.sleep(0.05)
    os.write(w, b'x\n')
    equal(file.readline(), b'x\n')


main()
