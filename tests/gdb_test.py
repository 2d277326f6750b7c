#!/usr/bin/python3
"""Look at programs in gdb, with tools/gdb/ramet.py: live, and in core files.

usage: tests/gdb_test.py COMMAND FOLDER [NAME...]

COMMAND is ramet as built, FOLDER holds the programs of tests/stacks; NAMEs are
tests, all without.  The output is TAP.  TEST_TIMEOUT=n gives n times the time.
"""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import looking
import tap
from looking import LIMIT, equal, has_lines as matches

RAMET = pathlib.Path(sys.argv[1]).resolve()
FOLDER = pathlib.Path(sys.argv[2]).resolve()
LIBRARY = RAMET.parents[2] / "src"
SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "tools/gdb/ramet.py"


@contextlib.contextmanager
def running(*command, **options):
    """A program of tests/stacks that has said "ready", and then has gone to sleep, or computes."""
    with looking.running(*command, stderr=subprocess.DEVNULL, **options) as p:
        time.sleep(0.2)
        yield p


def waits(*args, **options):
    return running(FOLDER / "waits", *args, **options)


def gdb(*commands, args=(), source=True):
    """What gdb writes, both streams."""
    line = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", *map(str, args)]
    for command in ([f"source {SCRIPT}"] if source else []) + list(commands):
        line += ["-ex", command]
    p = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       timeout=LIMIT, env=os.environ | {"LC_ALL": "C"})
    return p.stdout


def live(p, *commands, **options):
    return gdb(*commands, args=["-p", p.pid], **options)


def lacks_gdb():
    """Why gdb cannot be used; None: it can."""
    if not shutil.which("gdb"):
        return "there is no gdb"
    with waits() as p:
        said = live(p, "python print('has Python')", source=False)
    if "ptrace" in said:
        return next(line for line in said.splitlines() if "ptrace" in line)
    if "has Python" not in said:
        return "gdb has no Python"
    return None


def has_debug_information(file):
    """A release build has none; of it gdb knows the functions' names."""
    return b".debug_info" in file.read_bytes()


# What the compiler adds to the names of its own versions of functions.
CLONE = r"(\.\w+)*"

# What "info ramets" says of those of waits.c.
INFO = r"""  Id  Name +State
\* 1   main +waiting to read from fd 0, on thread 1
  2   mutex holder +waiting for its sleep to end
  3   mutex +waiting for mutex 0x\w+, held by ramet 2 "mutex holder"
  4   rwlock holder +waiting for its sleep to end
  5   rdlock +waiting to read-lock rwlock 0x\w+, held by ramet 4 "rwlock holder"
  6   once runner +waiting for its sleep to end
  7   once +waiting for once 0x\w+, run by ramet 6 "once runner"
  8   cond +waiting for a signal on condition 0x\w+
  9   sem +waiting for semaphore 0x\w+
  10  event +waiting for event 0x\w+
  11  wg +waiting for wait group 0x\w+
  12  barrier +waiting at barrier 0x\w+, where 1 of 3 are
  13  recv +waiting to receive from channel 0x\w+
  14  get +waiting to get from queue 0x\w+
  15  future +waiting for future 0x\w+
  16  +waiting for its sleep to end
  17  place +waiting for a place in pool 0x\w+, 1 of 1 running
  18  joined +waiting for its sleep to end
  19  join +waiting for ramet 18 "joined" to end
  20  group +waiting for its group 0x\w+, 1 running
  21  read +waiting to read from fd \d+
  22  accept +waiting to read from fd \d+
  23  +waiting for its sleep to end
  24  poll +waiting for one of the descriptors in pollfd 0x\w+
  25  offload +waiting for a helper thread to run blocks
  26  waker +waiting for waker 0x\w+
  27  post\?office +waiting for a message to 0x\w+ "post\?office"
  28  bad \?\[31m"name" +waiting for its sleep to end
"""


@tap.test
def each_ramet_is_told():
    with waits() as p:
        out = live(p, "info ramets", "ramet", "ramet 3", "info ramets cond", "ramet 99", "ramet x", "ramet apply bt")
    matches(INFO, out)
    matches(r'^ramet 1 "main" waiting to read from fd 0, on thread 1\nthe OS thread\'s own$', out)
    matches(r'^ramet 3 "mutex" waiting for mutex 0x\w+, held by ramet 2 "mutex holder"\n'
            r"runs waits_mutex, spawned by ramet 1 at start" + CLONE + r" \+ \d+( at \S*waits.c:\d+)?$", out)
    matches(r"\n  Id  Name  State\n  8   cond  waiting for a signal on condition 0x\w+\n", out)
    matches('There is no ramet 99; "info ramets" shows those there are.', out)
    matches('"x" is no number of a ramet', out)
    matches(r"Usage: ramet apply all\|N", out)


# A sleeper's frames: inline ones of the library too where its debug information is there, and arguments.
STACK = r"""^#0 .*
(#\d+ .*
)*#\d+ .* ramet_sleep \(%s.*
#\d+ .* sleeps \(unused=.*\) at \S*waits.c:\d+
#\d+ .* recurses \(depth=.*\) at \S*waits.c:\d+
""" % ("ns=" if has_debug_information(LIBRARY / "libramet.so.0") else r"\) from ")


@tap.test
def stacks_have_arguments_and_inline_frames():
    with waits("1", "3") as p:
        out = live(p, "ramet 29 bt", "ramet 29 bt 1", "ramet 29 frame", "ramet 29 frame 99", "ramet 20 print &g",
                   "ramet 20 locals", "ramet 1 locals")
    matches(STACK, out)
    assert len(re.findall(r"^#\d+ .* recurses \(depth=0x[0-3]\)", out, re.M)) == 4, out
    matches(r"^#0 .*\n#\d+ .* sleeps ", out)
    matches(r"^#\d+ .* sleeps \(.*\n\d+\s+ramet_sleep\(HOUR\);$", out)
    matches(r"^Ramet 29 has no frame 99\.$", out)
    matches(r"^\$1 = \(struct ramet_group \*\) 0x\w+$", out)
    matches(r"^g = \{", out)
    matches(r"^byte = ", out)


@tap.test
def what_the_user_has_selected_stays():
    with waits("--loops") as p:
        out = live(p, "thread 2", "up", "echo before\\n", "frame", "thread", "ramet apply all bt", "ramet 1.2 frame",
                   "ramet 2.9 bt", "echo after\\n", "frame", "thread", "info ramets elsewhere", "ramet 2.2 bt")
    before, after = (re.match(r"(#1 .*)\n(?:.*\n)?(\[Current thread is 2.*)\n", out.split(word + "\n")[1])
                     for word in ("before", "after"))
    assert before and after and before.groups() == after.groups(), out
    matches(r"\n  2\.2  elsewhere  waiting for its sleep to end, on thread \d\n"
            r"  3\.2  elsewhere  waiting for its sleep to end, on thread \d\n", out)
    matches(r"^#\d+ .* sleeps \(unused=", out.split("after\n")[1])


@tap.test
def registers_and_memory_stay():
    with waits() as p:
        out = live(p, "set may-write-registers off", "set may-write-memory off", "set may-call-functions off",
                   "info registers", "ramet apply all bt", "echo again\\n", "info registers")
    registers = [re.findall(r"^r\w+ +0x\w+", part, re.M) for part in out.split("again\n")]
    assert len(registers[0]) > 15 and registers[0] == registers[1], out
    assert len(re.findall("^ramet ", out, re.M)) == 28, out


@tap.test
def who_computes_and_who_is_new_are_told():
    with waits("--busy") as p:
        out = live(p, "info ramets", "ramet 29 bt", "ramet 30 bt", "ramet 1 frame")
    matches(r"^\* 29  busy +running on thread 1\n  30  late +new to run never_begins$", out)
    matches(r"^#0 .* computes \(unused=.*\n#1 .* enter" + CLONE + r" \(", out)
    matches(r"^It has not begun; it will run never_begins at \S*waits.c:\d+\.$", out)


@tap.test
def core_files_are_as_good():
    with tempfile.TemporaryDirectory(prefix="ramet-gdb-") as name:
        core = f"{name}/core"
        with waits("1", "3") as p:
            out = live(p, f"ramet gcore {core}")
        matches(r"^Saved corefile .*/core, with the stacks of 29 ramets$", out)
        out = gdb("info ramets", "ramet 29 bt", "ramet 20 locals", "frame", args=[FOLDER / "waits", core])
    matches(INFO, out)
    matches(STACK, out)
    matches(r"^g = \{", out)


@tap.test
def symbols_are_not_needed():
    if not shutil.which("strip"):
        return "no strip"
    with tempfile.TemporaryDirectory(prefix="ramet-gdb-") as name:
        here = pathlib.Path(name)
        subprocess.run(["strip", "-o", here / "libramet.so.0", LIBRARY / "libramet.so.0"], check=True)
        subprocess.run(["strip", "-o", here / "waits", FOLDER / "waits"], check=True)
        with running(here / "waits", env=os.environ | {"LD_LIBRARY_PATH": name}) as p:
            out = live(p, "info ramets", "ramet 3 bt")
    matches(r'^  3   mutex +waiting for mutex 0x\w+, held by ramet 2 "mutex holder"$', out)
    matches(r"^#\d+ .* in ramet_mutex_lock \(\) from .*libramet.so.0\n#\d+ +0x\w+ in \?\? \(\)\n", out)


@tap.test
def a_static_program_is_looked_at():
    if not (FOLDER / "waits_static").exists():
        return "there is no static program"
    with running(FOLDER / "waits_static") as p:
        out = live(p, "info ramets mutex", "ramet 3 bt", "ramet 3 frame")
    matches(r'^  3   mutex +waiting for mutex 0x\w+, held by ramet 2 "mutex holder"$', out)
    matches(r"^#\d+ .* ramet_mutex_lock \(.*\n#\d+ .* waits_mutex \(unused=.*\) at \S*waits.c:\d+$", out)


@tap.test
def threads_of_an_unmodified_program_are_ramets():
    with running(RAMET, "run", FOLDER / "threads") as p:
        out = live(p, "info ramets", "ramet apply all frame")
    assert len(re.findall(r"^  \d+ .* waiting ", out, re.M)) >= 26, out
    matches(r"^  28 +waiting for mutex 0x\w+, held by ramet 27$", out)
    matches(r"^  \d+ +waiting for mutex 0x\w+, held by ramet \d+$", out)
    matches(r"^#\d+ .* waits_cond \(unused=", out)


@tap.test
def it_is_loaded_by_itself():
    library = (LIBRARY / "libramet.so.0").resolve()
    with tempfile.TemporaryDirectory(prefix="ramet-gdb-") as name, waits() as p:
        place = pathlib.Path(name + str(library.parent))
        place.mkdir(parents=True)
        shutil.copy(SCRIPT, place / (library.name + "-gdb.py"))
        out = gdb(
            "info ramets mutex", source=False,
            args=["-iex", f"set auto-load scripts-directory {name}", "-iex", f"set auto-load safe-path {name}", "-p", p.pid])
    matches(r'^  3   mutex +waiting for mutex', out)


@tap.test
def many_are_shown():
    """How long they take is measured by script/bench."""
    with waits("1000", "1") as p:
        out = live(p, "info ramets", "ramet apply all bt -2")
    equal(len(re.findall(r"^  \d+ +many +waiting for its sleep to end$", out, re.M)), 500)
    equal(len(re.findall("^ramet ", out, re.M)), 1028)
    equal(len(re.findall(r"^#\d+ .* enter" + CLONE + r" \(", out, re.M)), 1028 - 1)


@tap.test
def what_cannot_be_shown_is_said():
    matches("There is neither a process nor a core file", gdb("info ramets"))
    with running("/bin/sh", "-c", "echo ready; read line") as p:
        matches("The program does not use libramet", live(p, "info ramets"))


if __name__ == "__main__":
    if why := lacks_gdb():
        print(f"1..0 # SKIP {why}")
        sys.exit(0)
    sys.exit(tap.run(sys.argv[3:]))
