#!/usr/bin/python3
"""mariadbd: a database server with a thread for each connection and dozens of its own."""
import asyncio
import contextlib
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import program
from program import LIMIT, Most, Program, equal, needs, test, until

SLEEPERS, WRITERS, STATEMENTS = 100, 50, 2000


def user():
    """mariadbd does not run as root without being told so; the package with the server alone makes no
    user."""
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("mysql")
    return pwd.getpwuid(0)


def as_user():
    return [f"--user={user().pw_name}"] if os.geteuid() == 0 else []


@contextlib.contextmanager
def data_folder():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ramet-test-"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, user().pw_uid, -1)
            os.chmod(folder, 0o755)
        subprocess.run([needs("mariadb-install-db"), "--no-defaults", f"--datadir={folder}/data",
                        "--auth-root-authentication-method=normal", "--skip-test-db", *as_user()],
                       check=True, capture_output=True, timeout=LIMIT * 2)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Server(Program):
    def __init__(self, folder):
        self.socket = folder / "socket"
        super().__init__([needs("mariadbd"), "--no-defaults", f"--datadir={folder}/data",
                          f"--socket={self.socket}", "--skip-networking", "--max-connections=300",
                          "--innodb-use-native-aio=0", f"--pid-file={folder}/pid", *as_user()])
        until(self.answers, "an answer")

    def answers(self):
        assert self.process.poll() is None, f"it ended with {self.process.poll()}"
        return self.sql("select 1", check=False).stdout == "1\n"

    def sql(self, text, check=True):
        return subprocess.run([needs("mariadb"), "--no-defaults", f"--socket={self.socket}", "-uroot", "-N",
                               "-B", "-e", text], capture_output=True, text=True, check=check, timeout=LIMIT)

    async def slap(self, *arguments):
        p = await asyncio.create_subprocess_exec(
            needs("mariadb-slap"), "--no-defaults", f"--socket={self.socket}", "-uroot", *arguments,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, _ = await asyncio.wait_for(p.communicate(), 2 * LIMIT)
        assert p.returncode == 0, out.decode()


def in_flight(server, least):
    """Whether so many connections are at it at the same time."""
    count = server.sql("select count(*) from information_schema.processlist where info like '%sleep(%'")
    return int(count.stdout) > least


@test
def a_database_server_on_one_os_thread():
    needs("mariadbd", "mariadb-slap", "mariadb")
    with data_folder() as folder, Server(folder) as server:
        async def load():
            async with Most(server) as most:
                slap = asyncio.create_task(server.slap(
                    f"--concurrency={SLEEPERS}", "--iterations=1", f"--number-of-queries={SLEEPERS * 10}",
                    "--query=select sleep(0.1)", "--create-schema=slap"))
                await asyncio.to_thread(until, lambda: in_flight(server, SLEEPERS // 2), "many at once")
                await slap
                server.sql("create database work; create table work.t (id int auto_increment primary key,"
                           " who int, what varchar(80), key (who)) engine=innodb")
                await server.slap(
                    f"--concurrency={WRITERS}", "--iterations=1",
                    f"--number-of-queries={WRITERS * STATEMENTS}", "--delimiter=;", "--create-schema=work",
                    "--no-drop", "--query=insert into t (who, what) values (connection_id(), repeat('x', 60));"
                    "select count(*), max(what) from t where who = connection_id()")
            equal(most.threads, 1)
        server.sql("create database slap; set global innodb_flush_log_at_trx_commit = 2")
        asyncio.run(load())
        rows = int(server.sql("select count(*) from work.t").stdout)
        equal(rows, WRITERS * STATEMENTS // 2)
        assert server.sql("check table work.t").stdout.split("\t")[-1] == "OK\n"
        equal(server.stop(), 0)
        assert "Shutdown complete" in server.said()
        created = server.report()["created"]
        assert created > SLEEPERS, created


program.main()
