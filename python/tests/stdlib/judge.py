"""Runs modules of CPython's own tests after all has been patched, in this interpreter: judge.py LOG SETTINGS.

SETTINGS is JSON: modules; resources, as those of test.support; skip and only, patterns of tests' names; unpatched;
inside, which runs them in a greenlet that is not the main one; children, which patches the programs that they write.
LOG gets a line of JSON for all that happens.
"""
import fnmatch
import json
import os
import re
import sys
import time

if __name__ == "__main__":
    SETTINGS = json.loads(sys.argv[2])
    LOG = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.environ["JUDGE"] = sys.argv[2]
    del sys.argv[1:]
else:  # a child of multiprocessing, for which this is the main program
    SETTINGS = json.loads(os.environ["JUDGE"])
if not SETTINGS["unpatched"]:
    from ramet import monkey
    monkey.patch_all()

import unittest  # noqa: E402
from test import support  # noqa: E402


FOR_CHILDREN = f"import sys; sys.path[:0] = {sys.path[1:]!r}; from ramet import monkey; monkey.patch_all()\n"


def patch_children():
    """Programs that are given to assert_python_ok and its like as text are run patched."""
    from test.support import script_helper
    original = script_helper.run_python_until_end

    def run_python_until_end(*args, **kwargs):
        args = list(args)
        if "-c" in args:
            args[args.index("-c") + 1] = FOR_CHILDREN + args[args.index("-c") + 1]
        return original(*args, **kwargs)
    script_helper.run_python_until_end = run_python_until_end


def tell(*what):
    os.write(LOG, json.dumps(what).encode() + b"\n")


def name_of(test):
    """test_x.Class.method, also of what only stands for the set-up of a class or module."""
    found = re.fullmatch(r"(\w+) \((.*)\)", test.id())
    return (f"{found[2]}.{found[1]}" if found else test.id()).removeprefix("test.")


class Result(unittest.TestResult):
    """Writes down what happens at once, so that it is known after a crash as well."""

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        tell("start", name_of(test))

    def stopTest(self, test):
        super().stopTest(test)
        tell("stop", name_of(test), f"{time.monotonic() - self.began:.3f}")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        tell("skip", name_of(test), reason)

    def addError(self, test, err):
        super().addError(test, err)
        tell("fail", name_of(test), self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        tell("fail", name_of(test), self.failures[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            tell("fail", name_of(test), f"{subtest}\n{self._exc_info_to_string(err, test)}")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        tell("fail", name_of(test), "unexpected success")


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, p) for p in patterns)


def is_wanted(test):
    name = name_of(test)
    tell("found", name)
    return not matches(name, SETTINGS["skip"]) and (not SETTINGS["only"] or matches(name, SETTINGS["only"]))


def keep_wanted(suite):
    """Take out of the suite what is not to be run."""
    kept = []
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            keep_wanted(test)
            kept.append(test)
        elif is_wanted(test):
            kept.append(test)
    suite._tests[:] = kept


def run():
    support.use_resources = SETTINGS["resources"]
    if SETTINGS["children"]:
        patch_children()
    for module in SETTINGS["modules"]:
        try:
            suite = unittest.TestLoader().loadTestsFromName(f"test.{module}")
        except unittest.SkipTest as e:
            tell("skip", module, str(e))
            continue
        keep_wanted(suite)
        suite.run(Result())
        support.reap_children()
    tell("end")


if __name__ == "__main__" and SETTINGS["inside"]:
    import ramet
    ramet.spawn(run).get()
elif __name__ == "__main__":
    run()
