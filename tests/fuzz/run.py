#!/usr/bin/python3
"""Run a fuzz target for two minutes, twenty with TEST_LONG, or TEST_FUZZ seconds; tell the result as TAP.

What it finds on the way is kept in build/.../corpus/TARGET for the next time.
An input that fails is kept beside it, and the command to repeat it is shown.
"""
import os
import pathlib
import subprocess
import sys

SEEDS = pathlib.Path(__file__).resolve().parent / "corpus"


def seconds():
    return int(os.environ.get("TEST_FUZZ", 1200 if os.environ.get("TEST_LONG") else 120))


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    target = program.name.removeprefix("fuzz_")
    found = program.parent / "corpus" / target
    found.mkdir(parents=True, exist_ok=True)
    dictionary = SEEDS.parent / f"{target}.dict"
    command = [str(program), f"-max_total_time={seconds()}", "-timeout=10", "-rss_limit_mb=1024", "-verbosity=0",
               "-print_final_stats=1", f"-artifact_prefix={found.parent}/{target}-",
               *([f"-dict={dictionary}"] if dictionary.exists() else []), str(found), str(SEEDS / target)]
    p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       text=True, errors="replace", timeout=seconds() + 120)
    print("1..1")
    print("not ok" if p.returncode else "ok", "1 -", target)
    lines = [line for line in p.stdout.splitlines() if not line.startswith(("INFO:", "Dictionary:"))]
    print("\n".join(lines), file=sys.stderr)
    if p.returncode:
        print(f"repeat with {program} FILE: docs/fuzzing.md", file=sys.stderr)
    return p.returncode


if __name__ == "__main__":
    sys.exit(main())
