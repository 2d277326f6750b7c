"""The module on the other versions of CPython that are there and work: built by hand, and what it is made of tested.

TEST_LONG=1: all tests that need nothing but the interpreter.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from lib.tap import Skip, main, test
from ramet import _core

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LIBRARY = os.environ.get("RAMET_LIBRARY", "")  # the directory of libramet.so
TESTS = ("greenlet", "greenlet_api", "native", "spawned", "timeout", "dump")
MORE = ("event", "fileobject", "greenlet_hard", "hub", "local", "lock", "loop", "monkey", "nomonkey", "os", "pool",
        "queue", "resolver", "select", "selectors", "server", "signal", "socket", "ssl", "subprocess", "threading",
        "threadpool", "util", "metrics")
# Of the tools outside, in tests/seen_test.py.
SEEN = ("stacks_of_greenlets", "who_computes_in_python_is_seen", "gdb_on_greenlets", "dump_of_greenlets")
BUILD_LIMIT = 300  # seconds
FACTS = ("import sys, sysconfig; print(sys.version_info[:2], sysconfig.get_path('include'), "
         "sysconfig.get_config_var('EXT_SUFFIX'), sep='\\n')")


def candidates(version):
    """On PATH, or where pyenv keeps them."""
    found = [shutil.which(f"python{version}")]
    found += sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python{version}")))
    return [path for path in found if path]


def facts(version):
    """A program of that version, where its headers are, and how its extensions are named; skip if none works."""
    for path in candidates(version):
        p = subprocess.run([path, "-c", FACTS], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if p.returncode == 0:
            break
    else:
        raise Skip(f"no python{version} that works")
    got, headers, suffix = p.stdout.splitlines()
    if got == str(sys.version_info[:2]):
        raise Skip("the one that runs all the tests")
    if not os.path.exists(os.path.join(headers, "Python.h")):
        raise Skip(f"no headers of python{version}")
    return path, headers, suffix


def build(folder, headers, suffix):
    package = os.path.join(folder, "ramet")
    shutil.copytree(os.path.join(ROOT, "python", "ramet"), package)
    compiler = ["cc", "-std=gnu11", "-O1", "-w", "-fPIC", "-fvisibility=hidden", "-I" + os.path.join(ROOT, "include"), "-I" + headers,
                f'-DRAMET_VERSION="{_core.version}"', "-D_GNU_SOURCE"]

    def compile_one(source):
        target = os.path.join(folder, os.path.basename(source) + ".o")
        subprocess.run([*compiler, "-c", source, "-o", target], check=True, timeout=BUILD_LIMIT)
        return target
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(compile_one, glob.glob(os.path.join(ROOT, "python", "src", "*.c"))))
    subprocess.run(["cc", "-shared", *objects, "-o", os.path.join(package, "_core" + suffix), "-L" + LIBRARY, "-lramet",
                    "-Wl,-rpath," + LIBRARY], check=True, timeout=BUILD_LIMIT)


def wrong(name, command, env):
    """What is wrong with a test program."""
    p = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=BUILD_LIMIT)
    failures = re.findall(r"^not ok.*(?:\n(?!ok |not ok ).*)*", p.stdout, re.M)
    return "\n".join([f"---- {name}: {p.returncode}", *failures]) if p.returncode or failures else ""


def wrong_from_outside(path, folder):
    """The same of the tools that look at it; they run in the Python that they always do."""
    ramet = os.path.join(os.path.dirname(LIBRARY), "tools", "ramet", "ramet")
    if not os.path.exists(ramet):
        return ""
    env = dict(os.environ, PYTHON=path, PYTHON_PACKAGE=folder)
    del env["PYTHONPATH"]
    return wrong("seen", ["/usr/bin/python3", os.path.join(ROOT, "tests", "seen_test.py"), ramet, folder, *SEEN], env)


def run_with(version):
    path, headers, suffix = facts(version)
    if not os.path.exists(os.path.join(LIBRARY, "libramet.so")):
        raise Skip("no shared libramet")
    with tempfile.TemporaryDirectory() as folder:
        build(folder, headers, suffix)
        env = dict(os.environ, PYTHONPATH=f"{folder}:{HERE}", PYTHONDONTWRITEBYTECODE="1", TEST_TIMEOUT="1")
        names = TESTS + (MORE if os.environ.get("TEST_LONG") else ())
        found = [wrong(name, [path, os.path.join(HERE, name + "_test.py")], env) for name in names]
        failures = "\n".join(filter(None, [*found, wrong_from_outside(path, folder)]))
        assert not failures, failures


@test
def python_3_9():
    run_with("3.9")


@test
def python_3_10():
    run_with("3.10")


@test
def python_3_11():
    run_with("3.11")


@test
def python_3_12():
    run_with("3.12")


@test
def python_3_13():
    run_with("3.13")


if len(sys.argv) == 1:  # each builds, and runs programs that have limits of their own
    os.environ["TEST_TIMEOUT"] = str(20 * int(os.environ.get("TEST_TIMEOUT", "1")))
main()
