"""The blocks of code of python/README.md: each begins with its name, and its output may follow."""
import os
import re
from collections import namedtuple

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PATH = os.path.join(ROOT, "python", "README.md")
BLOCK = re.compile(r"^```(\w+)\n# (\S+)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.M | re.S)

Block = namedtuple("Block", "language name code output")


def text():
    with open(PATH) as f:
        return f.read()


def blocks():
    """In their order; what a block prints is None if the page does not say so."""
    return [Block(m[1], m[2], m[3], m[4]) for m in BLOCK.finditer(text())]
