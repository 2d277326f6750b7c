"""Real gevent, where it is installed, and ours give the same answers."""
import os
import subprocess
import sys

from lib.tap import Skip, equal, main, test

LINES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib", "sync_lines.py")

OURS = """
import importlib, runpy, sys
import ramet
sys.modules["gevent"] = ramet
for part in ("event", "local", "lock", "pool", "queue", "threadpool"):
    sys.modules["gevent." + part] = importlib.import_module("ramet." + part)
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def answers(*command, **environment):
    p = subprocess.run([sys.executable, *command, LINES], env=environment, capture_output=True, text=True, timeout=50)
    assert p.returncode == 0, p.stderr
    return p.stdout.splitlines()


@test
def the_answers_are_gevents():
    if subprocess.run([sys.executable, "-c", "import gevent, greenlet"], env={}, stderr=subprocess.DEVNULL).returncode:
        raise Skip("gevent is not installed")
    ours, theirs = answers("-c", OURS, **os.environ), answers()
    assert len(theirs) > 50, theirs
    for a, b in zip(ours, theirs):
        equal(a, b)
    equal(len(ours), len(theirs))


main()
