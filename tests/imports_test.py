#!/usr/bin/python3
"""Compare the table of replacements with what programs import from libc.

usage: tests/imports_test.py COMMAND

COMMAND is ramet as built.  tests/imports.txt says of each function of libc whether
it may block.  The output is TAP.
"""
import fnmatch
import glob
import json
import os
import pathlib
import re
import subprocess
import sys

import tap

COMMAND = pathlib.Path(sys.argv[1]).resolve()
LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
LIBRARIES = "/usr/lib/x86_64-linux-gnu/"
# The acceptance list, what they load, and what else calls libc in interesting ways.
PROGRAMS = ["/usr/bin/microsocks", "/usr/bin/tinyproxy", "/usr/bin/siege", "/usr/bin/stunnel4", "/usr/bin/python3",
            "/usr/sbin/mariadbd", "/usr/bin/mariadb-slap", "/usr/bin/mariadb-admin",
            "/usr/lib/python3.11/lib-dynload/*.so"]
PROGRAMS += [LIBRARIES + name for name in (
    "libpq.so.5", "libcurl.so.4", "libcurl-gnutls.so.4", "libssl.so.3", "libcrypto.so.3", "libgnutls.so.30",
    "libstdc++.so.6", "libldap-2.5.so.0", "libkrb5.so.3", "libgssapi_krb5.so.2", "libnghttp2.so.14", "libssh2.so.1",
    "libexpat.so.1", "libsqlite3.so.0", "libz.so.1", "libaio.so.1", "libsystemd.so.0")]
LEAST = 150  # entry points


def none(found, what):
    assert not found, f"{what}: {' '.join(sorted(found))}"


def nm(*options):
    """Symbol names, without versions."""
    out = subprocess.run(["nm", "-D", "--format=posix", *options], check=True, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True).stdout
    return [line.split()[0].split("@", 1) for line in out.splitlines() if line and not line.endswith(":")]


def libc_functions():
    return {name for name, *version in nm("--defined-only", LIBC) if "GLIBC_PRIVATE" not in str(version)}


def imports(path):
    """What it takes from libc."""
    return {name for name, *version in nm("--undefined-only", path) if "GLIBC_" in str(version)}


def read_sections():
    """Heading: names and patterns."""
    sections, words = {}, None
    for line in pathlib.Path(__file__).with_name("imports.txt").read_text().splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("["):
            words = sections.setdefault(line.strip("[]"), [])
        elif line:
            words += line.split()
    return sections


LISTED = json.loads(subprocess.run([COMMAND, "run", "--list", "--json"], check=True, stdout=subprocess.PIPE).stdout)
REPLACED = {row["symbol"] for row in LISTED["replaced"]}
SECTIONS = read_sections()
COVERED, HARMLESS = set(SECTIONS["covered"]), SECTIONS["harmless"]
UNCOVERED = {heading.split(": ", 1)[1]: set(words) for heading, words in SECTIONS.items()
             if heading.startswith("uncovered")}
KNOWN = re.compile("|".join(fnmatch.translate(pattern) for pattern in HARMLESS))


@tap.test
def at_least_150_entry_points_are_replaced():
    assert len(REPLACED) >= LEAST, len(REPLACED)


@tap.test
def what_is_to_be_covered_is_replaced():
    none((COVERED & libc_functions()) - REPLACED, "not in a table")


@tap.test
def what_is_not_covered_is_in_the_manual():
    rows = [row["what"] for row in LISTED["uncovered"]]
    none({heading for heading in UNCOVERED if not any(re.match(rf"{re.escape(heading)}\b", row) for row in rows)},
         "no row of patch/uncovered.h begins so")


@tap.test
def nothing_is_in_two_sections():
    seen = set()
    for words in [COVERED, *UNCOVERED.values()]:
        none(seen & words, "twice")
        seen |= words
    replaced = set().union(*UNCOVERED.values()) & REPLACED - {"sigaltstack"}
    none(replaced, "replaced, but called uncovered in imports.txt")


@tap.test
def every_name_is_one_of_libc():
    if not os.path.exists(LIBC):
        return f"no {LIBC}"
    none(set().union(COVERED, *UNCOVERED.values()) - libc_functions(), "not in libc")
    return None


@tap.test
def programs_import_nothing_unknown():
    known = REPLACED.union(COVERED, *UNCOVERED.values())
    found = {}
    files = [f for pattern in PROGRAMS for f in glob.glob(pattern)]
    if not files:
        return "none of the programs is installed"
    for path in files:
        for name in imports(path) - known:
            if not KNOWN.match(name):
                found.setdefault(name, os.path.basename(path))
    none({f"{name} ({path})" for name, path in found.items()},
         "imported, but in no section of tests/imports.txt: look whether it may block")
    print(f"# {len(files)} programs and libraries")
    return None


if __name__ == "__main__":
    sys.exit(tap.run())
