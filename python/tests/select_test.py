"""select and poll."""
import os
import select as stdlib
import socket as plain

import ramet
from lib.tap import equal, main, raises, test
from ramet import select


@test
def others_run_while_one_waits():
    r, w = os.pipe()
    g = ramet.spawn(select.select, [r], [w], [], 10)
    equal(g.get(), ([], [w], []))
    g = ramet.spawn(select.select, [r], [], [])
    ramet.sleep(0.01)
    assert not g.ready()
    os.write(w, b"x")
    equal(g.get(), ([r], [], []))


@test
def time_limits():
    r, _ = os.pipe()
    for timeout in (0, 0.01, 1e-9):
        equal(select.select([r], [], [], timeout), ([], [], []))
    equal(select.select([], [], [], 0.01), ([], [], []))
    raises(ValueError, select.select, [r], [], [], -1)
    raises(TypeError, select.select, [r], [], [], "x")
    with ramet.Timeout(0.01, False):
        select.select([r], [], [])
        assert False


@test
def objects_come_back_as_they_were_given():
    a, b = plain.socketpair()
    b.send(b"x")
    equal(select.select((a, a.fileno()), iter([a]), []), ([a, a.fileno()], [a], []))
    b.close()
    equal(select.select([a], [], [a], 0), ([a], [], []))


@test
def mistakes():
    for wrong in ([object()], [-1], ["x"], 5):
        raises((TypeError, ValueError), select.select, wrong, [], [], 0)
    r, w = os.pipe()
    os.close(r)
    equal(raises(OSError, select.select, [r], [], [], 0).errno, 9)


@test
def poll_objects():
    r, w = os.pipe()
    p = select.poll()
    p.register(r, select.POLLIN)
    p.register(w)
    equal(p.poll(), [(w, select.POLLOUT)])
    p.modify(w, 0)
    equal(p.poll(0), [])
    equal(p.poll(5), [])
    equal(p.poll(0.1), [])
    g = ramet.spawn(p.poll)
    ramet.sleep(0.01)
    raises(RuntimeError, p.poll)
    os.write(w, b"x")
    equal(g.get(), [(r, select.POLLIN)])
    p.unregister(r)
    raises(KeyError, p.unregister, r)
    raises(FileNotFoundError, p.modify, r, select.POLLIN)
    os.close(w)
    equal(p.poll(), [(w, select.POLLNVAL)])
    raises(OverflowError, p.poll, 2 ** 40)
    raises(TypeError, p.register, "x")
    equal(p.poll(-1), [(w, select.POLLNVAL)])


@test
def more_descriptors_than_a_call_takes():
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    pipes = [os.pipe() for _ in range(1100)]
    p = select.poll()
    for r, _ in pipes:
        p.register(r, select.POLLIN)
    equal(p.poll(10), [])
    g = ramet.spawn(p.poll)
    ramet.sleep(0.01)
    assert not g.ready()
    os.write(pipes[1099][1], b"x")
    equal(g.get(), [(pipes[1099][0], select.POLLIN)])


@test
def every_name_is_there():
    for name in dir(stdlib):
        assert hasattr(select, name), name
    equal(select.__implements__, ["select", "poll"])


if __name__ == "__main__":
    main()
