#!/usr/bin/python3
"""Ask `ramet doctor`, as users do.

usage: tests/doctor_test.py COMMAND FOLDER [NAME...]

COMMAND is ramet as built, FOLDER holds the programs of tests/run; NAMEs are tests,
all without.  The output is TAP.  TEST_TIMEOUT=n gives n times the time.
"""
import contextlib
import ctypes
import errno
import json
import os
import pathlib
import pty
import re
import resource
import struct
import subprocess
import sys
import tempfile

import tap
from looking import LIMIT, equal, has_lines as matches

RAMET = pathlib.Path(sys.argv[1]).resolve()
FOLDER = pathlib.Path(sys.argv[2]).resolve()

NAMES = ["version", "stack guards", "io_uring", "FSGSBASE", "syscall user dispatch", "pidfd", "kTLS", "ptrace_scope",
         "user namespaces", "descriptors", "vm.max_map_count", "vm.overcommit_memory", "address space",
         "transparent huge pages", "built with", "chosen", "c-ares", "OpenSSL", "zlib", "libdw", "Python module"]


def ask(*words, env=None, before=(), **options):
    """Returns (exit status, standard output, standard error)."""
    p = subprocess.run([*before, RAMET, "doctor", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=LIMIT, env=os.environ | (env or {}), **options)
    return p.returncode, p.stdout, p.stderr


def checks(**options):
    """By name, after a look at the whole."""
    status, out, err = ask("--json", **options)
    equal(err, "")
    said = json.loads(out)
    equal([c["name"] for c in said["checks"]], NAMES)
    for c in said["checks"]:
        assert c["value"] and c["level"] in ("ok", "warning", "missing"), c
        # What to do is said if there is something to do, and ends in no middle of a sentence.
        equal("todo" in c, c["level"] != "ok")
        assert len(c.get("todo", "")) < 239 and len(c["value"]) < 159, c
    equal(said["ok"], not any(c["level"] == "missing" for c in said["checks"]))
    equal(status, int(not said["ok"]))
    return {c["name"]: c for c in said["checks"]}


def level(c):
    return c["level"], c["value"]


@tap.test
def this_machine_is_as_it_says():
    found = checks()
    matches(rf"^Linux {re.escape(os.uname().release)}, ", found["version"]["value"])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    equal(found["descriptors"]["value"], f"{soft}, at most {hard}")
    with open("/proc/sys/vm/max_map_count") as f:
        matches(rf"^{f.read().strip()}\b", found["vm.max_map_count"]["value"])
    equal(level(found["user namespaces"]), ("ok", "not needed"))
    matches("^epoll", found["built with"]["value"])


@tap.test
def text_says_the_same():
    found = checks()
    status, out, err = ask()
    equal((status, err), (int(any(c["level"] == "missing" for c in found.values())), ""))
    matches(r"\Aramet \d", out)
    for c in found.values():
        line = f"  {c['level']:<7}  {c['name']:<22}  {c['value']}\n"
        assert line in out, (line, out)
        if "todo" in c:
            assert line + 35 * " " + c["todo"] + "\n" in out, (c, out)
    assert "\033" not in out


@tap.test
def the_back_end_is_explained():
    equal(level(checks(env={"RAMET_KERNEL": "epoll"})["chosen"]), ("ok", "epoll: the default"))
    bad = checks(env={"RAMET_KERNEL": "nonsense"})["chosen"]
    equal(level(bad), ("warning", "epoll: RAMET_KERNEL names no back end of this build"))
    matches("one of those it was built with", bad["todo"])
    equal(level(checks(env={"RAMET_KERNEL": "sim"})["chosen"]), ("ok", "sim: RAMET_KERNEL"))


def forbid(*calls):
    """System calls, each (number, the error that it ends with), as a container's filter does."""
    def statement(code, jt, jf, k):
        return struct.pack("<HBBI", code, jt, jf, k)

    code = statement(0x20, 0, 0, 0)  # load the number
    for number, error in calls:
        code += statement(0x15, 0, 1, number) + statement(0x06, 0, 0, 0x50000 | error)
    code += statement(0x06, 0, 0, 0x7FFF0000)
    libc = ctypes.CDLL(None)

    def install():
        text = ctypes.create_string_buffer(code, len(code))
        program = struct.pack("<HxxxxxxQ", len(code) // 8, ctypes.addressof(text))
        assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0

    return install


@tap.test
def what_the_kernel_forbids_is_said():
    if os.uname().machine != "x86_64":
        return "the numbers are those of x86-64"
    found = checks(preexec_fn=forbid((425, errno.ENOSYS), (434, errno.EPERM), (28, errno.EINVAL)))
    equal(level(found["io_uring"]), ("warning", "Function not implemented"))
    matches("^epoll is used instead; .*seccomp", found["io_uring"]["todo"])
    equal(level(found["pidfd"]), ("warning", "Operation not permitted"))
    equal(level(found["stack guards"]), ("warning", "mprotect: for 30,000 ramets"))
    matches("^epoll is used instead; ", checks(preexec_fn=forbid((425, errno.EPERM)))["io_uring"]["todo"])
    refused = checks(preexec_fn=forbid((425, errno.EPERM)), env={"RAMET_KERNEL": "uring"})
    if "uring" in refused["built with"]["value"]:
        equal(level(refused["chosen"]), ("warning", "epoll: uring was refused: Operation not permitted"))
    equal(level(checks(before=[FOLDER / "forbids"])["syscall user dispatch"]), ("warning", "Invalid argument"))
    return None


@tap.test
def low_limits_are_warned_of():
    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 128))

    few = checks(preexec_fn=lower)["descriptors"]
    equal(level(few), ("warning", "64, at most 128"))
    matches(r"ulimit -n 128", few["todo"])
    if "ASAN_OPTIONS" not in os.environ:  # shadow memory is address space, too
        def space():
            resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))

        small = checks(preexec_fn=space)["address space"]
        equal(level(small), ("warning", "4096 MiB"))


@tap.test
def a_library_that_is_not_there_is_missing():
    found = checks()
    if found["c-ares"]["level"] != "ok":
        return "there is no c-ares"
    with tempfile.TemporaryDirectory(prefix="ramet-doctor-") as name:
        (pathlib.Path(name) / "libcares.so.2").touch()
        lacks = checks(env={"LD_LIBRARY_PATH": name})["c-ares"]
    equal(level(lacks), ("missing", "libcares.so.2 cannot be loaded"))
    matches(r"install it \(Debian: libc-ares2\)$", lacks["todo"])
    return None


@tap.test
def pythons_module_is_found():
    with tempfile.TemporaryDirectory(prefix="ramet-doctor-") as name:
        here = pathlib.Path(name)
        found = checks(env={"PYTHONPATH": name, "HOME": name})["Python module"]
        if found["level"] == "warning":
            equal(found["value"], "not found by python3")
        (here / "ramet.py").touch()
        found = checks(env={"PYTHONPATH": name})["Python module"]
        equal(found["level"], "ok")
        matches(rf"^3\.\d+\.\S+ {re.escape(name)}/ramet.py$", found["value"])


@tap.test
def colours_are_for_terminals():
    for env, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.pop("NO_COLOR", None)
            os.environ.update(env)
            os.execl(RAMET, RAMET, "doctor")
        out = b""
        with contextlib.suppress(OSError):  # its end
            while data := os.read(fd, 65536):
                out += data
        os.waitpid(pid, 0)
        os.close(fd)
        equal(b"\033[32mok" in out, coloured)


@tap.test
def mistakes_are_explained():
    for word, kind in (("--fast", "option"), ("x", "argument")):
        status, out, err = ask(word)
        equal((status, out), (2, ""))
        equal(err, f'ramet doctor: there is no {kind} {word}; "ramet help doctor" lists the options\n')
    status, out, err = ask("--help")
    equal((status, err), (0, ""))
    equal(subprocess.run([RAMET, "help", "doctor"], check=True, capture_output=True, text=True, timeout=LIMIT).stdout, out)
    equal([line for line in out.splitlines() if len(line) > 82 or "\t" in line], [])


if __name__ == "__main__":
    sys.exit(tap.run(sys.argv[3:]))
