#!/usr/bin/python3
"""Run the command `ramet` as a user does.

usage: tests/run_test.py COMMAND FOLDER [NAME...]

COMMAND is ramet as built, FOLDER holds the programs of tests/run; NAMEs are
tests, all without.  The output is TAP.  TEST_TIMEOUT=n gives n times the time.
"""
import contextlib
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading

import tap

LIMIT = 60 * float(os.environ.get("TEST_TIMEOUT", 1))  # seconds for one command
RAMET = pathlib.Path(sys.argv[1]).resolve()
FOLDER = pathlib.Path(sys.argv[2]).resolve()
PYTHON = "/usr/bin/python3"


def equal(got, want):
    assert got == want, f"{got!r} is not {want!r}"


def matches(pattern, text):
    assert re.search(pattern, text), f"{pattern!r} is not in {text!r}"


def ramet(*args, status=0, **options):
    """Returns (standard output, standard error)."""
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": LIMIT} | options
    p = subprocess.run([RAMET, *args], **options)
    assert p.returncode == status, (p.returncode, p.stdout, p.stderr)
    return p.stdout, p.stderr


def run(*args, **options):
    return ramet("run", *args, **options)


def refused(*args, why, status=2, **options):
    """The command says why in one line, and what to do."""
    out, err = run(*args, status=status, **options)
    equal(out, "")
    equal(err.count("\n"), 1)
    assert err.startswith("ramet run: "), err
    matches(why, err)


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="ramet-run-") as name:
        yield pathlib.Path(name)


def write(path, content, mode=0o755):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


GLIBC = "/lib64/ld-linux-x86-64.so.2"


def elf(interpreter=GLIBC, bits=2, machine=62, note=None):
    """An executable that says of itself what is asked for; it is not run."""
    parts = []
    if interpreter:
        parts.append((3, interpreter.encode() + b"\0"))
    if note:
        parts.append((4, struct.pack("<III", 4, 4, 4) + note.ljust(4, b"\0") + b"id.."))
    offset = 64 + 56 * len(parts)
    headers = content = b""
    for kind, data in parts:
        at = offset + len(content)
        headers += struct.pack("<IIQQQQQQ", kind, 4, at, at, at, len(data), len(data), 4)
        content += data
    ident = b"\x7fELF" + bytes([bits, 1, 1]) + bytes(9)
    return ident + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, len(parts), 64, 0, 0) \
        + headers + content


# ---- help and version ---------------------------------------------------------


@tap.test
def help_names_the_commands():
    for args in (["--help"], ["help"], ["-h"]):
        out, err = ramet(*args)
        matches(r"(?m)^  run PROGRAM", out)
        equal(err, "")
    equal(ramet("help", "run"), ramet("run", "--help"))


@tap.test
def help_fits_a_terminal():
    for args in (["--help"], ["help", "run"], ["run", "--list"]):
        wide = [line for line in ramet(*args)[0].splitlines() if len(line) > 82 or "\t" in line]
        equal(wide, [])


@tap.test
def no_command_is_a_mistake():
    out, err = ramet(status=2)
    equal(out, "")
    matches("^usage: ", err)


@tap.test
def unknown_words_are_refused():
    for word in ("walk", "--walk"):
        out, err = ramet(word, status=2)
        matches(rf'^ramet: there is no (command|option) {word}; "ramet help" lists them\n$', out + err)


@tap.test
def version_is_said_to_people_and_programs():
    matches(r"^ramet \d+\.\d+\.\d+\n$", ramet("--version")[0])
    said = json.loads(ramet("--version", "--json")[0])
    assert "epoll" in said["kernels"], said
    equal(f"ramet {said['version']}\n", ramet("--version")[0])


@tap.test
def output_that_cannot_be_written_is_an_error():
    with open("/dev/full", "w") as full:
        p = subprocess.run([RAMET, "run", "--list"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=LIMIT)
    equal(p.returncode, 1)
    matches("cannot be written", p.stderr)


# ---- options ------------------------------------------------------------------


@tap.test
def bad_options_are_refused():
    refused("--foo", "true", why="no option --foo; ")
    refused("-x", "true", why="no option -x; ")
    refused("--list=3", why="--list=3: the option takes no value; ")
    refused("--stack", why="--stack needs a value")
    refused("--patch=socket,dsn", "true", why='--patch: "dsn" is no group; there are socket,.*file, io and all')
    refused("--patch=", "true", why='"" is no group')
    refused("--no-patch=all", "true", why="leaves no group")
    refused("--no-patch=dns", "--patch=dns", "true", why="leaves no group")
    for size in ("", "8X", "8MB", "-1M", "1K", "2G", "99999999999999999999", "M"):
        refused(f"--stack={size}", "true", why=f'--stack: "{size}" is no size')
    refused("--trace-blocking=soon", "true", why="no number of milliseconds")
    refused("--json", "true", why="--list or --report")
    refused("--lib=", "true", why="names no library")
    refused("--lib=libpq", "--patch=all", "true", why="cannot have group thread")
    refused(why="no program")
    refused("--report=/nowhere/file", "true", why="/nowhere/file cannot be written")


@tap.test
def options_end_at_the_program():
    out, _ = run("/bin/echo", "--list", "--", "-x")
    equal(out, "--list -- -x\n")
    out, _ = run("--", "/bin/echo", "--report")
    equal(out, "--report\n")


# ---- the list -----------------------------------------------------------------


@tap.test
def list_shows_every_replacement_with_its_group():
    rows = re.findall(r"(?m)^(\w+) +(\w+)$", run("--list")[0])
    assert ("nanosleep", "time") in rows, rows
    listed = json.loads(run("--list", "--json")[0])
    equal([(r["symbol"], r["group"]) for r in listed["replaced"]], rows)
    equal(len(set(rows)), len(rows))
    groups = set(re.findall(r"(?m)^  (\w+) ", ramet("help", "run")[0].split("GROUPS are")[1]))
    assert {group for _, group in rows} <= groups, groups


@tap.test
def list_is_what_the_preloaded_library_takes():
    library = RAMET.parent.parent.parent / "src/libramet-preload.so"
    nm = subprocess.run(["nm", "-D", "--defined-only", library], stdout=subprocess.PIPE, text=True, check=True)
    taken = {line.split()[-1] for line in nm.stdout.splitlines()} - {"ramet__names_taken"}
    equal({r["symbol"] for r in json.loads(run("--list", "--json")[0])["replaced"]}, taken)


@tap.test
def list_shows_what_is_not_covered():
    out, _ = run("--list")
    for row in json.loads(run("--list", "--json")[0])["uncovered"]:
        assert " ".join(row["what"].split()) in " ".join(out.split()), row
        assert " ".join(row["consequence"].split()) in " ".join(out.split()), row
    matches("statically linked programs", out)


@tap.test
def list_can_be_of_some_groups():
    rows = json.loads(run("--list", "--json", "--patch=time")[0])["replaced"]
    equal({r["group"] for r in rows}, {"time"})


# ---- running ------------------------------------------------------------------


@tap.test
def status_is_the_programs():
    run("/bin/sh", "-c", "exit 41", status=41)
    run("/bin/sh", "-c", "kill -9 $$", status=-signal.SIGKILL)


@tap.test
def program_is_found_in_path():
    with folder() as here:
        write(here / "greet", "#!/bin/sh\necho hello $0 $1\n")
        out, _ = run("greet", "you", env=os.environ | {"PATH": f"/nowhere:{here}:/bin"})
        equal(out, f"hello {here}/greet you\n")
        out, _ = run("./greet", "you", cwd=here)
        equal(out, "hello ./greet you\n")


@tap.test
def a_limit_of_the_watchdog_beyond_all_is_none():
    code = "import threading, time\nthreading.Thread(target=time.sleep, args=(0.1,)).start()\n" \
           "end = time.monotonic() + 0.4\nwhile time.monotonic() < end: pass"
    equal(run(sys.executable, "-c", code, env=os.environ | {"RAMET_WATCHDOG": "9" * 30})[1], "")


@tap.test
def process_is_the_one_that_was_started():
    p = subprocess.Popen([RAMET, "run", "/bin/sh", "-c", "echo $$"], stdout=subprocess.PIPE, text=True)
    out, _ = p.communicate(timeout=LIMIT)
    equal(int(out), p.pid)


@tap.test
def terminal_is_the_programs():
    ours, theirs = pty.openpty()
    try:
        p = subprocess.run([RAMET, "run", "/bin/sh", "-c", "test -t 0 && test -t 1 && tty"], stdin=theirs,
                           stdout=theirs, stderr=theirs, timeout=LIMIT)
        equal(p.returncode, 0)
        equal(os.read(ours, 1000).decode().strip(), os.ttyname(theirs))
    finally:
        os.close(ours)
        os.close(theirs)


@tap.test
def signals_reach_the_program():
    p = subprocess.Popen([RAMET, "run", "/bin/sh", "-c", "trap 'echo got it; exit 5' TERM; echo ready; "
                          "while :; do /bin/sleep 0.05; done"], stdout=subprocess.PIPE, text=True)
    equal(p.stdout.readline(), "ready\n")
    p.terminate()
    out, _ = p.communicate(timeout=LIMIT)
    equal((out, p.returncode), ("got it\n", 5))


@tap.test
def shells_may_redirect_to_any_number():
    for number in (200, 900, 901, 902, 903):  # the runtime's own lie there, once it has waited for something
        with folder() as here:
            out, err = run("/bin/bash", "-c", f"read < <(/bin/sleep 0.05; echo); exec {number}>file; echo a >&{number}; "
                           f"cat file; exec {number}>&-; (echo b >&{number}) 2>/dev/null || echo closed", cwd=here)
            equal((out, err), ("a\nclosed\n", ""))


@tap.test
def other_preloads_stay():
    out, _ = run("/bin/sh", "-c", "echo $LD_PRELOAD", env=os.environ | {"LD_PRELOAD": "libm.so.6"})
    matches(r"^\S+/libramet-preload\.so:libm\.so\.6\n$", out)


@tap.test
def library_can_be_named():
    library = RAMET.parent.parent.parent / "src/libramet-preload.so"
    with folder() as here:
        named = here / "other.so"
        shutil.copy(library, named)
        shutil.copy(library.with_name("libramet.so.0"), here)
        out, _ = run("/bin/sh", "-c", "echo $LD_PRELOAD", env=os.environ | {"RAMET_PRELOAD": str(named)})
        equal(out, f"{named}\n")
        refused("true", why="RAMET_PRELOAD", env=os.environ | {"RAMET_PRELOAD": str(here / "nothing.so")})
        spaced = here / "a b.so"
        shutil.copy(library, spaced)
        refused("true", why="space or a colon", env=os.environ | {"RAMET_PRELOAD": str(spaced)})


@tap.test
def command_without_its_library_says_so():
    with folder() as here:
        lonely = here / "ramet"
        shutil.copy(RAMET, lonely)
        p = subprocess.run([lonely, "run", "true"], stderr=subprocess.PIPE, text=True, timeout=LIMIT)
        equal(p.returncode, 2)
        matches(r"libramet-preload.so is not there \(looked in .*; install ramet again", p.stderr)


@tap.test
def settings_reach_the_program():
    out, _ = run("--patch=time,dns", "--stack=512K", "--trace-blocking=7", "/usr/bin/env")
    matches(r"(?m)^RAMET_RUN_GROUPS=dns,time$", out)
    matches(r"(?m)^RAMET_RUN_STACK=524288$", out)
    matches(r"(?m)^RAMET_RUN_TRACE=7$", out)
    out, _ = run("/usr/bin/env", env=os.environ | {"RAMET_RUN_STACK": "5", "RAMET_RUN_TRACE": "1"})
    assert "RAMET_RUN_STACK" not in out and "RAMET_RUN_TRACE" not in out, out


@tap.test
def children_are_patched_unless_asked_otherwise():
    script = "echo \"$LD_PRELOAD\" $RAMET_RUN_GROUPS; /bin/sh -c 'echo \"$LD_PRELOAD\" $RAMET_RUN_GROUPS'"
    own, childs = run("--", "/bin/sh", "-c", script)[0].splitlines()
    equal(own, childs)
    matches("libramet-preload.so all$", childs)
    env = os.environ | {"LD_PRELOAD": "libm.so.6"}
    out, _ = run("--no-children", "/bin/sh", "-c", script, env=env)
    equal(out, "libm.so.6\nlibm.so.6\n")
    out, _ = run("--no-children", "/usr/bin/env")
    assert "LD_PRELOAD" not in out and "RAMET_RUN" not in out, out


@tap.test
def chosen_libraries_have_the_whole_runtime_but_no_names():
    out, _ = run("--lib=libz,libpq*", "/usr/bin/env")
    matches(r"(?m)^LD_PRELOAD=\S+/libramet\.so\.", out)
    matches(r"(?m)^RAMET_RUN_LIB=libz,libpq\*$", out)
    matches(r"(?m)^RAMET_RUN_GROUPS=socket,select,dns,time,os,file$", out)
    out, _ = run("--lib=libz", "--no-children", "/usr/bin/env")
    assert "RAMET_RUN" not in out and "LD_PRELOAD" not in out, out


@tap.test
def chosen_libraries_can_be_watched():
    err = run("--lib=libz", "--report", "--json", FOLDER / "blocks", "none")[1]
    equal(json.loads(err)["created"], 2)


# Two that wait in libwaits.so, one after the other or meanwhile.
IN_TURN = "a sleeps\na is awake\nb sleeps\nb is awake\n"
AT_ONCE = "a sleeps\nb sleeps\na is awake\nb is awake\n"


@tap.test
def calls_of_a_chosen_library_let_others_run():
    calls = FOLDER / "calls"
    equal(subprocess.run([calls, "ramets", "naps"], stdout=subprocess.PIPE, text=True, timeout=LIMIT).stdout, IN_TURN)
    for lib in ("libwaits", "libz,libwaits.so", "libwait*"):
        equal(run(f"--lib={lib}", calls, "ramets", "naps"), (AT_ONCE, ""))
    for lib in ("libz", "libwaits_late", "libwaits.so.5"):
        equal(run(f"--lib={lib}", calls, "ramets", "naps")[0], IN_TURN)
    equal(run("--lib=libwaits", "--patch=socket", calls, "ramets", "naps")[0], IN_TURN)


@tap.test
def a_chosen_librarys_read_waits_for_another_ramet():
    calls = FOLDER / "calls"
    equal(run("--lib=libwaits", calls, "ramets", "reads"), ("a reads\nb writes\na has read x\n", ""))
    for no_help in (["--lib=libz"], ["--lib=libwaits", "--patch=time"]):
        equal(run(*no_help, calls, "ramets", "reads", status=-signal.SIGALRM)[0], "a reads\n")


@tap.test
def a_chosen_library_may_be_loaded_later():
    late = FOLDER / "libwaits_late.so"
    equal(run("--lib=libwaits_late", FOLDER / "calls", "ramets", "naps", late)[0], AT_ONCE)
    equal(run("--lib=libwaits.*", FOLDER / "calls", "ramets", "naps", late)[0], IN_TURN)


@tap.test
def a_chosen_library_in_plain_threads_waits_as_ever():
    out, err = run("--lib=libwaits", "--report", "--json", FOLDER / "calls", "threads", "reads")
    equal(sorted(out.splitlines()), ["a has read x", "a reads", "b writes"])
    equal(json.loads(err)["created"], 1)


@tap.test
def bad_groups_in_the_environment_are_refused():
    library = RAMET.parent.parent.parent / "src/libramet-preload.so"
    p = subprocess.run(["/bin/true"], stderr=subprocess.PIPE, text=True, timeout=LIMIT,
                       env={"LD_PRELOAD": str(library), "RAMET_RUN_GROUPS": "nonsense"})
    equal(p.returncode, 2)
    matches("names no groups: nonsense", p.stderr)


# ---- names ----------------------------------------------------------------------


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(kind, data):
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def answer_to(query):
    """Of a server that knows what tests/run/looks_up.c asks for."""
    end = query.index(b"\0", 12) + 5
    labels, kind = query[13:end - 5], query[end - 3]
    code, records = 0, []
    if labels.startswith(b"nx"):
        code = 3
    elif labels.startswith(b"alias"):
        records = [record(5, wire_name("real.test")),
                   wire_name("real.test") + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([10, 0, 0, 2])]
    elif kind == 12:
        records = [record(12, wire_name("pointed.test"))]
    elif kind == 1:
        records = [record(1, bytes([10, 0, 0, 1]))]
    return query[:2] + bytes([0x81, 0x80 | code, 0, 1, 0, len(records), 0, 0, 0, 0]) + query[12:end] + b"".join(records)


class NameServer(threading.Thread):
    """It answers nobody before `first` queries have come."""

    def __init__(self, first):
        super().__init__()
        self.first, self.socket, self.asked = first, socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", 0))

    def run(self):
        waiting = []
        while True:
            query, peer = self.socket.recvfrom(4096)
            if not query:
                return
            self.asked += 1
            waiting.append((query, peer))
            while self.asked >= self.first and waiting:
                query, peer = waiting.pop()
                self.socket.sendto(answer_to(query), peer)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", self.socket.getsockname())
        self.join()
        self.socket.close()


@contextlib.contextmanager
def names_of(server):
    """An environment in which only the server is asked."""
    with folder() as here:
        write(here / "resolv", f"nameserver 127.0.0.1:{server.socket.getsockname()[1]}\noptions timeout:30 attempts:1\n")
        write(here / "hosts", "")
        write(here / "order", "hosts: files dns\n")
        yield os.environ | {"RAMET_RESOLV_CONF": str(here / "resolv"), "RAMET_HOSTS": str(here / "hosts"),
                            "RAMET_NSSWITCH": str(here / "order")}


@tap.test
def a_programs_threads_look_up_at_once():
    said = subprocess.run([FOLDER / "without"], stdout=subprocess.PIPE, text=True, timeout=LIMIT).stdout.splitlines()
    if not said[0].startswith("names by ares"):
        return said[0]
    count = 100  # of one loop on one socket
    with NameServer(count) as server, names_of(server) as environment:
        out, _ = run(FOLDER / "looks_up", str(count), env=environment)
        assert server.asked > count, server.asked
    equal(out, f"{count} found\nreal.test is 10.0.0.2 (alias.test), not in less\nnx.test: error 0, h_errno 1\n"
          "n1.test\nnone, 1\nName or service not known\npointed.test\npointed.test\n")


@tap.test
def without_its_libraries_the_runtime_says_so():
    with folder() as here:
        for name in ("libcares.so.2", "libcrypto.so.3", "libssl.so.3"):
            write(here / name, "no library")
        p = subprocess.run([FOLDER / "without"], capture_output=True, text=True, timeout=LIMIT,
                           env=os.environ | {"LD_LIBRARY_PATH": str(here), "RAMET_RESOLVER": ""})
    equal((p.returncode, p.stderr), (0, ""))
    matches(r"^names by system: (libcares.so.2 is not there|it was built without c-ares)\nlocalhost: found\n"
            r"TLS: Operation not supported, (libssl.so.3: not found|built without OpenSSL)\n"
            r"TLS again: Operation not supported, (libssl.so.3: not found|built without OpenSSL)\n$", p.stdout)


# ---- what cannot run ----------------------------------------------------------


@tap.test
def missing_programs_are_127_and_others_126():
    with folder() as here:
        refused("no-such-program", why="not found; is its folder in PATH", status=127)
        refused("/no/such/program", why="not found$", status=127)
        refused("", why="not found", status=127)
        refused(here, why="is a directory", status=126)
        refused(write(here / "plain", "#!/bin/sh\n", 0o644), why="may not be run", status=126)
        refused("plain", why="may not be run", status=126, env=os.environ | {"PATH": str(here)})


@tap.test
def what_ramet_cannot_help_is_refused():
    with folder() as here:
        refused(write(here / "a", elf(interpreter=None)), why="linked statically.*link it dynamically")
        refused(write(here / "b", elf(note=b"Go")), why="Go program.*run it without ramet")
        refused(write(here / "c", elf(interpreter=None, note=b"Go")), why="Go program")
        refused(write(here / "d", elf("/lib/ld-musl-x86_64.so.1")), why="another libc than glibc.*ld-musl")
        refused(write(here / "e", elf(bits=1, machine=3)), why="32-bit program")
        refused(write(here / "f", elf(machine=183)), why="another processor")


@tap.test
def broken_files_are_left_to_the_system():
    whole = elf(note=b"GNU")
    with folder() as here:
        for size in (4, 16, 40, 63, 64, 100, 150, len(whole) - 1):
            p = subprocess.run([RAMET, "run", write(here / f"cut{size}", whole[:size])], capture_output=True, text=True,
                               timeout=LIMIT)
            assert p.returncode in (2, 126, 127, -signal.SIGSEGV), (size, p)
        run(write(here / "empty", ""))  # the shell's: does nothing


@tap.test
def setuid_programs_are_refused():
    if os.getuid() != 0:
        return "only root can make one"
    with folder() as here:
        for mode, what in ((0o4755, "setuid"), (0o2755, "setgid")):
            program = write(here / what, elf())
            os.chown(program, 65534, 65534)
            program.chmod(mode)
            refused(program, why=f"is {what}.*copy it")
        own = here / "own"
        shutil.copy("/bin/true", own)
        own.chmod(0o4755)
        run(own)  # gives no right that we have not
    return None


def as_nobody(*args, **options):
    """A plain user's `ramet run`; root's files may be out of its reach."""
    with folder() as here:
        here.chmod(0o755)
        shutil.copy(RAMET, here / "ramet")
        return subprocess.run([here / "ramet", "run", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=LIMIT, user=65534, group=65534, extra_groups=[], cwd="/", **options)


@tap.test
def programs_with_file_capabilities_are_refused():
    if os.getuid() != 0:
        return "only root can give them"
    with folder() as here:
        here.chmod(0o755)
        program = here / "program"
        shutil.copy("/bin/true", program)
        try:  # cap_net_bind_service, permitted and effective
            os.setxattr(program, "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0))
        except OSError as error:
            return f"{here} takes no capabilities: {error.strerror}"
        p = as_nobody(program)
        equal((p.returncode, p.stdout), (2, ""))
        matches(r"^ramet run: \S+/program has file capabilities, .*setcap -r\n$", p.stderr)
        run(program)  # root gets no right that it has not
        os.removexattr(program, "security.capability")
        p = as_nobody(program)
        matches("install ramet again", p.stderr)  # which comes after that
    return None


@tap.test
def a_machine_without_fsgsbase_has_no_threads_as_ramets():
    library = RAMET.parent.parent.parent / "src/libramet-preload.so"
    lacks = FOLDER / "liblacks.so"
    env = os.environ | {"LD_PRELOAD": str(lacks)}
    refused("/bin/true", why="no FSGSBASE.*use --no-patch=thread", env=env)
    equal(run("--no-patch=thread", "/bin/echo", "hello", env=env), ("hello\n", ""))
    run("--lib=libwaits", "/bin/true", env=env)
    # A program that an old ramet, or nobody, has looked at.
    p = subprocess.run(["/bin/true"], stderr=subprocess.PIPE, text=True, timeout=LIMIT,
                       env={"LD_PRELOAD": f"{library}:{lacks}"})
    equal(p.returncode, 2)
    matches(r"^ramet run: threads cannot be ramets here: .*FSGSBASE.*\n$", p.stderr)


@tap.test
def scripts_are_judged_by_their_interpreter():
    with folder() as here:
        static = write(here / "static", elf(interpreter=None))
        refused(write(here / "a", f"#!{static}\n"), why="linked statically")
        refused(write(here / "b", f"#! {static} -x\n"), why="linked statically")
        env = os.environ | {"PATH": f"{here}:{os.environ['PATH']}"}
        refused(write(here / "c", "#!/usr/bin/env static\n"), why="linked statically", env=env)
        refused(write(here / "d", "#!/usr/bin/env -S A=1 -u B static -x\n"), why="linked statically", env=env)
        refused(write(here / "e", f"#!{here / 'a'}\n"), why="linked statically")
        refused(write(here / "f", "#!/no/such/shell\n"), why="/no/such/shell is not found", status=127)
        out, _ = run(write(here / "g", "echo no first line\n"))
        equal(out, "no first line\n")
        out, _ = run(write(here / "h", f"#!/usr/bin/env {PYTHON}\nprint('python')\n"))
        equal(out, "python\n")


# ---- the report ---------------------------------------------------------------

ROWS = ["ramets created", "alive at once, at most", "switches between ramets", "context switches",
        "OS threads at once, at most", "system calls of the runtime", "calls that blocked"]


@tap.test
def report_is_aligned_and_plain_in_a_file():
    out, err = run("--report", "/bin/echo", "hello")
    equal(out, "hello\n")
    lines = err.splitlines()
    matches(r"^ramet: echo ran for \d+\.\d{3} s and used \d+\.\d{3} s of processor time$", lines[0])
    equal([re.match(r"  (.*?)  +(\d+|-)", line)[1] for line in lines[1:]], ROWS)
    equal({len(re.match(r"  .*?  +(\d+|-)", line)[0]) for line in lines[1:]}, {38})
    assert "\033" not in err, err


@tap.test
def report_has_colours_on_a_terminal_only_if_wanted():
    for env, wanted in (({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)):
        ours, theirs = pty.openpty()
        try:
            clean = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
            subprocess.run([RAMET, "run", "--report", "/bin/true"], stderr=theirs, env=clean | env, timeout=LIMIT)
            equal(b"\033[1m" in os.read(ours, 4000), wanted)
        finally:
            os.close(ours)
            os.close(theirs)


@tap.test
def report_can_be_json_in_a_file():
    with folder() as here:
        out, err = run("--report=r.json", "--json", "/bin/sh", "-c", "cd /; exit 3", cwd=here, status=3)
        equal((out, err), ("", ""))
        said = json.loads((here / "r.json").read_text())
        equal((said["program"], said["created"], said["blocked_calls"]), ("sh", 1, None))
        assert said["seconds"] >= 0 and said["os_threads"] >= 1, said


@tap.test
def report_counts_ramets():
    said = json.loads(run("--report", "--json", FOLDER / "blocks", "none")[1])
    equal((said["program"], said["created"], said["peak"]), ("blocks", 2, 2))
    assert said["switches"] >= 2, said


@tap.test
def report_comes_at_every_kind_of_exit():
    for end in ("import sys; sys.exit(0)", "import os; os._exit(0)",
                "import ctypes; ctypes.CDLL(None).quick_exit(0)", "import ctypes; ctypes.CDLL(None)._Exit(0)"):
        out, err = run("--report", "--json", PYTHON, "-c", end)
        equal(json.loads(err)["program"], "python3")


@tap.test
def report_comes_when_signals_end_the_program():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored, as under nohup
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        p = subprocess.Popen([RAMET, "run", "--report", "--json", "/bin/sh", "-c", "echo ready; read line"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        equal(p.stdout.readline(), "ready\n")
        p.send_signal(sig)
        _, err = p.communicate(timeout=LIMIT)
        equal(p.returncode, -sig)
        equal(json.loads(err)["program"], "sh")


@tap.test
def programs_do_not_see_the_reports_handlers():
    script = "import signal; print([signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)])"
    plain = subprocess.run([PYTHON, "-c", script], stdout=subprocess.PIPE, text=True, timeout=LIMIT).stdout
    equal(re.sub("0x[0-9a-f]+", "", run("--report", PYTHON, "-c", script)[0]), re.sub("0x[0-9a-f]+", "", plain))


@tap.test
def report_is_of_one_process():
    out, err = run("--report", "--json", PYTHON, "-c",
                   "import os, sys\nif os.fork() == 0: sys.exit(0)\nos.wait()\nos.system('/bin/true')")
    equal(err.count("\n"), 1)
    equal(json.loads(err)["program"], "python3")


# ---- calls that block ---------------------------------------------------------


def traced(*args):
    """Standard error of blocks, and what it reports of itself."""
    with folder() as here:
        out, err = run("--trace-blocking", f"--report={here / 'r'}", "--json", FOLDER / "blocks", *args)
        matches(r"done\n$", out)
        if "are not traced" in err:
            return None, None
        return err, json.loads((here / "r").read_text())


def names_blocking(call, times):
    err, said = traced(call, str(times))
    if err is None:
        return "no syscall user dispatch here"
    first = rf"(?m)^ramet: blocked \d+\.\d ms in {call} called from blocks: inline_{call}\+0x[0-9a-f]+$"
    equal(len(re.findall(first, err)), 1)
    matches(rf"(?m)^    inline_{call}\+0x[0-9a-f]+ \(blocks\)\n    main\+", err)
    at_end = re.search(rf"ramet: blocked (\d+) times, (\d+\.\d) ms in all, (\d+\.\d) ms at most, in {call} "
                       rf"called from blocks: inline_{call}", err)
    equal(int(at_end[1]), times)
    assert float(at_end[2]) >= times * 10 and float(at_end[3]) >= 10, err
    assert said["blocked_calls"] >= times and said["blocked_seconds"] >= 0.01 * times, said
    return None


@tap.test
def inline_read_is_named():
    return names_blocking("read", 3)


@tap.test
def inline_futex_is_named():
    return names_blocking("futex", 4)


@tap.test
def inline_io_uring_is_named():
    if "no io_uring" in run(FOLDER / "blocks", "io_uring_enter")[0]:
        return "no io_uring here"
    return names_blocking("io_uring_enter", 2)


@tap.test
def computing_is_not_blocking():
    err, said = traced("nothing")
    if err is None:
        return "no syscall user dispatch here"
    equal((err, said["blocked_calls"]), ("", 0))
    return None


@tap.test
def short_waits_are_not_named():
    out, err = run("--trace-blocking=60000", FOLDER / "blocks", "futex")
    equal((out, err), ("done\n", ""))


@tap.test
def traced_programs_keep_their_signals():
    return "no syscall user dispatch here" if traced("signals")[0] is None else None


@tap.test
def traced_programs_start_others():
    err, _ = traced("children")
    if err is None:
        return "no syscall user dispatch here"
    matches("in futex called from blocks: inline_futex", err)  # still watched
    return None


@tap.test
def tracing_changes_no_program():
    script = ("import subprocess, threading, signal, os\n"
              "signal.signal(signal.SIGUSR1, lambda *_: print('signal'))\n"
              "t = threading.Thread(target=lambda: print('thread')); t.start(); t.join()\n"
              "os.kill(os.getpid(), signal.SIGUSR1)\n"
              "print(subprocess.run(['/bin/echo', 'child'], stdout=subprocess.PIPE).stdout)\n"
              "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
              "print(open('/proc/self/comm').read())\n")
    plain = subprocess.run([PYTHON, "-c", script], stdout=subprocess.PIPE, text=True, timeout=LIMIT).stdout
    equal(run("--trace-blocking", PYTHON, "-c", script)[0], plain)


def without_dispatch(*args):
    return subprocess.run([FOLDER / "forbids", RAMET, "run", "--trace-blocking", *args], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=LIMIT)


@tap.test
def kernels_without_dispatch_are_said_once():
    p = without_dispatch(FOLDER / "blocks", "futex")
    equal((p.returncode, p.stdout), (0, "done\n"))
    equal(p.stderr, "ramet run: calls that block are not traced: "
          "the kernel has no syscall user dispatch (Linux 5.11), or forbids it\n")
    p = without_dispatch("--report", "--json", "/bin/true")
    equal(json.loads(p.stderr.splitlines()[1])["blocked_calls"], None)
    equal(without_dispatch("/bin/sh", "-c", "kill -SYS $$").returncode, -signal.SIGSYS)


if __name__ == "__main__":
    sys.exit(tap.run(sys.argv[3:]))
