"""The stubs, and what help() shows: every public name has both, and they are right."""
import ast
import glob
import importlib
import inspect
import os
import shutil
import subprocess
import sys
import tempfile
import types

from lib.tap import Skip, equal, main, test

import ramet

FOLDER = os.path.dirname(ramet.__file__)
LIMIT = 300
ALLOWED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stubs_allowed.txt")


def modules():
    """All that are public: the names below ramet."""
    names = ["ramet"]
    for path in glob.glob(os.path.join(FOLDER, "**", "*.py"), recursive=True):
        parts = os.path.relpath(path, FOLDER)[:-3].split(os.sep)
        if parts[0] != "shim" and not any(p.startswith("_") for p in parts if p != "__init__"):
            names.append(".".join(["ramet"] + [p for p in parts if p != "__init__"]))
    return sorted(set(names) - {"ramet.gunicorn"})  # which needs gunicorn


def members(c):
    return [(f"{c.__name__}.{name}", value) for name, value in vars(c).items()
            if not name.startswith("_") and (inspect.isroutine(value) or isinstance(value, types.GetSetDescriptorType))]


def written_in_c():
    """(name, object) of all functions, classes, methods and attributes of ramet._core that are public."""
    from ramet import _core
    for name in dir(_core):
        value = getattr(_core, name)
        if name.startswith("_") or not (isinstance(value, type) or inspect.isroutine(value)):
            continue
        yield name, value
        if isinstance(value, type):
            yield from members(value)


def all_modules():
    return [importlib.import_module(name) for name in modules()]


@test
def everything_written_in_c_is_documented():
    all_modules()
    equal([name for name, value in written_in_c() if not (getattr(value, "__doc__", None) or "").strip()], [])


def callables():
    return [(name, value) for name, value in written_in_c() if inspect.isroutine(value)]


def has_signature(function):
    try:
        return bool(inspect.signature(function)) or True
    except ValueError:
        return False


# Their arguments follow no rule of Python's: the flags of sendto come before what it must have.
WITHOUT = {"raise_pending", "Socket.sendto"}


@test
def functions_in_c_have_signatures():
    all_modules()
    missing = {name for name, value in callables()
               if isinstance(value, (types.BuiltinFunctionType, types.MethodDescriptorType)) and not has_signature(value)}
    equal(missing - WITHOUT, set())


def stub_of(name):
    path = os.path.join(FOLDER, *name.split(".")[1:])
    return os.path.join(path, "__init__.pyi") if os.path.isdir(path) else path + ".pyi"


def defined_in(path):
    """The names that a stub has at its top."""
    with open(path) as f:
        tree = ast.parse(f.read())
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (a.asname or a.name for a in node.names)
        elif isinstance(node, ast.AnnAssign):
            yield node.target.id
        elif isinstance(node, ast.Assign):
            yield from (t.id for t in node.targets)


def public(module):
    """What a module offers of its own, not of the standard library's."""
    names = getattr(module, "__all__", [])
    theirs = getattr(module, "__target__", module.__name__.partition(".")[2])
    theirs = importlib.import_module(theirs) if theirs in sys.stdlib_module_names else None
    imported = {n for n in names if hasattr(theirs, n) and getattr(theirs, n) is getattr(module, n)}
    imported |= set(getattr(module, "__imports__", ())) | set(getattr(module, "__imports_with_names_of_ours__", ()))
    return [n for n in names if n not in imported and not isinstance(getattr(module, n), types.ModuleType)]


@test
def every_public_name_is_in_a_stub():
    wanted = {module.__name__: public(module) for module in all_modules()}
    wanted["ramet._core"] = [name for name, _ in written_in_c() if "." not in name] + ["version"]
    missing = {name: set(names) - set(defined_in(stub_of(name))) for name, names in wanted.items()}
    equal({name: names for name, names in missing.items() if names}, {})
    assert os.path.exists(os.path.join(FOLDER, "py.typed"))


@test
def the_stubs_are_those_of_what_runs():
    """By mypy's stubtest: each name is there on both sides, with the same parameters."""
    try:
        import mypy.stubtest
    except ImportError:
        raise Skip("there is no mypy") from None
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(FOLDER, os.path.join(folder, "ramet"), ignore=shutil.ignore_patterns("*.py", "*.so*", "shim"))
        p = subprocess.run([sys.executable, "-m", "mypy.stubtest", "--concise", "--allowlist", ALLOWED,
                            "--ignore-missing-stub", "--ignore-unused-allowlist", "ramet"],
                           env=dict(os.environ, MYPYPATH=folder), cwd=folder, capture_output=True, text=True,
                           timeout=LIMIT)
    assert p.returncode == 0, p.stdout + p.stderr


main()
