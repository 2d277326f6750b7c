#!/usr/bin/python3
"""Check the manual pages against what they describe.

Each public function has a page, prototypes in SYNOPSIS are the headers', EXAMPLES that are C compile, the options
of ramet-run(1) are those of its --help, the version is the project's, pages that
are referred to are there, and ramet-patch(7) as built has each function and each
uncovered row of `ramet run --list`.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs/man"
WORD = re.compile(r"--[a-z][a-z-]*")


def squeeze(text):
    return " ".join(text.split())


def section(text, name):
    m = re.search(rf"(?ms)^# {name}\n(.*?)(?=^# |\Z)", text)
    return m[1] if m else ""


def literal_blocks(text):
    """As they are shown: a backslash is written twice."""
    return [re.sub(r"\\(.)", r"\1", block) for block in re.findall(r"(?ms)^```\n(.*?)^```$", text)]


def prototypes():
    headers = "\n".join(h.read_text() for h in sorted((ROOT / "include").rglob("*.h")))
    return {squeeze(p) for p in re.findall(r"RAMET_API ([^;{]*;)", headers)}


def prototype_errors(page, text, known):
    for block in literal_blocks(section(text, "SYNOPSIS")):
        for prototype in re.findall(r"(?m)^(\w[^#;]*;)", block):
            if squeeze(prototype) not in known:
                yield f"{page.name}: no header has: {squeeze(prototype)}"


def coverage_errors(pages, known):
    """Each public function is what some page is about."""
    about = set(re.findall(r"\bramet_\w+", "".join(section(page.read_text(), "NAME") for page in pages)))
    for prototype in sorted(known):
        name = re.search(r"\b(ramet_\w+)\(", prototype)
        if name and name[1] not in about:
            yield f"no page is about {name[1]}"


def example_errors(page, text):
    for block in literal_blocks(section(text, "EXAMPLES")):
        if "#include" not in block:
            continue
        p = subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{ROOT}/include",
                            "-x", "c", "-"], input=block, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if p.returncode:
            yield f"{page.name}: an example does not compile:\n{p.stdout}"


def version_errors(page, text):
    version = re.search(r"(?m)^\s*version: '(.*?)'|project\('ramet'.*?version: '(.*?)'", (ROOT / "meson.build").read_text())
    first = text.splitlines()[0]
    name, number = re.match(r"([\w-]+\.\d)\.scd", page.name)[1].rsplit(".", 1)
    want = f'{name}({number}) "ramet {version[1] or version[2]}" "Ramet manual"'
    if first != want:
        yield f"{page.name}: begins with {first}, not with {want}"


def reference_errors(page, text):
    """ramet pages that it mentions, as name(3), exist."""
    for name, number in re.findall(r"\b(ramet[\w\\-]*)\*?\((\d)\)", text):
        name = name.replace("\\", "")
        if not list(PAGES.glob(f"{name}.{number}.scd*")):
            yield f"{page.name}: there is no {name}({number})"


def option_errors(command):
    page = (PAGES / "ramet-run.1.scd").read_text()
    described = set(re.findall(r"(?m)^\*(--[a-z-]+)\*", section(page, "OPTIONS")))
    shown = set(re.findall(r"(?m)^  (--[a-z-]+)", subprocess.run(
        [command, "help", "run"], check=True, stdout=subprocess.PIPE, text=True).stdout))
    for option in sorted(described ^ shown):
        yield f"ramet-run.1.scd: {option} is only in {'the page' if option in described else '--help'}"


def list_errors(command, built):
    listed = json.loads(subprocess.run([command, "run", "--list", "--json"], check=True,
                                       stdout=subprocess.PIPE).stdout)
    page = squeeze(re.sub(r"\\(.)", r"\1", built.read_text()))
    words = set(re.findall(r"\w+", page))
    for row in listed["replaced"]:
        if row["symbol"] not in words:
            yield f"{built.name}: {row['symbol']} is replaced, but not in it"
    for row in listed["uncovered"]:
        for text in row.values():
            if squeeze(text) not in page:
                yield f"{built.name}: lacks: {text}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/gcc", type=pathlib.Path)
    build = ROOT / parser.parse_args().build
    command, built = build / "tools/ramet/ramet", build / "docs/man/ramet-patch.7.scd"
    found, known = [], prototypes()
    pages = sorted(PAGES.glob("*.scd*"))
    for page in pages:
        text = page.read_text()
        found += [*prototype_errors(page, text, known), *example_errors(page, text), *version_errors(page, text),
                  *reference_errors(page, text)]
    found += coverage_errors(pages, known)
    if command.exists():
        found += option_errors(command)
        found += list_errors(command, built) if built.exists() else ["ramet-patch(7) is not built: install scdoc"]
    else:
        found.append(f"{command} is not built")
    print("\n".join(found) if found else f"{len(pages)} manual pages are as the code is")
    return 1 if found or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
