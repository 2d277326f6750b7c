"""Make `import gevent` and `import greenlet` mean this package.

Nothing does so by itself: call install_as_gevent() first thing in a program, run it by `python -m ramet`, or put the
folder of `python -m ramet --shim` on PYTHONPATH.  gevent.X and ramet.X are then the same module, and whatever asks for
gevent, however deep in a library, gets ours.
"""
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys

__all__ = ["install_as_gevent", "is_installed", "uninstall"]


def our_name(name):
    """The module that stands for one of gevent's or greenlet's; None if the name is none of those."""
    top, _, rest = name.partition(".")
    if top == "gevent":
        return "ramet" + (f".{rest}" if rest else "")
    if name in ("greenlet", "greenlet._greenlet"):
        return "ramet._greenlet"
    return None


class _Loader(importlib.abc.Loader):
    """Loads a module under a second name."""

    def __init__(self, name):
        self.name = name

    def create_module(self, spec):
        module = importlib.import_module(self.name)
        self.spec = module.__spec__
        return module

    def exec_module(self, module):
        module.__spec__ = self.spec  # which the import system has replaced

    def get_code(self, _fullname):
        """For `python -m gevent.monkey`, which runs it once more, as the main program."""
        return importlib.util.find_spec(self.name).loader.get_code(self.name)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        name = our_name(fullname)
        ours = self._spec_of(name) if name else None
        if ours is None:
            return None
        is_package = ours.submodule_search_locations is not None
        return importlib.machinery.ModuleSpec(fullname, _Loader(name), origin=ours.origin, is_package=is_package)

    @staticmethod
    def _spec_of(name):
        try:
            return importlib.util.find_spec(name)
        except ModuleNotFoundError:
            return None
        except ValueError:  # a module that has none
            module = sys.modules[name]
            spec = importlib.machinery.ModuleSpec(name, None, origin=getattr(module, "__file__", None))
            spec.submodule_search_locations = getattr(module, "__path__", None)
            return spec


_finder = _Finder()


def _refuse_others():
    """The real ones keep a stack and a loop of their own, and cannot share a thread with ours."""
    for name in ("greenlet", "gevent"):
        module = sys.modules.get(name)
        if module is not None and not module.__name__.startswith("ramet"):
            where = getattr(module, "__file__", None) or "built in"
            raise ImportError(f"{name} has been imported already, from {where}: ramet can stand in its place only if it "
                              f"comes first.  Start the program by 'python -m ramet', or call "
                              f"ramet.install_as_gevent() before anything else.", name=name)


def install_as_gevent():
    """From now on `import gevent` and `import greenlet` give this package.

    Raises ImportError if the real ones are imported already.  Calling it again changes nothing.
    """
    _refuse_others()
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def is_installed():
    """Whether `import gevent` gives this package."""
    return _finder in sys.meta_path


def uninstall():
    """Forget what install_as_gevent did, for imports that come later."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    for name in [n for n in sys.modules if n in ("gevent", "greenlet") or n.startswith(("gevent.", "greenlet."))]:
        del sys.modules[name]
