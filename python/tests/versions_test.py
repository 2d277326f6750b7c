"""The module on the other versions of CPython that are on PATH and work: built by hand, and the tests of greenlets run."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

from lib.tap import LIMIT, Skip, equal, main, test

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LIBRARY = os.environ.get("RAMET_LIBRARY", "")  # the directory of libramet.so
TESTS = ("greenlet", "greenlet_api")
FACTS = ("import sys, sysconfig; print(sys.version_info[:2], sysconfig.get_path('include'), "
         "sysconfig.get_config_var('EXT_SUFFIX'), sep='\\n')")


def facts(program):
    """Where the headers of an interpreter are and how its extensions are named; skip one that does not work."""
    path = shutil.which(program)
    p = path and subprocess.run([path, "-c", FACTS], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if not p or p.returncode:
        raise Skip(f"no {program} that works")
    version, headers, suffix = p.stdout.splitlines()
    if version == str(sys.version_info[:2]):
        raise Skip("the one that runs all the tests")
    if not os.path.exists(os.path.join(headers, "Python.h")):
        raise Skip(f"no headers of {program}")
    return path, headers, suffix


def build(folder, headers, suffix):
    package = os.path.join(folder, "ramet")
    shutil.copytree(os.path.join(ROOT, "python", "ramet"), package)
    subprocess.run(["cc", "-std=gnu11", "-O1", "-w", "-fPIC", "-shared", "-I" + os.path.join(ROOT, "include"),
                    "-DRAMET_VERSION=\"test\"",
                    "-I" + headers, *glob.glob(os.path.join(ROOT, "python", "src", "*.c")),
                    "-o", os.path.join(package, "_core" + suffix), "-L" + LIBRARY, "-lramet",
                    "-Wl,-rpath," + LIBRARY], check=True)


def run_with(program):
    path, headers, suffix = facts(program)
    if not os.path.exists(os.path.join(LIBRARY, "libramet.so")):
        raise Skip("no shared libramet")
    with tempfile.TemporaryDirectory() as folder:
        build(folder, headers, suffix)
        env = dict(os.environ, PYTHONPATH=f"{folder}:{HERE}", PYTHONDONTWRITEBYTECODE="1")
        for name in TESTS:
            p = subprocess.run([path, os.path.join(HERE, name + "_test.py")], env=env, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, timeout=LIMIT)
            assert p.returncode == 0, p.stdout
            equal("not ok" in p.stdout, False)


@test
def python_3_9():
    run_with("python3.9")


@test
def python_3_10():
    run_with("python3.10")


@test
def python_3_11():
    run_with("python3.11")


@test
def python_3_12():
    run_with("python3.12")


@test
def python_3_13():
    run_with("python3.13")


main()
