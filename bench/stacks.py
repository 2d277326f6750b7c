#!/usr/bin/python3
"""Measure `ramet stacks` and gdb from outside: seconds for the command from start to end, and what the process that is looked at
feels of it.

usage: bench/stacks.py [--build FOLDER]

Programs are those of tests/stacks, of a release build if there is one: meson setup --buildtype=release build/bench, then
ninja -C build/bench tools/ramet/ramet tests/waits.  Each figure is the median of five; writes a table to standard output.
"""
import argparse
import contextlib
import json
import pathlib
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUNS = 5


@contextlib.contextmanager
def running(*command):
    p = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        while p.stdout.readline() not in ("ready\n", ""):
            pass
        yield p.pid
    finally:
        p.kill()
        p.wait()
        p.stdin.close()
        p.stdout.close()


def seconds(*command):
    start = time.monotonic()
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def median(*command):
    return statistics.median(seconds(*command) for _ in range(RUNS))


def switches(ramet, pid):
    out = subprocess.run([ramet, "top", "--json", str(pid)], check=True, stdout=subprocess.PIPE).stdout
    return json.loads(out)["loops"][0]["switches"], time.monotonic()


def rate(ramet, pid, work, duration=2):
    """Switches a second while work() is done over and over, if there is any."""
    first, start = switches(ramet, pid)
    while time.monotonic() - start < duration:
        work()
    last, end = switches(ramet, pid)
    return (last - first) / (end - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/bench")
    build = parser.parse_args().build
    ramet, waits = build / "tools/ramet/ramet", build / "tests/waits"
    for count in (1000, 10000, 100000):
        with running(waits, count, 20) as pid:
            for command in (("stacks",), ("stacks", "--json"), ("top", "--once")):
                print(f"{count:7} ramets, {' '.join(command):14} {median(ramet, *command, pid) * 1000:8.1f} ms", flush=True)
    with running(waits, 1000, 20) as pid:
        for command in ("info ramets", "ramet apply all bt"):
            took = median("gdb", "-nx", "-batch", "-p", pid, "-ex", f"source {ROOT / 'tools/gdb/ramet.py'}", "-ex", command)
            print(f"   1000 ramets, gdb {command:18} {took * 1000:8.1f} ms", flush=True)
    with running(waits, "--short") as pid:
        pairs = []
        for _ in range(2 * RUNS):  # in turn: the machine changes too
            alone = rate(ramet, pid, lambda: time.sleep(0.1))
            pairs.append((alone, rate(ramet, pid, lambda: (seconds(ramet, "top", "--once", pid), time.sleep(0.9)))))
        ratio = statistics.median(seen / alone for alone, seen in pairs)
        print(f"one that switches {statistics.median(p[0] for p in pairs) / 1e6:.1f} M times a second: {ratio:.3f} of that "
              "under top, once a second")


if __name__ == "__main__":
    main()
