"""Servers: what they accept, how many at a time, and how they stop."""
import errno
import os
import ssl as stdlib_ssl
import subprocess
import tempfile

import ramet
from lib.tap import Skip, equal, main, raises, test
from ramet import socket
from ramet.baseserver import BaseServer, parse_address
from ramet.event import Event
from ramet.pool import Pool
from ramet.server import DatagramServer, StreamServer

HERE = ('127.0.0.1', 0)


def connect(server):
    s = socket.socket()
    s.settimeout(10)
    s.connect(server.address)
    return s


def echo(s, address):
    while True:
        data = s.recv(100)
        if not data:
            break
        s.sendall(data)


def ask(s, data=b'hello'):
    s.sendall(data)
    return s.recv(100)


@test
def addresses_are_parsed():
    cases = [(('', 80), 10, ('', 80)), (('127.0.0.1', 80), 2, ('127.0.0.1', 80)), (('::1', 80), 10, ('::1', 80)),
             ((None, 80), 10, (None, 80)), ('80', 10, ('', 80)), (':80', 2, ('', 80)), ('h:80', 2, ('h', 80)),
             ('[::1]:80', 10, ('::1', 80)), (80, 10, ('', 80)), ('*:80', 2, ('', 80))]
    for given, family, address in cases:
        equal(parse_address(given), (family, address))
    for bad in ('/tmp/x', 'h:x', ''):
        raises(ValueError, parse_address, bad)
    for bad in ([1], None):
        raises(TypeError, parse_address, bad)


@test
def clients_are_served_each_by_a_greenlet():
    with StreamServer(HERE, echo) as server:
        equal((server.started, server.closed), (False, True))
        server.start()
        equal((server.started, server.closed, server.server_host), (True, False, '127.0.0.1'))
        assert server.server_port == server.socket.getsockname()[1]
        clients = [connect(server) for _ in range(20)]
        for i, c in enumerate(clients):
            equal(ask(c, b'%d' % i), b'%d' % i)
        for c in clients:
            c.close()
    equal((server.started, server.closed), (False, True))
    raises(AttributeError, server.start)


@test
def the_handlers_return_closes_the_socket():
    with StreamServer(HERE, lambda s, a: s.sendall(b'bye')) as server:
        server.start()
        c = connect(server)
        equal(c.recv(10) + c.recv(10), b'bye')


@test
def a_handlers_error_closes_the_socket_and_the_server_goes_on():
    def fail(s, address):
        s.recv(1) == b'x' and 1 / 0
    with StreamServer(HERE, fail) as server:
        server.start()
        for _ in range(3):
            c = connect(server)
            c.sendall(b'x')
            equal(c.recv(10), b'')


@test
def a_number_bounds_the_clients():
    with StreamServer(HERE, echo, spawn=1) as server:
        server.start()
        first, second = connect(server), connect(server)
        equal(ask(first), b'hello')
        assert server.full()
        second.sendall(b'x')
        ramet.sleep(0.05)
        equal(len(server.pool), 1)
        first.close()
        equal(second.recv(10), b'x')
        second.close()


@test
def spawn_may_be_a_pool_a_function_or_none():
    pool, spawned = Pool(2), []

    def spawn(*args):
        spawned.append(args)
        return ramet.spawn(*args)
    for how in (pool, spawn, ramet.spawn_raw, None, 'default'):
        with StreamServer(HERE, echo, spawn=how) as server:
            server.start()
            c = connect(server)
            equal(ask(c), b'hello')
            equal(len(pool), int(how is pool))
            c.close()
    equal(len(spawned), 1)
    raises(ValueError, StreamServer, HERE, echo, spawn=-1)


@test
def stop_kills_the_handlers_of_a_pool_after_its_time():
    ended = []

    def handle(s, address):
        try:
            ramet.sleep(60)
        finally:
            ended.append(address)
    server = StreamServer(HERE, handle, spawn=10)
    server.start()
    c = connect(server)
    ramet.sleep(0.01)
    server.stop(timeout=0.01)
    equal(len(ended), 1)
    equal(c.recv(1), b'')


@test
def serve_forever_ends_when_it_is_stopped():
    server = StreamServer(HERE, echo)
    ramet.spawn_later(0.01, server.stop)
    server.serve_forever()
    equal(server.started, False)
    server = StreamServer(HERE, lambda s, a: server.stop())
    g = ramet.spawn(server.serve_forever)
    ramet.sleep(0.01)
    connect(server).recv(1)
    g.join(10)
    assert g.ready()


@test
def sockets_that_listen_are_taken_of_the_standard_library_too():
    import socket as stdlib
    for module in (socket, stdlib):
        listener = module.socket()
        listener.bind(HERE)
        listener.listen()
        with StreamServer(listener, echo) as server:
            server.start()
            equal(ask(connect(server)), b'hello')
        raises(TypeError, StreamServer, listener, echo, backlog=3)
        listener.close()


@test
def an_error_of_accept_is_reported_and_tried_again_but_for_those_that_are_fatal():
    reported = []
    ramet.get_hub().handle_error = lambda context, *exc: reported.append(exc[1])

    class Server(StreamServer):
        errors = [OSError(errno.EMFILE, 'too many'), OSError(errno.EBADF, 'closed')]

        def do_read(self):
            raise self.errors.pop(0)
    server = Server(HERE, echo)
    server.start()
    ramet.sleep(0.1)
    equal([e.errno for e in reported], [errno.EMFILE, errno.EBADF])
    equal(server.started, False)


@test
def what_is_wrong_is_said_at_once():
    raises(TypeError, StreamServer, HERE)
    raises(TypeError, StreamServer, [1], echo)
    first = StreamServer(HERE, echo)
    first.start()
    e = raises(OSError, StreamServer(first.address, echo).start)
    equal(e.errno, errno.EADDRINUSE)
    assert str(first.address) in str(e)
    first.stop()

    class Base(BaseServer):
        max_accept = 0
    raises(ValueError, Base, HERE, echo)


@test
def datagrams_are_handled_and_answered():
    class Server(DatagramServer):
        def handle(self, data, address):
            self.sendto(data + b'!', address)
    with Server(HERE) as server:
        server.start()
        c = socket.socket(type=socket.SOCK_DGRAM)
        c.settimeout(10)
        for i in range(3):
            c.sendto(b'%d' % i, server.address)
            equal(c.recv(10), b'%d!' % i)


@test
def a_server_of_tls_shakes_hands_in_the_handlers_greenlet():
    from ramet import ssl
    with tempfile.TemporaryDirectory() as d:
        try:
            subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', d + '/k', '-out',
                            d + '/c', '-subj', '/CN=localhost', '-days', '2'], check=True, capture_output=True)
        except FileNotFoundError:
            raise Skip('no openssl')
        context = ssl.SSLContext(stdlib_ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(d + '/c', d + '/k')
    client = ssl.SSLContext(stdlib_ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, stdlib_ssl.CERT_NONE
    with StreamServer(HERE, echo, ssl_context=context) as server:
        assert server.ssl_enabled
        server.start()
        silent = connect(server)
        c = client.wrap_socket(connect(server))
        equal(ask(c), b'hello')
        c.close()
        silent.close()


@test
def many_come_and_go_and_nothing_is_kept():
    done = Event()
    left = [201]

    def handle(s, address):
        left[0] -= 1
        left[0] or done.set()
    with StreamServer(HERE, handle) as server:
        server.start()
        connect(server).recv(1)
        before = len(os.listdir('/proc/self/fd'))
        for _ in range(200):
            c = connect(server)
            equal(c.recv(1), b'')
            c.close()
        assert done.wait(10)
        for _ in range(500):
            if len(os.listdir('/proc/self/fd')) == before:
                return
            ramet.sleep(0.01)
    raise AssertionError(os.listdir('/proc/self/fd'))


main()
