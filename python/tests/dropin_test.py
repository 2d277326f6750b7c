"""Ramet in gevent's place: the finder, the command, the folder for others' programs."""
import os
import subprocess
import sys

from lib.tap import equal, main, test

LIMIT = 60


def python(*args, path=None, stdin=None):
    env = dict(os.environ)
    if path:
        env["PYTHONPATH"] = path
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, timeout=LIMIT, env=env, input=stdin)


def says(text, *args, **options):
    p = python(*args, **options)
    assert p.returncode == 0, p.stderr
    equal(p.stdout.strip(), text)


@test
def gevents_modules_are_ours():
    import ramet
    import ramet.queue

    ramet.install_as_gevent()
    import gevent
    import gevent.queue
    import greenlet

    assert gevent is ramet and gevent.queue is ramet.queue
    assert issubclass(gevent.Greenlet, greenlet.greenlet)
    equal(ramet.queue.__spec__.name, "ramet.queue")


@test
def what_we_do_not_have_is_missing():
    import ramet

    ramet.install_as_gevent()
    try:
        import gevent.no_such_module
    except ModuleNotFoundError as e:
        equal(e.name, "gevent.no_such_module")
    else:
        raise AssertionError("there is such a module")


@test
def whoever_comes_second_is_told():
    program = "import sys, types; sys.modules['greenlet'] = types.ModuleType('greenlet')\n" \
              "import ramet; ramet.install_as_gevent()"
    p = python("-c", program)
    assert p.returncode == 1 and "greenlet has been imported already" in p.stderr, p.stderr


@test
def nothing_is_shadowed_unasked():
    says("False", "-c", "import ramet, sys; print('gevent' in sys.modules or 'greenlet' in sys.modules)")


@test
def the_command_runs_scripts_and_modules():
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write("import gevent, sys; print(gevent.__name__, sys.argv[1:], __name__)")
        script.flush()
        says("ramet ['-a', '--patch'] __main__", "-m", "ramet", script.name, "-a", "--patch")
    says("[]", "-m", "ramet", "-m", "json.tool", stdin="[]")
    assert "a script is missing" in python("-m", "ramet").stderr
    equal(python("-m", "ramet", "no-such.py").returncode, 1)
    assert "with the interface of gevent" in python("-m", "ramet", "--version").stdout


@test
def the_shim_serves_programs_of_others():
    folder = python("-m", "ramet", "--shim").stdout.strip()
    says("True ramet", "-c", "import gevent.event, sys; print('ramet' in sys.modules, gevent.__name__)", path=folder)
    says("ramet._greenlet", "-c", "import greenlet; print(greenlet.__name__)", path=folder)


main()
