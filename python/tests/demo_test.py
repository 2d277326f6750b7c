"""What script/demo shows of Python; its database is psycopg2_test's."""
import pathlib
import subprocess
import sys

from lib.tap import main, test

PROGRAM = pathlib.Path(__file__).parents[2] / "examples" / "gevent_programs.py"


@test
def programs_for_gevent_run_as_they_are():
    p = subprocess.run([sys.executable, PROGRAM, "--no-database"], stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, timeout=50)
    assert p.returncode == 0, p.stdout + p.stderr
    for words in ("['127.0.0.1', '127.0.0.1', '127.0.0.1']", "10 concurrent", "LoopExit"):
        assert words in p.stdout, p.stdout


main()
