"""The HTTP servers that are compared: each on one CPU, on a port of its choice."""
import contextlib
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from harness import BUILD, CPUS, ROOT, child, read_line

COUNTING = ("ramet", "epoll")  # say how many system calls they make, when asked
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 16384; }}
http {{
  access_log off; default_type text/plain; sendfile {sendfile}; keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096{tls};
    {content}
  }}
}}
"""
TLS = """ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;"""


def program(name):
    return BUILD / "bench" / f"http-{name}"


def present(name):
    if name in ("nginx", "node"):
        return shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin") is not None
    return program(name).exists()


@contextlib.contextmanager
def folder():
    """A temporary directory that nginx's worker, another user, may read."""
    with tempfile.TemporaryDirectory(prefix="ramet-bench-") as path:
        path = pathlib.Path(path)
        path.chmod(0o755)
        yield path


def make_certificate(where):
    """A key on P-256 and its own certificate: what most of the web's servers show today."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=localhost", "-days", "2", "-keyout", where / "key.pem", "-out",
                    where / "cert.pem"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return where / "cert.pem", where / "key.pem"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, p):
    """Until somebody listens there."""
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        if p.poll() is not None:
            break
        time.sleep(0.01)
    raise RuntimeError(f"{p.args[0]} does not start")


def write_config(where, port, files, pair):
    content = f"root {files};" if files else r'location / { return 200 "Hello, world\n"; }'
    if pair:
        content = TLS.format(cert=pair[0], key=pair[1]) + content
    config = where / "nginx.conf"
    config.write_text(NGINX.format(folder=where, port=port, tls=" ssl" if pair else "", content=content,
                                   sendfile="on" if files else "off"))
    return config


@contextlib.contextmanager
def nginx(files, pair):
    with folder() as where:
        port = free_port()
        config = write_config(where, port, files, pair)
        with child(["nginx", "-c", config, "-p", where], CPUS[0], stderr=subprocess.DEVNULL) as p:
            wait_for(port, p)
            yield p, port


def command_of(name, files, pair, head_time):
    if name == "node":
        return ["node", ROOT / "bench" / "http" / "node.js"]
    if name == "epoll":  # has no files, but answers of their size
        return [program(name), *([max(f.stat().st_size for f in pathlib.Path(files).iterdir())] if files else [])]
    options = {"-f": files, "-t": ",".join(map(str, pair)) if pair else None, "-d": head_time}
    return [program(name), *(word for name, value in options.items() if value for word in (name, value))]


@contextlib.contextmanager
def server(name, files=None, pair=None, head_time=None):
    """Its process, which leads a group, and its port; it says hello, or serves the directory `files`."""
    if name == "nginx":
        with nginx(files, pair) as started:
            yield started
        return
    with child(command_of(name, files, pair, head_time), CPUS[0]) as p:
        yield p, int(read_line(p.stdout))
