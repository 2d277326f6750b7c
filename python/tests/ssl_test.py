"""TLS: contexts are the standard library's, and what waits lets others run."""
import gc
import os
import ssl as stdlib
import subprocess
import tempfile

import ramet
from lib.tap import Skip, equal, main, raises, test

EARLY = stdlib.SSLContext(stdlib.PROTOCOL_TLS_CLIENT)  # before ours is imported

from ramet import socket, ssl  # noqa: E402

FILES = tempfile.TemporaryDirectory()
PEM = os.path.join(FILES.name, "pem")


def make_certificate():
    if os.path.exists(PEM):
        return
    try:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-keyout", PEM, "-out", PEM + ".crt",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError as e:
        raise Skip(f"openssl: {e}")
    with open(PEM, "a") as pem, open(PEM + ".crt") as crt:
        pem.write(crt.read())


def contexts(early=False):
    make_certificate()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(PEM)
    client = EARLY if early else ssl.create_default_context()
    client.load_verify_locations(PEM + ".crt")
    return server, client


def pair(**kwargs):
    """Both ends of a connection."""
    server, client = contexts(**kwargs)
    a, b = socket.socketpair()
    g = ramet.spawn(server.wrap_socket, a, server_side=True)
    mine = client.wrap_socket(b, server_hostname="localhost")
    return mine, g.get()


@test
def contexts_are_never_replaced():
    assert ssl.SSLContext is stdlib.SSLContext
    EARLY.options |= ssl.OP_NO_TICKET
    mine, theirs = pair(early=True)
    for sock in (mine, theirs):
        assert type(sock) is ssl.SSLSocket, sock
        assert isinstance(sock, stdlib.SSLSocket)
        assert isinstance(sock, socket.socket)


@test
def sockets_of_others_stay_with_the_standard_library():
    import socket as plain
    a, b = plain.socketpair()
    with EARLY.wrap_socket(a, server_hostname="localhost", do_handshake_on_connect=False) as sock:
        assert type(sock) is stdlib.SSLSocket, type(sock)
    b.close()


@test
def every_name_is_there():
    for name in ssl.__all__ + stdlib.__all__ if hasattr(stdlib, "__all__") else ssl.__all__:
        assert hasattr(ssl, name), name
    for name in ("SSLError", "CERT_REQUIRED", "PROTOCOL_TLS", "create_default_context", "wrap_socket", "MemoryBIO"):
        assert hasattr(ssl, name), name


@test
def data_goes_both_ways_while_others_run():
    mine, theirs = pair()
    ticks = []
    g = ramet.spawn(theirs.recv, 100)
    ramet.spawn(lambda: ticks.append(1))
    ramet.sleep(0.01)
    equal((g.ready(), ticks), (False, [1]))
    mine.sendall(b"hello")
    equal(g.get(), b"hello")
    equal(theirs.write(b"back"), 4)
    buffer = bytearray(10)
    equal((mine.recv_into(buffer), buffer[:4]), (4, b"back"))
    data = os.urandom(4 << 20)
    g = ramet.spawn(mine.sendall, memoryview(data))
    with theirs.makefile("rb") as f:
        equal(f.read(len(data)), data)
    g.get()


@test
def several_read_one_connection():
    mine, theirs = pair()
    got = []
    gs = [ramet.spawn(lambda: got.append(theirs.read(1))) for _ in range(4)]
    ramet.sleep(0.01)
    mine.sendall(b"abcd")
    ramet.joinall(gs, timeout=10, raise_error=True)
    equal(b"".join(got), b"abcd")


@test
def what_is_known_of_the_peer():
    mine, theirs = pair()
    equal(dict(x[0] for x in mine.getpeercert()["subject"]), {"commonName": "localhost"})
    assert mine.version().startswith("TLSv1") and mine.cipher() == theirs.cipher()
    assert mine.get_channel_binding("tls-unique")
    equal((mine.server_side, theirs.server_side, mine.server_hostname), (False, True, "localhost"))
    assert mine.context is not theirs.context
    raises(NotImplementedError, mine.dup)
    raises(NotImplementedError, mine.recvmsg, 1)
    raises(ValueError, mine.recvfrom, 1)
    raises(TypeError, ssl.SSLSocket)


@test
def a_session_is_used_again():
    server, client = contexts()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    session = None
    for turn in range(2):
        a, b = socket.socketpair()
        g = ramet.spawn(server.wrap_socket, a, server_side=True)
        mine = client.wrap_socket(b, server_hostname="localhost", session=session)
        equal((g.get().session_reused, mine.session_reused), (bool(turn), bool(turn)))
        session = mine.session
        mine.close()


@test
def timeouts_are_the_standard_librarys():
    mine, theirs = pair()
    mine.settimeout(0.02)
    equal(str(raises(socket.timeout, mine.recv, 1)), "The read operation timed out")
    equal(str(raises(socket.timeout, mine.sendall, b"x" * 2 ** 25)), "The write operation timed out")
    theirs.settimeout(0)
    theirs.recv(100000)
    _, client = contexts()
    a, b = socket.socketpair()
    b.settimeout(0.02)
    e = raises(socket.timeout, client.wrap_socket, b, server_hostname="localhost")
    assert "handshake operation timed out" in str(e), e
    a.close()


@test
def a_socket_that_does_not_block_says_what_it_wants():
    mine, theirs = pair()
    mine.setblocking(False)
    raises(ssl.SSLWantReadError, mine.recv, 1)
    try:
        while True:
            mine.send(b"x" * 65536)
    except ssl.SSLWantWriteError:
        pass
    _, client = contexts()
    a, b = socket.socketpair()
    b.setblocking(False)
    raises(ValueError, client.wrap_socket, b, server_hostname="localhost")


@test
def an_exception_leaves_the_connection_as_it_was():
    mine, theirs = pair()
    g = ramet.spawn(mine.recv, 10)
    ramet.sleep(0.01)
    g.kill()
    with ramet.Timeout(0.01, False):
        mine.recv(10)
        assert False
    theirs.sendall(b"later")
    equal(mine.recv(10), b"later")


@test
def a_close_is_heard_by_who_waits():
    mine, theirs = pair()
    g = ramet.spawn(mine.recv, 10)
    ramet.sleep(0.01)
    mine.close()
    equal(raises(OSError, g.get).errno, 9)
    equal(theirs.recv(1), b"")


@test
def unwrapping_gives_the_plain_socket_back():
    mine, theirs = pair()
    g = ramet.spawn(theirs.unwrap)
    plain = mine.unwrap()
    other = g.get()
    plain.sendall(b"plain")
    equal(other.recv(10), b"plain")
    raises(ValueError, mine.unwrap)


@test
def a_bad_certificate_is_refused():
    server, _ = contexts()
    a, b = socket.socketpair()
    g = ramet.spawn(server.wrap_socket, a, server_side=True)
    raises(ssl.SSLCertVerificationError, ssl.create_default_context().wrap_socket, b, server_hostname="localhost")
    raises(ssl.SSLError, g.get)


@test
def a_listener_accepts_with_tls():
    server, client = contexts()
    with socket.socket() as plain:
        plain.bind(("127.0.0.1", 0))
        plain.listen()
        address = plain.getsockname()
        listener = server.wrap_socket(plain, server_side=True)

    def serve():
        sock, _ = listener.accept()
        with sock:
            sock.sendall(sock.recv(100).upper())
            sock.unwrap()

    g = ramet.spawn(serve)
    with client.wrap_socket(socket.socket(), server_hostname="localhost") as sock:
        sock.connect(address)
        sock.sendall(b"via connect")
        equal(sock.recv(100), b"VIA CONNECT")
        sock.unwrap()
    g.get()
    g = ramet.spawn(lambda: listener.accept()[0])
    equal(ssl.get_server_certificate(address, ca_certs=None), open(PEM + ".crt").read())
    g.get().close()


@test
def wrapping_without_a_context():
    import warnings
    make_certificate()
    warnings.simplefilter("ignore")
    a, b = socket.socketpair()
    g = ramet.spawn(ssl.wrap_socket, a, certfile=PEM, server_side=True)
    mine = ssl.wrap_socket(b)
    assert type(mine) is ssl.SSLSocket and type(g.get()) is ssl.SSLSocket
    raises(ValueError, ssl.wrap_socket, b, server_side=True)


@test
def proof_of_identity_after_the_handshake():
    server, client = contexts()
    server.load_verify_locations(PEM + ".crt")
    server.verify_mode = ssl.CERT_REQUIRED
    server.post_handshake_auth = client.post_handshake_auth = True
    client.load_cert_chain(PEM)
    a, b = socket.socketpair()
    g = ramet.spawn(server.wrap_socket, a, server_side=True)
    mine, theirs = client.wrap_socket(b, server_hostname="localhost"), g.get()
    equal(theirs.getpeercert(), {} if theirs.getpeercert() == {} else None)
    theirs.verify_client_post_handshake()
    theirs.sendall(b"who?")
    g = ramet.spawn(theirs.recv, 10)
    equal(mine.recv(10), b"who?")
    mine.sendall(b"me")
    equal(g.get(), b"me")
    assert theirs.getpeercert()


@test
def dropped_connections_are_freed():
    import weakref
    mine, theirs = pair()
    refs = [weakref.ref(mine), weakref.ref(theirs)]
    mine.close()
    theirs.close()
    del mine, theirs
    gc.collect()
    equal([r() for r in refs], [None, None])


if __name__ == "__main__":
    main()
