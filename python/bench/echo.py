"""Echo over 50 connections: what a message costs the server, here and under gevent.

    echo.py [seconds] [rounds]

Prints microseconds of CPU (user, system) per message of 64 bytes, and the ratio of the best rounds.  Each server is a
process of its own; the client is the same for both and takes turns with them.
"""
import os
import resource
import select
import socket
import subprocess
import sys
import time

CONNECTIONS = 50
MESSAGE = b"x" * 64


def serve(package):
    """The server's process: until its standard input ends, then print what it has used."""
    gevent = __import__(package, fromlist=["_"])
    net = __import__(package + ".socket", fromlist=["_"])
    listener = net.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)

    def echo(sock):
        sock.setsockopt(net.IPPROTO_TCP, net.TCP_NODELAY, 1)
        while True:
            data = sock.recv(4096)
            if not data:
                return
            sock.sendall(data)

    def accept():
        while True:
            sock, _ = listener.accept()
            gevent.spawn(echo, sock)

    print(listener.getsockname()[1], flush=True)
    gevent.spawn(accept)
    net.wait_read(0)
    before = resource.getrusage(resource.RUSAGE_SELF)
    os.read(0, 1)
    net.wait_read(0)
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime, flush=True)
    os._exit(0)


def connect(port):
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def converse(socks, seconds):
    """Each connection sends when it has its answer.  How many answers came."""
    epoll = select.epoll()
    by_fd = {s.fileno(): s for s in socks}
    count, end = 0, time.monotonic() + seconds
    for fd in by_fd:
        epoll.register(fd, select.EPOLLIN)
    for s in socks:
        s.send(MESSAGE)
    while time.monotonic() < end:
        for fd, _ in epoll.poll():
            by_fd[fd].recv(4096)
            by_fd[fd].send(MESSAGE)
            count += 1
    for s in socks:  # the last answers
        s.recv(4096)
    return count


def measure(package, seconds):
    """(user, system) microseconds per message."""
    p = subprocess.Popen([sys.executable, __file__, "serve", package], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    port = int(p.stdout.readline())
    socks = [connect(port) for _ in range(CONNECTIONS)]
    converse(socks, 0.2)
    p.stdin.write(b"1")
    p.stdin.flush()
    count = converse(socks, seconds)
    p.stdin.write(b"2")
    p.stdin.flush()
    user, system = map(float, p.stdout.readline().split())
    p.wait()
    p.stdin.close()
    for s in socks:
        s.close()
    return user / count * 1e6, system / count * 1e6, count / seconds


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    best = {}
    for _ in range(rounds):
        for package in ("ramet", "gevent"):
            user, system, rate = measure(package, seconds)
            print(f"{package}: user {user:.2f} system {system:.2f} us a message; {rate:.0f} messages/s")
            best[package] = min(best.get(package, 1e9), user + system)
    print(f"CPU a message: ramet {best['ramet']:.2f} us, gevent {best['gevent']:.2f} us: "
          f"{best['gevent'] / best['ramet']:.2f}x")


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(sys.argv[2])
    else:
        main()
