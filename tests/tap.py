"""Tests written in Python: functions that fail by raising, and return the reason if they are skipped."""
import sys
import traceback

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def run(names=()):
    """Run those of the names, without names all, and print TAP.  Returns the exit status."""
    chosen = [t for t in TESTS if not names or t.__name__ in names]
    failed = 0
    print(f"1..{len(chosen)}")
    for number, function in enumerate(chosen, 1):
        skipped = None
        try:
            skipped = function()
            verdict = "ok"
        except Exception:
            traceback.print_exc(file=sys.stderr)
            verdict = "not ok"
            failed += 1
        print(f"{verdict} {number} - {function.__name__}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
    return 1 if failed else 0
