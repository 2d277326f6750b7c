"""What python/README.md says is so: its programs print what stands there, its links lead somewhere."""
import os
import re
import subprocess
import sys
import tempfile

import ramet
from lib import readme
from lib.tap import equal, main, test

LIMIT = 60
PACKAGE = os.path.dirname(os.path.abspath(ramet.__file__))
INSTALLING = ("install",)  # package_test.py runs it


def lay_out(folder):
    """The programs, and python3 as the interpreter that runs this."""
    for block in readme.blocks():
        if block.language == "python":
            with open(os.path.join(folder, block.name), "w") as f:
                f.write(block.code)
    python = os.path.join(folder, "python3")
    with open(python, "w") as f:
        f.write(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    os.chmod(python, 0o755)


def command(block):
    return [sys.executable, block.name] if block.language == "python" else ["sh", "-e", "-c", block.code]


def run(block):
    with tempfile.TemporaryDirectory() as folder:
        lay_out(folder)
        env = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}", PYTHONPATH=os.path.dirname(PACKAGE))
        return subprocess.run(command(block), cwd=folder, env=env, capture_output=True, text=True, timeout=LIMIT)


def add(block):
    def function():
        p = run(block)
        assert p.returncode == 0, p.stderr
        if block.output:
            equal(p.stdout, block.output)
    function.__name__ = "block_" + block.name.replace(".", "_")
    test(function)


for each in readme.blocks():
    if each.name not in INSTALLING:
        add(each)


@test
def every_block_is_run():
    fences = re.findall(r"^```(\w+)$", readme.text(), re.M)
    equal(len([f for f in fences if f != "text"]), len(readme.blocks()))
    equal(fences.count("text"), len([b for b in readme.blocks() if b.output]))


@test
def links_lead_somewhere():
    for link in re.findall(r"\]\(([^)#:]+)[^):]*\)", readme.text()):
        assert os.path.exists(os.path.join(os.path.dirname(readme.PATH), link)), link


main()
