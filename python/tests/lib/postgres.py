"""A PostgreSQL of a test's own, reached by a socket in a directory of its own."""
import contextlib
import glob
import os
import pwd
import shutil
import subprocess
import tempfile

from lib.tap import Skip, for_foreign_programs

LIMIT = 60


def as_its_user(command):
    """It refuses to be run by root."""
    if os.getuid():
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] + command


@contextlib.contextmanager
def server():
    """What psycopg2.connect takes."""
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not programs:
        raise Skip("there is no postgresql")
    home = tempfile.mkdtemp(prefix="ramet-pg-")
    try:
        if not os.getuid():
            os.chown(home, pwd.getpwnam("postgres").pw_uid, -1)
        run = {"cwd": home, "check": True, "stdout": subprocess.DEVNULL, "timeout": LIMIT,
               "env": for_foreign_programs()}
        subprocess.run(as_its_user([f"{programs[-1]}/initdb", "-D", f"{home}/data", "-A", "trust", "-N"]), **run)
        control = [f"{programs[-1]}/pg_ctl", "-D", f"{home}/data", "-l", f"{home}/log", "-w"]
        options = f"-k {home} -c listen_addresses= -c max_connections=100 -c fsync=off"
        subprocess.run(as_its_user(control + ["-o", options, "start"]), **run)
        try:
            user = "postgres" if not os.getuid() else pwd.getpwuid(os.getuid()).pw_name
            yield f"host={home} user={user} dbname=postgres"
        finally:
            subprocess.run(as_its_user(control + ["-m", "immediate", "stop"]), **run)
    finally:
        shutil.rmtree(home, ignore_errors=True)
