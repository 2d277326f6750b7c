#!/usr/bin/python3
"""Check the models of protocols with spin: each holds, and fails when mutated.

usage: tests/model_test.py MODEL.pml...

A model lists its mutations in its opening comment, one word in capitals at the start of
a line, each a macro.  The output is TAP.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

LIMIT = 100 * float(os.environ.get("TEST_TIMEOUT", 1))  # seconds for any one step
MUTATION = re.compile(r"^ \*   ([A-Z_]+) ", re.M)


def output(command, folder):
    return subprocess.run(command, cwd=folder, check=True, timeout=LIMIT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def errors(model, macros):
    """How many spin finds in all states of the model, and what it says."""
    with tempfile.TemporaryDirectory() as folder:
        output(["spin", *(f"-D{m}" for m in macros), "-a", str(model)], folder)
        output([compiler(), "-O1", "-w", "-DSAFETY", "-o", "pan", "pan.c"], folder)
        text = output(["./pan"], folder)
    if "Search not completed" in text and "errors: 0" in text:
        raise RuntimeError("spin has not looked at all states\n" + text)
    return int(re.search(r"errors: (\d+)", text)[1]), text


def compiler():
    return shutil.which("cc") or shutil.which("gcc")


def check(model, macros, want_errors):
    found, text = errors(model, macros)
    if (found > 0) == want_errors and (not found or "invalid end state" in text):
        return True
    print("".join(f"# {line}\n" for line in text.splitlines()), end="")
    return False


def main():
    models = [pathlib.Path(p).resolve() for p in sys.argv[1:]]
    missing = [name for name, there in (("spin", shutil.which("spin")), ("a C compiler", compiler()))
               if not there]
    if missing:
        print(f"1..0 # SKIP {' and '.join(missing)} not found: script/bootstrap test")
        return 0
    cases = [(m, macros) for m in models for macros in [[], *([w] for w in MUTATION.findall(m.read_text()))]]
    print(f"1..{len(cases)}")
    failed = 0
    for number, (model, macros) in enumerate(cases, 1):
        ok = check(model, macros, bool(macros))
        failed += not ok
        what = f"mutated by {macros[0]} fails" if macros else "holds"
        print(f"{'' if ok else 'not '}ok {number} - {model.stem} {what}", flush=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
