#!/usr/bin/python3
"""Talk to a program's console as its user does, by `ramet console`.

usage: tests/console_command_test.py COMMAND [NAME...]

COMMAND is ramet as built; NAMEs are tests, all without.  The output is TAP.
TEST_TIMEOUT=n gives n times the time.
"""
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

import looking
import tap
from looking import LIMIT, equal, matches

RAMET = pathlib.Path(sys.argv[1]).resolve()
PROGRAM = "import threading, time\nfor _ in range(3): threading.Thread(target=time.sleep, args=(600,)).start()\n" \
          "time.sleep(0.1)\nprint('ready', flush=True)"


def console(*args, text="", status=0):
    """What `ramet console` writes: on standard output, or, when it fails there, on standard error."""
    p = subprocess.run([RAMET, "console", *args], input=text, capture_output=True, text=True, timeout=LIMIT)
    equal((p.returncode, bool(p.stdout) and bool(p.stderr)), (status, False))
    return p.stdout or p.stderr


@contextlib.contextmanager
def program(path="s", command=(RAMET, "run", sys.executable, "-c", PROGRAM), env=()):
    """A program in a folder of its own: a threaded one that knows nothing of ramets."""
    with tempfile.TemporaryDirectory(prefix="ramet-console-") as folder:
        with looking.running(*command, cwd=folder, env=dict(os.environ, RAMET_CONSOLE=path, **dict(env))) as p:
            yield p, str(pathlib.Path(folder, path.replace("%p", str(p.pid))))


@tap.test
def it_is_found_by_path_and_by_number():
    with program("console.%p") as (p, path):
        for where in (path, str(p.pid)):
            matches('ramet 1 "main" .*', console(where, "list"))
        matches(r'(?m)^  ramet \d+ "console" waiting to read from fd ', console(path, "tree"))


@tap.test
def answers_are_for_scripts():
    with program() as (p, path):
        dump = json.loads(console(path, "stacks", "json"))
        equal(dump["process"], p.pid)
        assert len(dump["ramets"]) >= 5, dump
        pthread = next(r for r in dump["ramets"] if "pthread" in r)
        matches("error: ramet .* is a thread", console(path, "kill", str(pthread["id"]), status=1))
        matches("error: there is no command", console(path, "nonsense", status=1))
        matches("(?m)^live [5-9]$", console(path, "stats"))
        equal(console(path, "quit"), "")


@tap.test
def lines_are_for_people():
    with program() as (p, path):
        text = console(path, text="help\nlist\n")
        matches('^ramet console of process .*; "help" lists the commands\n> cancel ID ', text)
        matches("\n> ramet 1 \"main\" ", text)
        matches("\n> $", text)


@tap.test
def any_client_will_do():
    with program() as (p, path):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.sendall(b"list\nquit\n")
            matches("(?s)ramet console .*> ramet 1 ", b"".join(iter(lambda: s.recv(4096), b"")).decode())


@tap.test
def what_is_wrong_is_told():
    matches("^ramet console: whose\\? ", console(status=2))
    matches('^ramet console: there is no option --nonsense; "ramet help console"', console("--nonsense", status=2))
    matches("^ramet console: /nonexistent: No such file or directory; give the path ", console("/nonexistent", status=1))
    matches("^ramet console: process .* has no console; start it with ", console(str(os.getpid()), status=1))
    matches("^ramet console: there is no process 999999999; ps -e", console("999999999", status=1))
    matches("^usage: ramet console PATH", console("--help"))
    with program() as (p, path):
        p.kill()
        p.wait()
        matches(f"^ramet console: nobody serves {path} any more: its program has ended\n", console(path, status=1))


@tap.test
def a_bad_setting_is_told():
    p = subprocess.run([RAMET, "run", "true"], env=dict(os.environ, RAMET_CONSOLE="/nonexistent/x"),
                       capture_output=True, text=True, timeout=LIMIT)
    equal((p.returncode, p.stderr), (0, "ramet: no console at /nonexistent/x: No such file or directory\n"))


if __name__ == "__main__":
    sys.exit(tap.run(sys.argv[2:]))
