"""A MariaDB of a test's own, reached by a socket in a directory of its own."""
import contextlib
import os
import shutil
import subprocess
import tempfile
import time

from lib.tap import Skip

LIMIT = 60


def as_user():
    """It does not run as root unless told to."""
    return [] if os.getuid() else ["--user=root"]


def wait_for(path, server):
    end = time.monotonic() + LIMIT
    while not os.path.exists(path):
        if server.poll() is not None or time.monotonic() > end:
            raise Skip("mariadb does not start")
        time.sleep(0.05)


@contextlib.contextmanager
def server():
    """The path of its socket."""
    for program in ("mariadbd", "mariadb-install-db"):
        if not shutil.which(program, path="/usr/sbin:/usr/bin"):
            raise Skip(f"there is no {program}")
    home = tempfile.mkdtemp(prefix="ramet-my-")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    process = None
    try:
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={home}/data", "--skip-test-db",
                        "--auth-root-authentication-method=normal", *as_user()], timeout=LIMIT, check=True, **quiet)
        path = f"{home}/socket"
        process = subprocess.Popen(["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={home}/data",
                                    f"--socket={path}", "--skip-networking", "--innodb-flush-log-at-trx-commit=0",
                                    f"--pid-file={home}/pid", *as_user()], **quiet)
        wait_for(path, process)
        yield path
    except subprocess.CalledProcessError:
        raise Skip("mariadb makes no database here") from None
    finally:
        if process:
            process.kill()
            process.wait()
        shutil.rmtree(home, ignore_errors=True)
