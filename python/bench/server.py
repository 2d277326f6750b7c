"""A server to measure, of whatever `gevent` is: prints its port, and serves until it is killed.

    server.py echo|hello|flask

hello and flask are also WSGI applications for servers that are programs of their own.
"""
import sys

BODY = b"Hello, world\n"


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))])
    return [BODY]


def flask_application():
    from flask import Flask
    app = Flask(__name__)

    @app.route("/")
    def index():
        return BODY, {"Content-Type": "text/plain"}

    return app


def echo(sock, address):
    try:
        while data := sock.recv(4096):
            sock.sendall(data)
    except ConnectionError:
        pass  # the load is over


def listener():
    """TCP_NODELAY goes to the connections: gevent's pywsgi sends heads and bodies apart."""
    from gevent import socket
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.bind(("127.0.0.1", 0))
    sock.listen(4096)
    return sock


def server(kind, sock):
    if kind == "echo":
        from gevent.server import StreamServer
        return StreamServer(sock, echo)
    from gevent.pywsgi import WSGIServer
    return WSGIServer(sock, hello if kind == "hello" else flask_application(), log=None)


def main():
    sock = listener()
    print(sock.getsockname()[1], flush=True)
    server(sys.argv[1], sock).serve_forever()


if __name__ == "__main__":
    main()
