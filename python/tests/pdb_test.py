"""Debuggers inside greenlets: pdb stops there, shows its frames, and goes on."""
import subprocess
import sys
import tempfile
import textwrap

from lib.tap import main, test

PROGRAM = """
import faulthandler, pdb, sys
import ramet

def tick(seen):
    while True:
        seen.append(1)
        ramet.sleep(0.001)

def inner(x):
    {stop}
    return x + 1

def outer(x):
    y = inner(x)
    return y

def fail(x):
    wrong = x
    raise ValueError(x)

{rest}
"""


def session(commands, rest, stop="breakpoint()"):
    """What a program prints that gets these commands on standard input."""
    text = PROGRAM.format(stop=stop, rest=textwrap.dedent(rest))
    with tempfile.NamedTemporaryFile("w", suffix=".py") as program:  # pdb shows the lines
        program.write(text)
        program.flush()
        p = subprocess.run([sys.executable, program.name], input="\n".join(commands) + "\n", stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, timeout=50)
    assert p.returncode == 0, p.stdout
    return p.stdout


def in_order(text, *words):
    at = 0
    for word in words:
        at = text.find(word, at)
        assert at >= 0, (word, text)


@test
def a_breakpoint_in_a_greenlet_stops_there():
    out = session(["p x", "w", "up", "p x, 'y' in dir()", "c"],
                  "g = ramet.spawn(outer, 41)\nprint('value', g.get())")
    in_order(out, "-> return x + 1", "41", "outer(", "inner(", "(41, False)", "value 42")


@test
def steps_stay_in_their_greenlet():
    out = session(["n", "n", "p y", "c"], """
        seen = []
        t = ramet.spawn(tick, seen)
        ramet.sleep(0.01)
        print('value', ramet.spawn(outer, 1).get(), len(seen) > 1)
        t.kill()
    """)
    in_order(out, "-> return x + 1", "--Return--", "value 2 True")


@test
def a_greenlet_that_has_failed_is_looked_at_afterwards():
    out = session(["p wrong", "q"], """
        g = ramet.spawn(fail, 7)
        g.join()
        pdb.post_mortem(g.exc_info[2])
        print('over')
    """)
    in_order(out, "-> raise ValueError(x)", "7", "over")


@test
def a_greenlet_that_waits_is_looked_at_by_its_frame():
    out = session([], """
        g = ramet.spawn(tick, [])
        ramet.sleep(0.005)
        frame = g.gr_frame
        while frame.f_code.co_name != 'tick':
            frame = frame.f_back
        print(frame.f_code.co_name, len(frame.f_locals['seen']) > 0)
        g.kill()
    """, stop="pass")
    in_order(out, "tick True")


@test
def faulthandler_shows_the_greenlet_that_runs():
    out = session([], "ramet.spawn(outer, 1).get()", stop="faulthandler.dump_traceback()")
    in_order(out, "in inner", "in outer")


main()
