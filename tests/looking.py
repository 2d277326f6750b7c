"""What the tests of the tools that look at programs have in common."""
import contextlib
import os
import pathlib
import re
import subprocess

LIMIT = 60 * float(os.environ.get("TEST_TIMEOUT", 1))  # seconds for one command


def equal(got, want):
    assert got == want, f"{got!r} is not {want!r}"


def matches(pattern, text):
    """^ and $ are the ends of the text."""
    assert re.search(pattern, text), f"{pattern!r} is not in {text!r}"


def has_lines(pattern, text):
    """^ and $ are the ends of its lines."""
    assert re.search(pattern, text, re.M), f"{pattern!r} is not in:\n{text}"


@contextlib.contextmanager
def running(*command, **options):
    """A program that has said "ready"; .said is what it has said until then."""
    p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)
    p.said = ""
    try:
        for line in p.stdout:
            p.said += line
            if line == "ready\n":
                break
        assert p.said.endswith("ready\n"), p.said
        yield p
    finally:
        p.kill()
        p.wait()
        p.stdin.close()
        p.stdout.close()


def python(ramet):
    """Python with the package that was built beside that ramet: (why there is none, command, environment).

    PYTHON and PYTHON_PACKAGE in the environment are others.
    """
    package = pathlib.Path(os.environ.get("PYTHON_PACKAGE", ramet.parents[2] / "python"))
    if not list(package.glob("ramet/_core*.so")):
        return "Python's ramet is not built", None, None
    return None, os.environ.get("PYTHON", "/usr/bin/python3"), {"PYTHONPATH": str(package)}
