"""Stands in gevent's place: see ramet.dropin."""
import importlib
import os
import sys


def _become(name):
    """Let the import that is under way give ramet's module of that name."""
    del sys.modules[name]
    root = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))
    try:
        dropin = importlib.import_module("ramet.dropin")
    except ModuleNotFoundError:
        sys.path.append(root)  # the package that this folder is part of
        dropin = importlib.import_module("ramet.dropin")
    dropin.install_as_gevent()
    importlib.import_module(name)


_become(__name__)
