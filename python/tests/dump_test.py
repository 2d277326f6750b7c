"""Reports show the functions of Python above those in C."""
import json
import os
import re
import subprocess
import sys

from lib.tap import LIMIT, equal, main, test

PROGRAM = """
import os, signal, sys, time
import ramet

def wait(seconds):
    ramet.sleep(seconds)

class Wörker:
    def run(self):
        wait(60)

def compute(end):
    while time.monotonic() < end:
        pass

def generate():
    yield wait(60)

def settle():
    ramet.sleep(0.05)

def quit():
    os.kill(os.getpid(), signal.SIGQUIT)
    settle()

for _ in range(3):
    ramet.spawn(Wörker().run)
ramet.spawn(lambda: list(generate()))
settle()
"""


def run(code, **settings):
    """What the program says on standard error."""
    p = subprocess.run([sys.executable, "-X", "utf8", "-c", PROGRAM + code], env=dict(os.environ, **settings),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
    text = p.stderr.decode()
    assert p.returncode == 0, text
    return text


def says(text, *lines):
    """These lines come one after the other."""
    assert re.search("\n".join(lines), text), (lines, text)


@test
def sigquit_shows_both_kinds_of_frames():
    # The first call may take another way through the interpreter.
    text = run("quit()")
    says(text, "  [23] ramets at", r"    wait \(<string>:6\)", r"    Wörker\.run \(<string>:10\)"
         if sys.version_info >= (3, 11) else r"    run \(<string>:10\)", r"    ramet_host_park\+0x.*")
    says(text, r"    wait \(<string>:6\)", r"    generate \(<string>:17\)", r"    .*<lambda> \(<string>:28\)",
         r"    ramet_host_park\+0x.*")
    says(text, 'ramet 1 "main" waiting .*', r"    settle \(<string>:20\)", r"    quit \(<string>:24\)",
         r"    <module> \(<string>:30\)", r"    ramet_host_park\+0x.*")


@test
def each_says_where_it_was_spawned():
    """Where the program did: neither where a pool calls spawn, nor the function of C."""
    text = run("from ramet.pool import Pool\n"
               "def start():\n    Pool(2).spawn(wait, 60)\n    ramet.spawn_later(0, wait, 50)\n"
               "start()\nsettle()\nquit()")
    says(text, r'ramet [0-9]+ "Wörker\.run" waiting .*, spawned by ramet 1 at <module> \(<string>:27\), stack .*')
    says(text, r'ramet [0-9]+ "<lambda>" waiting .*, spawned by ramet 1 at <module> \(<string>:28\), stack .*')
    says(text, r'ramet [0-9]+ "wait" waiting .*, spawned by ramet 1 at start \(<string>:32\), stack .*')
    says(text, r'ramet [0-9]+ "wait" waiting .*, spawned by ramet [0-9]+ at start \(<string>:33\), stack .*')
    says(text, r'ramet 2 "hub" waiting for callbacks, .*, spawned by ramet 1 at .*_core.*')


@test
def where_it_was_spawned_may_not_be_known():
    text = run("from ramet._config import config\nconfig.track_greenlet_tree = False\nramet.spawn(wait, 60)\nsettle()\nquit()")
    says(text, r'ramet [0-9]+ "wait" waiting .*, spawned by ramet 1 at greenlet_begin.*')


@test
def each_has_a_name():
    """Its own, or that of what it runs."""
    text = run("from functools import partial\nimport threading\nfrom ramet import Greenlet\nfrom ramet.event import Event\n"
               "class Server(Greenlet):\n    def _run(self):\n        wait(60)\n"
               "def outer():\n    def inner(): wait(60)\n    return inner\n"
               "Server.spawn()\nramet.spawn(outer())\nramet.spawn(Event().wait)\nramet.spawn(partial(wait, 60))\n"
               "ramet.spawn(ramet.sleep, 60)\nfirst = Greenlet(wait, 60)\nfirst.name = 'before'\nfirst.start()\n"
               "second = ramet.spawn(wait, 60)\nsettle()\nsecond.name = 'nächher ' + 40 * 'x'\n"
               "odd = Greenlet(wait, 60)\nodd.name = 7\nodd.start()\n"
               "def outer():\n    def a_name_of_28_bytes_and_more_ööö(): wait(60)\n    return a_name_of_28_bytes_and_more_ööö\n"
               "ramet.spawn(outer())\nquit()")
    for name in ("main", "hub", "Server", "inner", r"Event\.wait", "partial", "sleep", "before", "nächher x{22}", "wait",
                 "a_name_of_28_bytes_and_more_ö"):
        says(text, f'ramet [0-9]+ "{name}" .*')


@test
def names_are_forgotten_and_set():
    run("g = ramet.spawn(wait, 60)\nassert g.name.startswith('Greenlet-')\ng.name = 'x'\nassert g.name == 'x'\n"
        "assert '\"x\"' in repr(g)\ndel g.name\nassert g.name.startswith('Greenlet-')\n"
        "try:\n    del g.name\nexcept AttributeError:\n    pass\nelse:\n    raise SystemExit(1)\n"
        "g.kill()\ng.name = 'dead'\nassert g.name == 'dead'")


@test
def json_has_them_too():
    dump = json.loads(run("quit()", RAMET_SIGQUIT="json"))
    stack = next(s for s in dump["stacks"] if s["ramets"] > 1)
    equal(stack["guest_frames"][0], {"function": "wait", "file": "<string>", "line": 6})
    equal(stack["frames"][0]["function"], "ramet_host_park")
    equal(next(r for r in dump["ramets"] if r.get("name") == "<lambda>")["spawned_at"],
          {"function": "<module>", "file": "<string>", "line": 28})


@test
def the_watchdog_shows_the_function_that_computes():
    text = run("g = ramet.spawn(compute, time.monotonic() + 0.6)\ng.join()", RAMET_WATCHDOG="50")
    says(text, "ramet: thread .* has not turned its loop for .*, computes", r"    compute \(<string>:1[345]\)",
         "(    .*\n)*    .*greenlet_main.*")


@test
def the_watchdog_shows_the_function_that_blocks():
    text = run("def block():\n    os.read(r, 1)\n"
               "import threading\n"
               "r, w = os.pipe()\n"
               "t = threading.Timer(0.6, os.write, (w, b'x'))\n"
               "t.start()\n"
               "ramet.spawn(block).join()\n", RAMET_WATCHDOG="50")
    says(text, r"ramet: thread .* is blocked in read\(2\) on fd .*", r"    block \(<string>:31\)")


@test
def a_dump_in_the_middle_of_python_code():
    """The watchdog has it done by the thread itself, wherever that is."""
    text = run("import threading\n"
               "threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGQUIT)).start()\n"
               "g = ramet.spawn(compute, time.monotonic() + 1)\ng.join()", RAMET_WATCHDOG="50")
    says(text, 'ramet [0-9]+ "compute" running.*', r"    compute \(<string>:1[345]\)")


@test
def greenlets_that_have_not_begun_or_have_ended():
    text = run("ramet.spawn(wait, 1)\ng = ramet.spawn(wait, 0)\ng.join()\n"
               "new = ramet.spawn_later(60, wait, 1)\nquit()")
    assert "in process" in text, text


@test
def deep_recursion_is_cut():
    text = run("def deep(n):\n    return deep(n - 1) if n else wait(60)\nramet.spawn(deep, 200)\nsettle()\nquit()")
    says(text, r"    wait \(<string>:6\)", r"    deep \(<string>:31\)", r"    deep \(<string>:31\)")
    says(text, r"    \.\.\. 154 frames left out")


@test
def the_end_of_the_interpreter_is_no_stall():
    equal(run("class Slow:\n"
              "    def __del__(self, clock=time.monotonic):\n"
              "        end = clock() + 0.5\n"
              "        while clock() < end:\n"
              "            pass\n"
              "slow = Slow()", RAMET_WATCHDOG="50"), "")


if __name__ == "__main__":
    main()
