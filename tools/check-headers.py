#!/usr/bin/python3
"""Check that every public header compiles alone, as C11 and as C++17, without a warning."""
import argparse
import pathlib
import shutil
import subprocess
import sys

COMPILERS = {
    "gcc": ["-x", "c", "-std=c11"],
    "clang": ["-x", "c", "-std=c11"],
    "g++": ["-x", "c++", "-std=c++17"],
    "clang++": ["-x", "c++", "-std=c++17"],
}
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def compile_errors(compiler, header, include):
    """Included twice, for the guard, by a file that includes nothing else."""
    source = f'#include "{header}"\n' * 2
    p = subprocess.run([compiler, *COMPILERS[compiler], *WARNINGS, "-fsyntax-only", f"-I{include}", "-"],
                       input=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return p.stdout if p.returncode else ""


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    include = pathlib.Path(__file__).resolve().parent.parent / "include"
    headers = sorted(p.relative_to(include) for p in include.rglob("*.h"))
    present = [c for c in COMPILERS if shutil.which(c)]
    missing = [c for c in COMPILERS if c not in present]
    found = [f"{c} {h}:\n{e}" for h in headers for c in present if (e := compile_errors(c, h, include))]
    if found or not headers or not present:
        print("\n".join(found) or "no headers or no compilers")
        return 1
    print(f"{len(headers)} headers compile with {', '.join(present)}"
          + (f"; not installed: {', '.join(missing)}" if missing else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
