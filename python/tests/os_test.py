"""The module os: children that are waited for, and descriptors, by greenlets; and module signal's SIGCHLD."""
import errno
import os
import time

from lib.tap import equal, main, raises, test

import ramet
from ramet import os as green

TICK = 0.005


class Ticker:
    """Counts how often another greenlet has run."""

    def __init__(self):
        self.count = 0
        self.greenlet = ramet.spawn(self._run)

    def _run(self):
        while True:
            ramet.sleep(TICK)
            self.count += 1


def child(status, seconds=0, fork=os.fork):
    pid = fork()
    if not pid:
        time.sleep(seconds)
        os._exit(status)
    return pid


@test
def waiting_for_a_child_blocks_only_the_greenlet():
    ticker = Ticker()
    pid = child(7, 0.2)
    equal(green.waitpid(pid, 0), (pid, 7 << 8))
    assert ticker.count > 5, ticker.count
    raises(ChildProcessError, green.waitpid, pid, 0)


@test
def any_child_may_be_waited_for():
    ticker = Ticker()
    pids = {child(1, 0.1), child(2, 0.2)}
    found = dict([green.waitpid(-1, 0), green.waitpid(0, 0)])
    equal(set(found), pids)
    equal(sorted(found.values()), [1 << 8, 2 << 8])
    assert ticker.count > 5, ticker.count
    raises(ChildProcessError, green.waitpid, -1, 0)


@test
def to_wait_for_any_child_finds_one_whose_status_was_taken_already():
    pid = child(3, 0.05, green.fork)
    equal(green.wait(), (pid, 3 << 8))
    pool = ramet.get_hub().threadpool
    for _ in range(pool.maxsize):
        pool.spawn(time.sleep, 0.3)
    ramet.sleep(0)
    pid = child(4, 0.05, green.fork)
    equal(green.wait(), (pid, 4 << 8))
    raises(ChildProcessError, green.wait)


@test
def who_does_not_want_to_wait_does_not():
    pid = child(0, 0.1)
    equal(green.waitpid(pid, os.WNOHANG), (0, 0))
    equal(green.waitpid(-1, os.WNOHANG), (0, 0))
    equal(green.waitpid(pid, 0), (pid, 0))


@test
def a_stopped_child_is_seen():
    pid = child(0, 20)
    os.kill(pid, 19)
    found, status = green.waitpid(pid, os.WUNTRACED)
    assert found == pid and os.WIFSTOPPED(status), status
    os.kill(pid, 9)
    equal(green.waitpid(pid, 0), (pid, 9))


@test
def a_wait_for_a_child_can_be_given_up():
    pid = child(3, 0.3)
    waiter = ramet.spawn(green.waitpid, pid, 0)
    anyone = ramet.spawn(green.waitpid, -1, 0)
    ramet.sleep(0.05)
    ramet.killall([waiter, anyone])
    equal(green.waitpid(pid, 0), (pid, 3 << 8))


@test
def the_child_of_a_fork_goes_on():
    pid = green.fork()
    if not pid:
        g = ramet.spawn(lambda: ramet.sleep(0.01) or 5)
        os._exit(g.get())
    equal(green.waitpid(pid, 0), (pid, 5 << 8))


@test
def forked_children_leave_no_zombies():
    pid = child(4, 0, green.fork)
    until = time.monotonic() + 10
    while os.path.exists(f'/proc/{pid}') and time.monotonic() < until:
        ramet.sleep(0.01)
    assert not os.path.exists(f'/proc/{pid}')
    equal(green.waitpid(-1, 0), (pid, 4 << 8))
    raises(ChildProcessError, green.waitpid, pid, 0)


@test
def a_callback_is_told_of_the_end():
    told = []
    pid = green.fork_and_watch(told.append, fork=lambda: child(6))
    while not told:
        ramet.sleep(0.01)
    equal((told[0].pid, told[0].rpid, told[0].rstatus), (pid, pid, 6 << 8))
    equal(green.waitpid(pid, os.WNOHANG), (pid, 6 << 8))


@test
def a_terminal_of_a_child_is_read():
    pid, fd = green.forkpty()
    if not pid:
        os.write(1, b'hello')
        os._exit(0)
    green.make_nonblocking(fd)
    equal(green.nb_read(fd, 5), b'hello')
    equal(green.waitpid(pid, 0), (pid, 0))
    green.close(fd)


@test
def spawned_programs_are_waited_for():
    for spawn in (green.posix_spawn, green.posix_spawnp):
        pid = spawn('/bin/sh', ['sh', '-c', 'exit 3'], {})
        equal(green.waitpid(pid, 0), (pid, 3 << 8))


@test
def descriptors_that_do_not_block_are_waited_for():
    r, w = os.pipe()
    equal((green.make_nonblocking(r), green.make_nonblocking(r), green.make_nonblocking(w)), (True, None, True))
    reader = ramet.spawn(green.nb_read, r, 10)
    ramet.sleep(TICK)
    equal(green.nb_write(w, b'abc'), 3)
    equal(reader.get(), b'abc')
    full = ramet.spawn(lambda: [green.nb_write(w, bytes(65536)) for _ in range(4)])
    ramet.sleep(TICK)
    while not full.dead:
        green.nb_read(r, 1 << 20)
    green.close(w)
    while green.nb_read(r, 1 << 20):
        pass
    equal(green.nb_read(r, 1), b'')
    equal(raises(OSError, green.nb_read, -1, 1).errno, errno.EBADF)


@test
def descriptors_that_block_are_used_by_threads():
    r, w = os.pipe()
    ticker = Ticker()
    reader = ramet.spawn(green.tp_read, r, 10)
    while ticker.count < 2:
        ramet.sleep(TICK)
    equal(green.tp_write(w, b'abc'), 3)
    equal(reader.get(), b'abc')


@test
def who_waits_for_what_is_closed_is_told():
    r, w = os.pipe()
    green.make_nonblocking(r)
    reader = ramet.spawn(lambda: raises(OSError, green.nb_read, r, 1).errno)
    ramet.sleep(TICK)
    green.close(r)
    equal(reader.get(), errno.EBADF)
    equal(raises(OSError, green.close, r).errno, errno.EBADF)
    equal(raises(OSError, green.close, -1).errno, errno.EBADF)
    raises(TypeError, green.close, 'x')


@test
def the_names_are_those_of_the_module():
    for name in green.__implements__:
        assert callable(getattr(os, name)) and getattr(green, name) is not getattr(os, name)
    assert green.path is os.path and green.environ is os.environ


@test
def nobody_else_runs_in_the_child_of_a_fork():
    r, w = os.pipe()

    def body():
        pid = green.fork()
        if not pid:
            os.write(w, b'child')
            os._exit(0)
        return pid
    forks = [ramet.spawn(body) for _ in range(4)]
    equal([os.WEXITSTATUS(green.waitpid(g.get(timeout=20), 0)[1]) for g in forks], [0] * 4)
    equal(os.read(r, 1000), b'child' * 4)


@test
def the_last_child_is_found_by_who_waits_for_any():
    for _ in range(5):
        pid = green.fork_and_watch()
        if not pid:
            time.sleep(0.05)
            os._exit(3)
        equal(green.waitpid(-1, 0), (pid, 3 << 8))
    equal(raises(ChildProcessError, green.waitpid, -1, 0).errno, errno.ECHILD)


main()
