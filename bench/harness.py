"""What the benches share: where things are, programs on a CPU of their own, the
state of the machine."""
import contextlib
import datetime
import os
import pathlib
import platform
import resource
import select
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
CPUS = sorted(os.sched_getaffinity(0))
TIMEOUT = 120  # seconds, for any one program
COLUMNS = ("bench", "peer", "parameter", "value", "unit", "note")


class Progress:
    """One line on a terminal, nothing elsewhere; a bar where it is known how far it is."""

    def __init__(self, steps=0):
        self.shown, self.start = sys.stderr.isatty(), time.monotonic()
        self.steps, self.done = steps, 0

    def show(self, words):
        if self.shown:
            seconds = time.monotonic() - self.start
            print(f"\r\033[K{seconds:4.0f} s  {self.bar()}{words}", end="", file=sys.stderr, flush=True)

    def step(self, words):
        """Show what begins now, one of `steps`."""
        self.show(words)
        self.done += 1

    def bar(self, width=24):
        if not self.steps:
            return ""
        full = min(width, width * self.done // self.steps)
        return "[" + "#" * full + "." * (width - full) + "] "

    def clear(self):
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


# ---- programs ---------------------------------------------------------------

def prepare(*cpus):
    """In the child: those CPUs, before others where that is permitted, and as many descriptors as
    are allowed."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    def in_child():
        os.sched_setaffinity(0, cpus)
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, -10)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return in_child


def words(command):
    return [str(word) for word in command]


@contextlib.contextmanager
def child(command, cpu, **options):
    """A program, and a process group, that is gone when the block is left."""
    p = subprocess.Popen(words(command), stdout=subprocess.PIPE, bufsize=0, preexec_fn=prepare(cpu),
                         start_new_session=True, **options)
    try:
        yield p
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(p.pid, 9)
        p.wait()
        p.stdout.close()


def output(command, *cpus):
    """What it prints, in the end."""
    return subprocess.run(words(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True,
                          timeout=TIMEOUT, preexec_fn=prepare(*cpus)).stdout


def read_line(pipe, seconds=10):
    """A line that must come soon.  The pipe is unbuffered."""
    if not select.select([pipe], [], [], seconds)[0]:
        raise RuntimeError("nothing came")
    return pipe.readline().decode()


def memory(pid):
    """Resident bytes, and those of page tables."""
    with open(f"/proc/{pid}/status") as f:
        fields = dict(line.split(":", 1) for line in f)
    return [int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmPTE")]


# ---- the build --------------------------------------------------------------

def ninja(*targets):
    p = subprocess.run(["ninja", "-C", str(BUILD), "-k", "0", *targets], cwd=ROOT, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return p.returncode == 0, p.stdout


def configure(*groups):
    """A release build, of what is there: only the group "build" must be."""
    for group in ("build", *groups):
        if subprocess.run(["script/bootstrap", group], cwd=ROOT).returncode and group == "build":
            sys.exit("script/bootstrap failed")
    again = ["--reconfigure"] if (BUILD / "build.ninja").exists() else []
    p = subprocess.run(["meson", "setup", *again, "--buildtype=release", str(BUILD)], cwd=ROOT, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if p.returncode:
        sys.exit(p.stdout)


def build(*targets):
    ok, text = ninja(*targets)
    if not ok:
        sys.exit(text)


# ---- the machine ------------------------------------------------------------

def first_line(*command):
    try:
        p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    except OSError:
        return ""
    return p.stdout.partition("\n")[0] if p.returncode == 0 else ""


def machine(**more):
    """Facts for the head of a table; more: commands whose first line is one."""
    with open("/proc/cpuinfo") as f:
        models = [line.partition(":")[2].strip() for line in f if line.startswith("model name")]
    facts = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": (models or [platform.machine()])[0], "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') >> 20} MiB",
        "kernel": f"Linux {platform.release()}", "compiler": first_line("gcc", "--version"),
        "go": first_line("go", "version"),
    }
    facts |= {name: first_line(*command) for name, command in more.items()}
    return facts | {"revision": first_line("git", "describe", "--always", "--dirty"),
                    "load": "%.1f %.1f %.1f" % os.getloadavg()}
