"""What pip makes of the tree: a source distribution, and of that a wheel, installed and used as users do.

It builds a release of the library, so it takes a minute, and only one configuration runs it.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile

from lib import readme
from lib.tap import Skip, equal, main, test

ROOT = readme.ROOT
CONTRACT = os.path.join(ROOT, "python", "tests", "contract")
BUILD_LIMIT = 600  # seconds
FOLDER = os.environ.get("PACKAGE_TEST_FOLDER", "")  # where all of this happens
PYTHON = os.path.join(FOLDER, "tree", "env", "bin", "python")
LOG = os.path.join(FOLDER, "log")


def clean():
    """Without what the tests of a build set, and without the network."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "RAMET_", "MALLOC_", "MESON_", "LD_"))}
    return dict(env, PIP_NO_INDEX="1", PIP_VERBOSE="1", PIP_DISABLE_PIP_VERSION_CHECK="1", PYTHONDONTWRITEBYTECODE="1")


def run(*command, folder=FOLDER, limit=60, **options):
    return subprocess.run(command, cwd=folder, env=clean(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, timeout=limit, **options)


def output(*command, **options):
    p = run(*command, **options)
    assert p.returncode == 0, p.stdout
    return p.stdout


def python(code, *args):
    return output(PYTHON, "-c", code, *args)


# ---- the build, once for all tests ----------------------------------------------------

def commit_tree(to):
    """A clone of the tree as it is, changes that are not committed included."""
    files = output("git", "ls-files", "--cached", "--others", "--exclude-standard", folder=ROOT).splitlines()
    for name in files:
        if os.path.isfile(os.path.join(ROOT, name)):
            os.makedirs(os.path.dirname(os.path.join(to, name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(to, name))
    output("git", "init", "-q", folder=to)
    output("git", "add", "-A", folder=to)
    output("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "tree", folder=to)


def build(folder):
    """A source distribution of the clone; and the commands of the README in what is unpacked of it."""
    clone = os.path.join(folder, "clone")
    commit_tree(clone)
    text = output(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", folder,
                  folder=clone, limit=BUILD_LIMIT)
    archive, = glob.glob(os.path.join(folder, "ramet-*.tar.gz"))
    shutil.unpack_archive(archive, folder)
    tree, = glob.glob(os.path.join(folder, "ramet-*/"))
    os.rename(tree, os.path.join(folder, "tree"))
    install, = [b.code for b in readme.blocks() if b.name == "install"]
    path = f"PATH={os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    return text + output("env", path, "sh", "-e", "-c", install, folder=os.path.join(folder, "tree"), limit=BUILD_LIMIT)


def lacking():
    for module in ("build", "mesonpy", "venv", "pip"):
        if run(sys.executable, "-c", f"import {module}", folder="/").returncode:
            return f"there is no {module}"
    return "" if os.path.exists(os.path.join(ROOT, ".git")) else "this is no clone"


def prepare(folder):
    """Where the tests find why there is nothing to test, or the log of the build."""
    why, log = lacking(), ""
    if not why:
        try:
            log = build(folder)
        except (AssertionError, subprocess.TimeoutExpired) as e:
            log = f"FAILED {e}"
    with open(os.path.join(folder, "log"), "w") as f:
        f.write(f"SKIP {why}" if why else log)


def log():
    with open(LOG) as f:
        text = f.read()
    if text.startswith("SKIP "):
        raise Skip(text[5:])
    assert not text.startswith("FAILED "), text[-4000:]
    return text


def package():
    """The folder that it is installed in."""
    log()
    folder, = glob.glob(os.path.join(FOLDER, "tree/env/lib/python3*/site-packages"))
    return os.path.join(folder, "ramet")


# ---- the tests ----------------------------------------------------

@test
def it_is_built_without_warnings_from_a_source_distribution():
    text = log()
    equal([line for line in text.splitlines() if ": warning: " in line], [])
    assert "-Dbuildtype=release" in text
    assert "with the interface of gevent" in text  # the last command of the README


@test
def its_metadata_is_the_projects():
    package()
    with open(os.path.join(ROOT, "meson.build")) as f:
        version = re.search(r"version: '([^']+)'", f.read())[1]
    told = python("from importlib.metadata import metadata as m; m = m('ramet')\n"
                  "print(m['Version'], m['Requires-Python'], m['License'].split(chr(10))[0], m.get('Requires-Dist'))\n"
                  "print('\\n'.join(m.get_all('Classifier')))\nprint(m.get_payload()[:10])")
    equal(told.splitlines()[0], f"{version} <3.14,>=3.9 MIT License None")
    for minor in range(9, 14):
        assert f"Programming Language :: Python :: 3.{minor}\n" in told
    assert "# ramet" in told
    equal(python("import ramet._core as c; print(c.version)").strip(), version)


@test
def nothing_but_the_package_is_in_it():
    files = python("from importlib.metadata import files; print(*files('ramet'), sep='\\n')").splitlines()
    other = [f for f in files if not f.startswith("ramet/") and ".dist-info/" not in f]
    equal(other, [])
    kinds = {os.path.splitext(f)[1] for f in files if f.startswith("ramet/")}
    assert kinds <= {".py", ".pyi", ".typed", ".so", ".0", ".pyc", ""}, kinds
    for name in ("libramet.so.0", "py.typed", "_core.pyi", "shim/gevent/__init__.py", "monkey/__init__.py"):
        assert f"ramet/{name}" in files, name
    sources = {os.path.relpath(f, os.path.join(ROOT, "python"))
               for kind in ("py", "pyi") for f in glob.glob(f"{ROOT}/python/ramet/**/*.{kind}", recursive=True)}
    equal(sources - set(files), set())


@test
def the_library_is_found_beside_the_module_and_is_of_a_release():
    folder = package()
    module = os.path.join(folder, "_core" + sysconfig.get_config_var("EXT_SUFFIX"))
    paths = re.findall(r"R(?:UN)?PATH.*\[(.*)\]", output("readelf", "-d", module))
    assert [p.rstrip("/.") for p in paths] == ["$ORIGIN"], paths
    maps = python("import ramet; print(open('/proc/self/maps').read())")
    equal(set(re.findall(r"\S*/libramet\S*", maps)), {os.path.join(folder, "libramet.so.0")})
    assert "__assert_fail" not in output("nm", "-D", "--undefined-only", os.path.join(folder, "libramet.so.0"))


@test
def the_contract_is_kept():
    package()
    script = os.path.join(CONTRACT, "s4_pingpong.py")
    with open(script.replace(".py", ".expected")) as f:
        equal(output(PYTHON, "-m", "ramet", script), f.read())


@test
def the_command_helps():
    package()
    assert "usage: python -m ramet" in output(PYTHON, "-m", "ramet", "--help")


@test
def the_shim_is_there():
    package()
    folder = output(PYTHON, "-m", "ramet", "--shim").strip()
    code = f"import sys; sys.path.insert(0, {folder!r}); import gevent; print(gevent.__name__)"
    equal(python(code), "ramet\n")


@test
def drivers_are_patched():
    package()
    if run(PYTHON, "-c", "import psycopg2").returncode:
        raise Skip("there is no psycopg2")
    code = ("from ramet import _core, monkey\nmonkey.patch_all()\nbefore = _core.patched('poll')\n"
            "import psycopg2\nprint(before, _core.patched('poll'))")
    before, after = map(int, python(code).split())
    assert 0 < before < after, (before, after)


@test
def a_libramet_that_is_there_already_is_shared():
    """The name that the linker knows it by is the same."""
    other = shutil.copy(os.path.join(package(), "libramet.so.0"), FOLDER)
    code = ("import ctypes, re, sys; ctypes.CDLL(sys.argv[1]); import ramet; ramet.sleep(0.001)\n"
            "print(*set(re.findall(r'\\S*/libramet\\S*', open('/proc/self/maps').read())))")
    equal(python(code, other).strip(), other)


@test
def two_are_refused():
    mine = os.path.join(package(), "libramet.so.0")
    others = [shutil.copy(mine, os.path.join(FOLDER, f"libramet.so.{name}")) for name in ("here", "there")]
    code = "import ctypes, sys; [ctypes.CDLL(path) for path in sys.argv[1:]]; import ramet"
    p = run(PYTHON, "-c", code, *others)
    told = p.stdout.splitlines()[-1]
    assert p.returncode == 1 and told.startswith("ImportError: two copies of libramet cannot run"), p.stdout
    assert all(path in told for path in others), told


@test
def one_of_another_version_is_refused():
    version = python("import ramet._core as c; print(c.version)").strip()
    with open(os.path.join(package(), "libramet.so.0"), "rb") as f:
        image = f.read()
    other = os.path.join(FOLDER, "libramet.so.old")
    with open(other, "wb") as f:
        f.write(image.replace(version.encode() + b"\0", version[:-1].encode() + b"9\0"))
    p = run(PYTHON, "-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1]); import ramet", other)
    told = f"ImportError: this module is of ramet {version}, and {other}, which is loaded, is of {version[:-1]}9"
    equal(p.stdout.splitlines()[-1], told)


@test
def a_wheel_is_built_of_a_clone():
    log()
    if not os.environ.get("TEST_LONG"):
        raise Skip("takes long; TEST_LONG=1")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder], check=True,
                       cwd=os.path.join(FOLDER, "clone"), env=clean(), stdout=subprocess.DEVNULL, timeout=BUILD_LIMIT)
        wheel, = os.listdir(folder)
    tag = sysconfig.get_config_var("SOABI").split("-")[1]
    assert wheel.endswith(f"-cp{tag}-cp{tag}-linux_x86_64.whl"), wheel


@test
def uninstalling_leaves_nothing():
    folder = package()
    output(PYTHON, "-m", "pip", "uninstall", "--yes", "ramet")
    equal([name for name in os.listdir(os.path.dirname(folder)) if name.startswith("ramet")], [])


if len(sys.argv) > 1:
    main()
with tempfile.TemporaryDirectory(prefix="ramet-package-") as where:
    prepare(where)
    os.environ["PACKAGE_TEST_FOLDER"] = where
    if os.environ.get("TEST_LONG"):  # one of the tests builds again
        os.environ["TEST_TIMEOUT"] = str(BUILD_LIMIT // 60 * int(os.environ.get("TEST_TIMEOUT", "1")))
    main()
