"""Green threads: write blocking code, run thousands of it on one OS thread."""
from ramet._core import *
