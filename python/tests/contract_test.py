"""What programs rely on: the talk's snippets, a probe of gevent's public behaviour, and what hurts gevent's users."""
import os
import pathlib
import subprocess
import sys

from lib.tap import main, test

HERE = pathlib.Path(__file__).parent / "contract"
LIMIT = 60


def shim():
    return subprocess.run([sys.executable, "-m", "ramet", "--shim"], capture_output=True, text=True).stdout.strip()


def run(script):
    env = dict(os.environ, PYTHONPATH=shim())
    return subprocess.run([sys.executable, script.name], cwd=script.parent, env=env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=LIMIT)


def add(name, function):
    function.__name__ = name
    test(function)


def snippet(script):
    def compare():
        p = run(script)
        want = script.with_suffix(".expected").read_text()
        assert p.returncode == 0 and p.stdout == want, f"{p.stdout}\nis not\n{want}\n{p.stderr}"

    return compare


def pain(script):
    def look():
        p = run(script)
        assert p.returncode == 0, f"exit status {p.returncode}\n{p.stdout}\n{p.stderr}"

    return look


for path in sorted(HERE.glob("*.py")):
    if path.with_suffix(".expected").exists():
        add(path.stem, snippet(path))
for path in sorted((HERE / "pains").glob("*.py"), key=lambda p: int(p.stem[1:].partition("_")[0])):
    add(path.stem, pain(path))
main()
