"""paramiko, unmodified: a server and its clients in one OS thread."""
import contextlib
import socket

import ramet
from lib.programs import LIMIT, get_all, need, until
from lib.tap import equal, main, raises, test
from ramet import monkey
from ramet.event import Event
from ramet.server import StreamServer


def paramiko():
    module = need("paramiko")
    monkey.patch_all()
    return module


class World:
    """A server whose commands echo their input once enough of them have come."""

    def __init__(self, n):
        p = paramiko()
        self.key = p.ECDSAKey.generate()
        self.n, self.inside, self.all_here = n, 0, Event()
        self.server = StreamServer(("127.0.0.1", 0), self.serve)
        world = self

        class Interface(p.ServerInterface):
            def get_allowed_auths(self, username):
                return "password"

            def check_auth_password(self, username, password):
                return p.AUTH_SUCCESSFUL if password == "right" else p.AUTH_FAILED

            def check_channel_request(self, kind, number):
                return p.OPEN_SUCCEEDED

            def check_channel_exec_request(self, channel, command):
                ramet.spawn(world.run, channel, command)
                return True
        self.Interface = Interface

    def serve(self, sock, address):
        transport = paramiko().Transport(sock)
        transport.add_server_key(self.key)
        with contextlib.suppress(paramiko().SSHException, EOFError):
            transport.start_server(server=self.Interface())
            transport.join()
        transport.close()

    def run(self, channel, command):
        self.inside += 1
        if self.inside == self.n:
            self.all_here.set()
        assert self.all_here.wait(LIMIT)
        with channel, channel.makefile("rb") as source:
            channel.sendall(command + b": " + source.read())
            channel.send_exit_status(7)

    @contextlib.contextmanager
    def client(self, password="right"):
        client = paramiko().SSHClient()
        client.set_missing_host_key_policy(paramiko().AutoAddPolicy())
        with client:
            client.connect("127.0.0.1", self.server.server_port, "me", password, look_for_keys=False,
                           allow_agent=False, banner_timeout=LIMIT, auth_timeout=LIMIT)
            yield client


@contextlib.contextmanager
def world(n):
    w = World(n)
    w.server.start()
    yield w
    w.server.stop(timeout=1)


def echo(client, n, text=b"hello"):
    sent, got, _ = client.exec_command(str(n))
    sent.write(text)
    sent.channel.shutdown_write()
    equal(got.read(), b"%d: " % n + text)
    return got.channel.recv_exit_status()


@test
def commands_run_at_once_on_one_connection_and_on_several():
    def several(k):
        with w.client() as client:
            return get_all([ramet.spawn(echo, client, 10 * k + n) for n in range(10)])
    with world(30) as w:
        equal(get_all([ramet.spawn(several, k) for k in range(3)]), [[7] * 10] * 3)
        equal(w.inside, 30)


@test
def much_is_carried():
    with world(1) as w, w.client() as client:
        equal(echo(client, 1, b"x" * 3000000), 7)


@test
def errors_are_its_own():
    with world(1) as w:
        raises(paramiko().AuthenticationException, w.client("wrong").__enter__)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        raises(OSError, paramiko().SSHClient().connect, "127.0.0.1", s.getsockname()[1])


@test
def a_timeout_or_a_kill_ends_a_wait():
    def limited():
        with ramet.Timeout(0.3):
            echo(client, 1)
    with world(3) as w, w.client() as client:
        raises(ramet.Timeout, limited)
        g = ramet.spawn(echo, client, 2)
        until(lambda: w.inside == 2)
        g.kill(timeout=20)
        assert isinstance(g.value, ramet.GreenletExit), g.exception
        equal(echo(client, 3), 7)


main()
