#!/usr/bin/python3
"""Run an unmodified threaded program plain and under `ramet run`, and compare.

usage: examples/side_by_side.py BUILD [CONNECTIONS [SECONDS]]

The program is an echo server with a thread for each connection, bench/echo/pthread.c; the load is
bench/echo/load.c.  BUILD should be a release build.
"""
import contextlib
import os
import pathlib
import resource
import select
import subprocess
import sys
import time

BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo").resolve()
CONNECTIONS = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 2
CPUS = sorted(os.sched_getaffinity(0))
SERVER, LOAD = BUILD / "bench" / "echo-pthread", BUILD / "bench" / "load"
RAMET = BUILD / "tools" / "ramet" / "ramet"


def status(path):
    return dict(line.split(":", 1) for line in pathlib.Path(path).read_text().splitlines())


def number_of(text):
    return int(text.split()[0])


def tasks(pid):
    """The status of each OS thread."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            yield status(task / "status")


def on(cpu):
    return lambda: os.sched_setaffinity(0, {cpu})


def until_connected(pid):
    """The load begins then."""
    end = time.monotonic() + 20
    while len(os.listdir(f"/proc/{pid}/fd")) <= CONNECTIONS and time.monotonic() < end:
        time.sleep(0.05)


def measure(command):
    """One run under load.  Returns the figures of the table, top to bottom."""
    server = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              preexec_fn=on(CPUS[0]))
    try:
        if not select.select([server.stdout], [], [], 20)[0]:
            sys.exit(f"{command[0]} does not say its port")
        port = server.stdout.readline().decode().strip()
        load = subprocess.Popen([str(c) for c in (LOAD, port, server.pid, CONNECTIONS, 64, 0.5, SECONDS, "asks")],
                                stdout=subprocess.PIPE, text=True, preexec_fn=on(CPUS[-1]))
        until_connected(server.pid)
        time.sleep(0.5 + SECONDS / 2)  # in the middle of it
        kernel_stacks = number_of(status("/proc/meminfo")["KernelStack"])
        threads = sum(not task["Name"].strip().startswith("ramet ") for task in tasks(server.pid))  # its watchdog
        memory = number_of(status(f"/proc/{server.pid}/status")["VmRSS"])
        messages, seconds, cpu, p50, p99 = map(float, load.communicate(timeout=60)[0].split())
        before, after = (int(server.stdout.readline()) for _ in range(2))  # context switches
        return [threads, messages / seconds, cpu / messages * 1e6, (after - before) / messages, p50 / 1000,
                p99 / 1000, memory / 1024, kernel_stacks / 1024]
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


ROWS = [
    ("OS threads, besides the watchdog", "{:,.0f}"), ("messages per second", "{:,.0f}"), ("CPU per message, us", "{:.1f}"),
    ("context switches per message", "{:.2f}"), ("answer after, median, ms", "{:.1f}"),
    ("answer after, 99 %, ms", "{:.1f}"), ("resident memory, MiB", "{:.1f}"),
    ("kernel stacks, all programs', MiB", "{:.1f}"),
]


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f"\nAn unmodified program: an echo server with a thread for each of {CONNECTIONS:,} connections,\n"
          "on one processor.\n"
          f"    {os.path.relpath(SERVER)}\n    {os.path.relpath(RAMET)} run {os.path.relpath(SERVER)}\n")
    plain, ramet = measure([SERVER]), measure([RAMET, "run", SERVER])
    print(f"{'':34}{'plain':>12}{'ramet run':>12}")
    for (name, form), a, b in zip(ROWS, plain, ramet):
        print(f"{name:34}{form.format(a):>12}{form.format(b):>12}")
    print()


main()
