"""Sockets: what blocks only the greenlet, and who hears of what."""
import errno
import gc
import os
import socket as stdlib
import tempfile
import threading
import time
import weakref

import ramet
from lib.tap import Skip, equal, main, raises, test
from ramet import monkey, socket


def listener(family=socket.AF_INET, address=("127.0.0.1", 0)):
    sock = socket.socket(family)
    sock.bind(address)
    sock.listen()
    return sock


def connected():
    """Both ends of a TCP connection."""
    with listener() as sock:
        client = socket.create_connection(sock.getsockname())
        server, address = sock.accept()
        equal(address, client.getsockname())
        return client, server


def fill(sock):
    """Send until there is no room."""
    sock.setblocking(False)
    try:
        while True:
            sock.send(b"x" * 65536)
    except BlockingIOError:
        sock.setblocking(True)


def parked(*functions):
    """Greenlets that have run until they wait."""
    gs = [ramet.spawn(f) for f in functions]
    ramet.sleep(0.01)
    assert not any(g.ready() for g in gs), gs
    return gs


@test
def a_socket_is_one_of_the_standard_librarys():
    with socket.socket() as sock:
        assert isinstance(sock, stdlib.socket)
        equal((sock.family, sock.type, sock.proto), (socket.AF_INET, socket.SOCK_STREAM, 0))
        equal(repr(sock.family), repr(stdlib.AF_INET))
        assert sock._sock is sock
        assert sock.fileno() >= 0
        assert not sock.get_inheritable()
    equal(sock.fileno(), -1)
    assert "[closed]" in repr(sock), sock


@test
def every_name_is_there():
    for name in socket.__all__:
        assert hasattr(socket, name), name
    for name in stdlib.__all__:
        assert hasattr(socket, name), name
    for name in ("wait_read", "wait_write", "wait_readwrite", "cancel_wait", "cancel_wait_ex", "_GLOBAL_DEFAULT_TIMEOUT"):
        assert hasattr(socket, name), name


@test
def others_run_while_one_waits():
    client, server = connected()
    order = []

    def receive():
        order.append(("before",))
        order.append(server.recv(10))

    g = ramet.spawn(receive)
    ramet.sleep(0)
    order.append("between")
    client.sendall(b"data")
    g.join()
    equal(order, [("before",), "between", b"data"])


@test
def a_greenlet_that_nobody_knows_waits_nevertheless():
    client, server = connected()
    got = []

    def receive():
        got.append(server.recv(10))

    ramet.spawn_raw(receive)
    ramet.sleep(0.01)
    gc.collect()
    client.send(b"x")
    ramet.sleep(0.01)
    equal(got, [b"x"])


@test
def several_receive_in_the_order_in_which_they_came():
    client, server = connected()
    got = []
    gs = parked(*[lambda i=i: got.append((i, server.recv(1))) for i in range(4)])
    for c in b"abcd":
        client.send(bytes([c]))
    ramet.joinall(gs)
    equal(got, [(0, b"a"), (1, b"b"), (2, b"c"), (3, b"d")])


@test
def several_accept():
    with listener() as sock:
        gs = parked(*[sock.accept for _ in range(3)])
        clients = [socket.create_connection(sock.getsockname()) for _ in range(3)]
        ramet.joinall(gs, raise_error=True)
        equal({g.value[1] for g in gs}, {c.getsockname() for c in clients})


@test
def what_closes_tells_those_who_wait():
    client, server = connected()
    sock = listener()
    fill(server)
    gs = parked(lambda: server.recv(1), lambda: server.sendall(b"x" * 2 ** 24), sock.accept,
                lambda: socket.wait_read(sock), lambda: server.recvmsg(1))
    server.close()
    sock.close()
    for g in gs:
        e = raises(OSError, g.get)
        equal((e.errno, e.strerror), (errno.EBADF, "File descriptor was closed in another greenlet"))


@test
def a_closed_socket_is_a_bad_descriptor():
    sock = socket.socket()
    sock.close()
    for call in (lambda: sock.recv(1), lambda: sock.send(b"x"), sock.accept, lambda: sock.connect(("127.0.0.1", 1)),
                 lambda: sock.sendto(b"x", ("127.0.0.1", 1)), lambda: sock.recv_into(bytearray(1))):
        equal(raises(OSError, call).errno, errno.EBADF)
    sock.close()


@test
def timeouts_are_the_standard_librarys():
    client, server = connected()
    equal((client.timeout, client.gettimeout(), client.getblocking()), (None, None, True))
    client.settimeout(0.02)
    equal(client.timeout, 0.02)
    fill(server)
    server.settimeout(0.02)
    with listener() as sock:
        sock.settimeout(0.02)
        equal(str(raises(socket.timeout, sock.accept)), "timed out")
    for call in (lambda: server.recv(1), lambda: server.recv_into(bytearray(1)), lambda: server.recvfrom(1),
                 lambda: server.recvmsg(1), lambda: server.sendall(b"x" * 2 ** 24)):
        equal(str(raises(socket.timeout, call)), "timed out")
    client.settimeout(0)
    assert not client.getblocking()
    while True:  # what is there comes at once
        try:
            client.recv(2 ** 20)
        except BlockingIOError:
            break
    raises(BlockingIOError, client.recvmsg, 1)
    client.setblocking(True)
    equal(client.timeout, None)
    raises(ValueError, client.settimeout, -1)
    raises(TypeError, client.settimeout, "x")
    raises(ValueError, client.settimeout, float("nan"))


@test
def the_default_timeout_is_for_new_sockets():
    with listener() as sock:
        stdlib.setdefaulttimeout(0.5)
        client = socket.create_connection(sock.getsockname())
        server, _ = sock.accept()
        equal([s.timeout for s in (client, server, socket.socket(), sock)], [0.5, 0.5, 0.5, None])


@test
def an_exception_leaves_the_socket_as_it_was():
    client, server = connected()
    g, = parked(lambda: server.recv(10))
    g.kill()
    assert isinstance(g.value, ramet.GreenletExit)
    with raises_timeout(0.01):
        server.recv(10)
    client.sendall(b"later")
    equal(server.recv(10), b"later")
    fill(server)
    g, = parked(lambda: server.sendall(b"y" * 2 ** 20))
    g.kill()
    assert server.fileno() >= 0
    server.close()


class raises_timeout:
    def __init__(self, seconds):
        self.timeout = ramet.Timeout(seconds)

    def __enter__(self):
        self.timeout.start()

    def __exit__(self, kind, value, traceback):
        assert value is self.timeout, value
        return True


@test
def a_timeout_ends_every_kind_of_wait():
    client, server = connected()
    fill(server)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    with listener() as sock:
        for call in (sock.accept, lambda: client.recv(2 ** 26, socket.MSG_WAITALL), lambda: server.sendall(b"x" * 2 ** 26),
                     lambda: udp.recvfrom(1), lambda: udp.recvmsg(1), lambda: udp.recvfrom_into(bytearray(1)),
                     lambda: socket.wait_read(udp)):
            with raises_timeout(0.01):
                call()


@test
def sendall_takes_memory_of_any_shape():
    client, server = connected()
    data = os.urandom(1 << 20)
    view = memoryview(data)
    shapes = [data, bytearray(data), view, view.cast("I"), view.cast("B", [1024, 1024])]
    for shape in shapes:
        g = ramet.spawn(client.sendall, shape)
        equal(server.recv(len(data), socket.MSG_WAITALL), data)
        g.get()
    raises(BufferError, client.sendall, view[::2])
    raises(TypeError, client.sendall, "text")
    client.sendall(b"")


@test
def send_sends_all_as_a_blocking_socket_does():
    client, server = connected()
    data = b"z" * (8 << 20)
    g = ramet.spawn(client.send, data)
    equal(len(server.recv(len(data), socket.MSG_WAITALL)), len(data))
    equal(g.get(), len(data))
    client.settimeout(5)
    assert 0 < client.send(data) < len(data)


@test
def receiving_into_buffers():
    client, server = connected()
    client.sendall(b"0123456789")
    buffer = bytearray(b"........")
    equal(server.recv_into(buffer, 3), 3)
    equal(server.recv_into(memoryview(buffer)[3:], flags=0), 5)
    equal(buffer, b"01234567")
    equal(server.recv(0), b"")
    equal(server.recv(1, socket.MSG_PEEK), b"8")
    equal(server.recv(100000), b"89")
    raises(ValueError, server.recv, -1)
    raises(ValueError, server.recv_into, bytearray(1), 2)
    raises(TypeError, server.recv_into, b"constant")


@test
def datagrams():
    a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    a.bind(("127.0.0.1", 0))
    b.bind(("127.0.0.1", 0))
    g, = parked(lambda: a.recvfrom(100))
    equal(b.sendto(b"one", a.getsockname()), 3)
    equal(g.get(), (b"one", b.getsockname()))
    equal(b.sendto(b"", 0, ("localhost", a.getsockname()[1])), 0)
    equal(a.recvfrom(1)[0], b"")
    b.connect(a.getsockname())
    g, = parked(lambda: a.recvmsg(100))
    equal(b.sendmsg([b"t", b"wo"]), 3)
    equal(g.get(), (b"two", [], 0, b.getsockname()))
    buffer = bytearray(5)
    g, = parked(lambda: a.recvfrom_into(buffer))
    b.send(b"three")
    equal((g.get(), buffer), ((5, b.getsockname()), b"three"))


@test
def ipv6_addresses():
    try:
        sock = listener(socket.AF_INET6, ("::1", 0))
    except OSError as e:
        raise Skip(f"no IPv6: {e}")
    g, = parked(sock.accept)
    client = socket.socket(socket.AF_INET6)
    client.connect(("::1", sock.getsockname()[1]))
    equal(g.get()[1], client.getsockname())
    equal(len(client.getsockname()), 4)
    raises(OverflowError, client.connect_ex, ("::1", 1, 2 ** 20))


@test
def unix_sockets():
    with tempfile.TemporaryDirectory() as d:
        sock = listener(socket.AF_UNIX, d + "/socket")
        client = socket.socket(socket.AF_UNIX)
        g, = parked(sock.accept)
        client.connect(d + "/socket")
        equal(g.get()[1], "")
        equal(client.getpeername(), d + "/socket")
        client.close()
        one, other = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
        one.bind(d + "/one")
        other.bind(b"\0ramet-test-%d" % os.getpid())
        other.sendto(b"x", d + "/one")
        equal(one.recvfrom(1), (b"x", b"\0ramet-test-%d" % os.getpid()))
        g = ramet.spawn(lambda: [other.sendto(b"y", d + "/one") for _ in range(2000)])
        equal([one.recv(1) for _ in range(2000)], [b"y"] * 2000)
        g.get()
        raises(OSError, one.connect, "x" * 200)


@test
def addresses_are_checked():
    sock = socket.socket()
    for address, kind in ((("127.0.0.1",), TypeError), ("127.0.0.1", TypeError), (("127.0.0.1", -1), OverflowError),
                          (("127.0.0.1", 2 ** 16), OverflowError), (("127.0.0.1", "80"), TypeError),
                          ((None, 80), TypeError), (("a\0b", 80), TypeError), (("nosuch.invalid", 80), socket.gaierror)):
        raises(kind, sock.connect, address)
    sock.bind((b"localhost", 0))
    equal(sock.getsockname()[0], "127.0.0.1")


@test
def connections_that_fail():
    with listener() as sock:
        address = sock.getsockname()
    client = socket.socket()
    equal(client.connect_ex(address), errno.ECONNREFUSED)
    raises(ConnectionRefusedError, client.connect, address)
    raises(ConnectionRefusedError, socket.create_connection, address)
    e = raises(BaseException, socket.create_connection, address, all_errors=True)
    equal([type(x) for x in getattr(e, "exceptions", [e])], [ConnectionRefusedError])  # a group since 3.11
    client.setblocking(False)
    assert client.connect_ex(address) in (errno.EINPROGRESS, errno.ECONNREFUSED)


@test
def connections_are_made_of_the_class_that_a_patched_module_has():
    class Proxied(stdlib.socket):
        pass
    with listener() as sock:
        stdlib.socket = Proxied
        assert type(socket.create_connection(sock.getsockname())) is socket.socket
        monkey.patch_socket()
        stdlib.socket = type("Proxied", (socket.socket,), {})
        assert type(stdlib.create_connection(sock.getsockname())) is stdlib.socket


@test
def descriptors_of_others():
    a, b = stdlib.socketpair()
    ours = socket.socket(fileno=a.detach())
    equal((ours.family, ours.type, os.get_blocking(ours.fileno())), (socket.AF_UNIX, socket.SOCK_STREAM, True))
    g, = parked(lambda: ours.recv(10))
    b.send(b"x")
    equal(g.get(), b"x")
    assert os.get_blocking(ours.fileno())
    copy = socket.fromfd(ours.fileno(), ours.family, ours.type)
    ours.close()
    g, = parked(lambda: copy.recv(10))
    b.send(b"y")
    equal(g.get(), b"y")
    third = copy.dup()
    assert type(third) is socket.socket and third.fileno() != copy.fileno()
    foreign = stdlib.socket()
    foreign.bind(("127.0.0.1", 0))
    foreign.listen()
    sock = socket.socket(fileno=foreign.detach())
    g, = parked(sock.accept)
    client = socket.create_connection(sock.getsockname())
    equal(g.get()[1], client.getsockname())
    raises(OSError, socket.socket, fileno=99)


@test
def a_detached_descriptor_is_the_callers():
    client, server = connected()
    equal(os.get_blocking(server.fileno()), False)
    g, = parked(lambda: server.recv(1))
    fd = server.detach()
    equal(raises(OSError, g.get).errno, errno.EBADF)
    equal(server.fileno(), -1)
    again = socket.socket(fileno=fd)
    g, = parked(lambda: again.recv(1))
    client.send(b"x")
    equal(g.get(), b"x")
    os.close(again.detach())
    a, b = stdlib.socketpair()  # the number is used again
    ours = socket.socket(fileno=a.detach())
    g, = parked(lambda: ours.recv(1))
    b.send(b"z")
    equal(g.get(), b"z")


@test
def files_of_a_socket():
    client, server = connected()
    with server.makefile("rwb") as f, client.makefile("r", encoding="utf-8") as text:
        g, = parked(text.readline)
        f.write("zeile ä\n".encode())
        f.flush()
        equal(g.get(), "zeile ä\n")
        server.close()
        assert server.fileno() >= 0
    equal(server.fileno(), -1)
    equal(client.recv(1), b"")


@test
def a_file_is_sent():
    client, server = connected()
    with tempfile.TemporaryFile() as f:
        data = os.urandom(3 << 20)
        f.write(data)
        f.seek(0)
        g = ramet.spawn(client.sendfile, f, 5)
        equal(server.recv(len(data) - 5, socket.MSG_WAITALL), data[5:])
        equal((g.get(), f.tell()), (len(data) - 5, len(data)))
        g = ramet.spawn(client.sendfile, f, 0, 1000)
        equal(server.recv(1000, socket.MSG_WAITALL), data[:1000])
        equal((g.get(), f.tell()), (1000, 1000))


@test
def descriptors_are_sent():
    a, b = socket.socketpair()
    r, w = os.pipe()
    g, = parked(lambda: socket.recv_fds(b, 10, 1))
    socket.send_fds(a, [b"pipe"], [w])
    data, fds, _, _ = g.get()
    os.write(fds[0], b"through")
    equal((data, os.read(r, 10)), (b"pipe", b"through"))


@test
def waiting_for_descriptors():
    r, w = os.pipe()
    gs = parked(lambda: socket.wait_read(r), lambda: socket.wait_read(r, timeout=10))
    os.write(w, b"x")
    for g in gs:
        equal(g.get(), None)
    socket.wait_write(w)
    socket.wait_readwrite(w, timeout=0)
    os.read(r, 1)
    raises(socket.timeout, socket.wait_read, r, 0.01)
    raises(KeyError, socket.wait_read, r, 0.01, KeyError("k"))
    raises(ValueError, socket.wait_read, r, timeout=0, timeout_exc=ValueError)
    os.close(r)
    equal(raises(OSError, socket.wait_read, r).errno, errno.EBADF)
    raises(TypeError, socket.wait_read, None)
    raises(TypeError, socket.wait_read)


@test
def the_hub_never_blocks():
    client, server = connected()
    errors = []

    def callback():
        for call in (lambda: server.recv(1), lambda: socket.wait_read(server)):
            errors.append(type(raises(AssertionError, call)).__name__)
        client.send(b"x")
        errors.append(server.recv(1))

    ramet.get_hub().loop.run_callback(callback)
    ramet.sleep(0.01)
    equal(errors, ["BlockingSwitchOutError"] * 2 + [b"x"])


@test
def raw_switches_into_a_wait_are_refused():
    client, server = connected()
    seen = []

    def receive():
        try:
            server.recv(1)
        except AssertionError as e:
            seen.append(type(e).__name__)

    raw = ramet.spawn_raw(receive)
    ramet.sleep(0.01)
    other = ramet.spawn(raw.switch, "value")
    ramet.sleep(0.01)
    equal((seen, raw.dead, other.ready()), (["InvalidSwitchError"], True, False))


@test
def signals_reach_the_main_greenlet():
    import signal
    client, server = connected()
    fired = []
    signal.signal(signal.SIGALRM, lambda *a: fired.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    ramet.spawn_later(0.05, client.send, b"x")
    equal((server.recv(1), fired), (b"x", [1]))

    def interrupt(*a):
        raise InterruptedError("mine")

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    equal(str(raises(InterruptedError, server.recv, 1)), "mine")
    client.send(b"y")
    equal(server.recv(1), b"y")


@test
def every_os_thread_has_its_own_loop():
    client, server = connected()
    got = []

    def work():
        g = ramet.spawn(server.recv, 10)
        got.append(g.get())

    t = threading.Thread(target=work)
    t.start()
    time.sleep(0.02)
    client.send(b"there")
    while t.is_alive():
        ramet.sleep(0.005)
    equal(got, [b"there"])


@test
def closing_in_another_os_thread_is_heard():
    client, server = connected()
    errors = []
    t = threading.Thread(target=lambda: errors.append(raises(OSError, server.recv, 1).errno))
    t.start()
    time.sleep(0.05)
    server.close()
    t.join(10)
    equal((t.is_alive(), errors), (False, [errno.EBADF]))


@test
def what_is_dropped_is_closed_with_a_warning():
    import warnings
    sock = socket.socket()
    fd, gone = sock.fileno(), weakref.ref(sock)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        del sock
        gc.collect()
    equal([w.category for w in seen], [ResourceWarning])
    del seen[:]  # which know of it
    gc.collect()
    assert gone() is None
    raises(OSError, os.fstat, fd)


@test
def subclasses():
    class Mine(socket.socket):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.extra = 1

        def recv(self, n):
            return super().recv(n).upper()

    a, b = socket.socketpair()
    mine = Mine(fileno=a.detach())
    g, = parked(lambda: mine.recv(10))
    b.send(b"abc")
    equal((g.get(), mine.extra), (b"ABC", 1))
    assert type(mine.dup()) is Mine


@test
def nothing_is_lost_over_many_sockets():
    def round_trip():
        a, b = socket.socketpair()
        g = ramet.spawn(b.recv, 100)
        a.send(b"x")
        g.get()
        a.close()
        b.close()

    import sys
    for _ in range(200):
        round_trip()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(2000):
        round_trip()
    gc.collect()
    assert sys.getallocatedblocks() - before < 300, sys.getallocatedblocks() - before


@test
def what_is_detached_blocks_as_the_socket_did():
    for timeout, blocks in ((None, True), (0, False), (5, False)):
        a, b = socket.socketpair()
        a.settimeout(timeout)
        fd = a.detach()
        equal((os.get_blocking(fd), os.get_blocking(b.fileno())), (blocks, False))
        os.close(fd)
        b.close()


@test
def a_call_of_send_can_have_a_limit_of_its_own():
    a, b = socket.socketpair()
    fill = bytes(1 << 16)
    raises(socket.timeout, lambda: [a.send(fill, timeout=0.01) for _ in range(1000)])
    raises(BlockingIOError, a.send, fill, timeout=0)
    equal(a.gettimeout(), None)
    b.recv(1 << 16)
    assert 0 < a.send(fill, timeout=20) <= len(fill)
    a.settimeout(0.01)
    reader = ramet.spawn(lambda: sum(len(b.recv(1 << 16)) for _ in range(20)))
    equal(a.send(fill * 2, 0, None), len(fill) * 2)  # without a limit all of it
    reader.kill()
    a.close()
    equal(raises(OSError, a.send, b"x", timeout=1).errno, errno.EBADF)
    b.close()


@test
def nobody_waits_for_those_who_wait_for_a_socket_without_ref():
    a, b = socket.socketpair()
    assert a.ref
    a.ref = False
    waiting = ramet.spawn(a.recv, 1)
    assert ramet.wait(timeout=20)
    assert not waiting.ready()
    b.send(b"x")
    equal(waiting.get(timeout=20), b"x")
    assert not a.ref and not a._read_event.ref and not a._write_event.ref and b._read_event.ref
    a.ref = True
    waiting = ramet.spawn(a.recv, 1)
    assert not ramet.wait(timeout=0.01)
    b.send(b"y")
    equal(waiting.get(timeout=20), b"y")
    a.close()
    b.close()


if __name__ == "__main__":
    main()
