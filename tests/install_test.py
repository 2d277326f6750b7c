#!/usr/bin/python3
"""Install what is built in a folder, and use it from there as others do.

usage: tests/install_test.py BUILD

The output is TAP.  TEST_TIMEOUT=n gives n times the time.
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import traceback

LIMIT = 60 * float(os.environ.get("TEST_TIMEOUT", 1))  # seconds for one command
BUILD = pathlib.Path(sys.argv[1]).resolve()
SOURCES = pathlib.Path(__file__).resolve().parent.parent
PAGES = ["man1/ramet.1", "man1/ramet-run.1", "man3/ramet_patch.3", "man7/ramet-patch.7"]
PROGRAM = r"""
#include <ramet.h>
#include <stdio.h>

static void *hello(void *name)
{
	ramet_sleep(RAMET_MS);
	printf("hello %s\n", (char *)name);
	return NULL;
}

int main(void)
{
	char name[] = "world";
	struct ramet *t = ramet_spawn(hello, name);

	return ramet_join(t, NULL);
}
"""
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def equal(got, want):
    assert got == want, f"{got!r} is not {want!r}"


def output(*command, **options):
    p = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=LIMIT, **options)
    assert p.returncode == 0, (command, p.returncode, p.stdout, p.stderr)
    return p.stdout


class Installed:
    """Where it is; made once, gone at the end."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="ramet-install-")
        self.root = pathlib.Path(self.folder.name) / "root"
        output("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", self.root)
        options = {o["name"]: o["value"] for o in json.loads(output("meson", "introspect", "--buildoptions", BUILD))}
        self.prefix = self.root / options["prefix"].lstrip("/")
        self.bin, self.lib, self.include, self.man = (
            self.prefix / options[name] for name in ("bindir", "libdir", "includedir", "mandir"))

    def pkg_config(self, *words):
        env = os.environ | {"PKG_CONFIG_PATH": str(self.lib / "pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": str(self.root)}
        return shlex.split(output("pkg-config", *words, "ramet", env=env))

    def compile(self, *words):
        """The program above; returns its path."""
        folder = pathlib.Path(self.folder.name)
        (folder / "hello.c").write_text(PROGRAM)
        output("cc", "-Wall", "-Wextra", "-Werror", "-o", folder / "hello", folder / "hello.c", *words)
        return folder / "hello"


@test
def all_of_it_is_there(i):
    for name in ("libramet.so", "libramet.so.0", "libramet.a", "libramet-preload.so", "pkgconfig/ramet.pc"):
        assert (i.lib / name).exists(), name
    assert os.access(i.bin / "ramet", os.X_OK)
    headers = {p.relative_to(SOURCES / "include") for p in SOURCES.glob("include/**/*.h")}
    equal({p.relative_to(i.include) for p in i.include.glob("**/*.h")}, headers)
    tests = [p.name for p in i.prefix.glob("**/*") if p.is_file() and "test" in p.name]
    equal(tests, [])


@test
def gdb_finds_its_script(i):
    """Below gdb's folder, named after the library."""
    library = (i.lib / "libramet.so.0").resolve()
    found = [p.name for p in i.prefix.glob("share/gdb/auto-load/**/*") if p.is_file()]
    equal(found, [library.name + "-gdb.py"])


@test
def manual_pages_are_there(i):
    if not shutil.which("scdoc"):
        return "scdoc is not installed"
    there = {str(p.relative_to(i.man)) for p in i.man.glob("man*/*")}
    assert there >= set(PAGES), there
    return None


@test
def ramet_run_works_from_there(i):
    ramet = i.bin / "ramet"
    script = "import threading\nt = threading.Thread(target=print, args=['hello'])\nt.start()\nt.join()"
    equal(output(ramet, "run", "/usr/bin/python3", "-c", script), "hello\n")
    loaded = output(ramet, "run", "/bin/cat", "/proc/self/maps")
    for name in ("libramet-preload.so", "libramet.so"):
        assert f"{i.lib}/{name}" in loaded, loaded
    assert str(BUILD) not in loaded, loaded
    loaded = output(ramet, "run", "--lib=libz", "/bin/cat", "/proc/self/maps")
    assert f"{i.lib}/libramet.so" in loaded and str(BUILD) not in loaded, loaded


@test
def it_can_be_moved(i):
    moved = pathlib.Path(i.folder.name) / "moved"
    shutil.copytree(i.prefix, moved, symlinks=True)
    lib = moved / i.lib.relative_to(i.prefix)
    loaded = output(moved / i.bin.relative_to(i.prefix) / "ramet", "run", "/bin/cat", "/proc/self/maps")
    assert f"{lib}/libramet.so" in loaded and f"{i.lib}/" not in loaded, loaded


@test
def programs_find_it_by_pkg_config(i):
    if not shutil.which("pkg-config"):
        return "pkg-config is not installed"
    version = output(i.bin / "ramet", "--version").split()[1]
    equal(i.pkg_config("--modversion"), [version])
    program = i.compile(*i.pkg_config("--cflags", "--libs"))
    env = os.environ | {"LD_LIBRARY_PATH": str(i.lib)}
    equal(output(program, env=env), "hello world\n")
    assert re.search(rf"libramet.so.0 => {re.escape(str(i.lib))}/", output("ldd", program, env=env))
    return None


@test
def programs_can_be_linked_with_the_archive(i):
    if not shutil.which("pkg-config"):
        return "pkg-config is not installed"
    words = [w for w in i.pkg_config("--static", "--libs") if w != "-lramet"]
    program = i.compile(*i.pkg_config("--cflags"), i.lib / "libramet.a", *words)
    equal(output(program), "hello world\n")
    assert "libramet" not in output("ldd", program)
    return None


def main():
    installed, failed = Installed(), 0
    print(f"1..{len(TESTS)}")
    for number, function in enumerate(TESTS, 1):
        skipped = None
        try:
            skipped = function(installed)
            verdict = "ok"
        except Exception:
            traceback.print_exc()
            verdict = "not ok"
            failed += 1
        print(f"{verdict} {number} - {function.__name__}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
    installed.folder.cleanup()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
