#!/usr/bin/python3
"""Check that the library exports what include/ declares and nothing else, that
every source file is part of the build, that the examples are short, and that no
file carries a mark of unfinished work."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MARK = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|WI" r"P)\b")
EXAMPLE_LINES = 60
TEXT = {".c", ".h", ".S", ".py", ".md", ".txt", ".scd", ".build", ".map", ".sh", ""}


def output(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def declared():
    """Functions that the public headers declare, as the compiler sees them."""
    include = ROOT / "include"
    source = "".join(f'#include "{h.relative_to(include)}"\n' for h in include.rglob("*.h"))
    with tempfile.NamedTemporaryFile("r") as prototypes:
        output("gcc", "-std=gnu11", "-D_GNU_SOURCE", f"-I{include}", "-x", "c", "-c", "-o", "/dev/null",
               "-aux-info", prototypes.name, "-", input=source)
        text = prototypes.read()
    ours = re.findall(rf"^/\* {re.escape(str(include))}/\S+ \*/ extern (.*)$", text, re.M)
    return {re.search(r"\b(\w+) \(", prototype)[1] for prototype in ours}


def exported(library):
    symbols = output("nm", "-D", "--defined-only", "--format=posix", library).splitlines()
    kinds = (line.split()[:2] for line in symbols)
    return {name.split("@")[0] for name, kind in kinds if kind != "A" and not name.endswith("@RAMET_PRIVATE")}


def symbol_errors(library):
    have, want = exported(library), declared()
    for name in sorted(want - have):
        yield f"{name} is declared in include/ but not exported"
    for name in sorted(have - want):
        yield f"{name} is exported but not declared in include/"


def built():
    """The C files that a meson.build of their folder or above names, with or without .c and _test."""
    for build in ROOT.rglob("meson.build"):
        words = set(re.findall(r"'([^']+)'", re.sub(r"#.*", "", build.read_text())))
        for path in build.parent.rglob("*.c"):
            name = str(path.relative_to(build.parent))
            if {name, path.stem, name.removesuffix(".c"), name.removesuffix("_test.c")} & words:
                yield path
        for word in words:
            if word.startswith("../") and word.endswith(".c"):
                yield (build.parent / word).resolve()


def build_errors():
    """Each C file is part of the build."""
    known = set(built())
    for folder in ("src", "patch", "tests", "examples", "bench"):
        for path in sorted((ROOT / folder).rglob("*.c")):
            if path not in known:
                yield f"{path.relative_to(ROOT)} is in no meson.build"


def length_errors():
    """An example, the file with its main, has fewer than 60 lines."""
    for path in sorted((ROOT / "examples").glob("*.c")):
        text = path.read_text()
        lines = len(text.splitlines())
        if re.search(r"^int main\(", text, re.M) and lines >= EXAMPLE_LINES:
            yield f"examples/{path.name} has {lines} lines, {EXAMPLE_LINES} are too many"


def files():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in (".git", "build", "__pycache__")]
        yield from (pathlib.Path(folder) / n for n in names if pathlib.Path(n).suffix in TEXT)


def mark_errors():
    for path in sorted(files()):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if m := MARK.search(line):
                yield f"{path.relative_to(ROOT)}:{number}: unfinished: {m[1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", default="build/gcc/src/libramet.so")
    library = ROOT / parser.parse_args().library
    if not library.exists():
        print(f"{library} is not built")
        return 1
    found = [*symbol_errors(library), *build_errors(), *length_errors(), *mark_errors()]
    print("\n".join(found) if found else f"{len(exported(library))} functions exported as declared, all sources built")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
