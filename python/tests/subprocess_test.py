"""The module subprocess: children and their pipes block only the greenlet that waits."""
import gc
import os
import signal
import subprocess as stdlib
import sys
import time

from lib.tap import equal, main, raises, test

import ramet
from ramet import os as green_os
from ramet import subprocess
from ramet.fileobject import FileObjectPosix
from ramet.subprocess import PIPE, Popen, TimeoutExpired


def sh(script, **kwargs):
    return Popen(['sh', '-c', script], **kwargs)


class Ticker:
    def __init__(self):
        self.count = 0
        ramet.spawn(self._run)

    def _run(self):
        while True:
            ramet.sleep(0.005)
            self.count += 1


@test
def children_are_waited_for_at_the_same_time():
    ticker = Ticker()
    start = time.monotonic()
    children = [sh(f'sleep 0.3; exit {n}') for n in range(10)]
    equal([p.wait() for p in children], list(range(10)))
    assert time.monotonic() - start < 2.5
    assert ticker.count > 10
    equal([p.poll() for p in children], list(range(10)))


@test
def a_wait_has_a_time_limit():
    p = sh('sleep 5')
    e = raises(TimeoutExpired, p.wait, 0.02)
    equal((e.cmd, e.timeout), (p.args, 0.02))
    raises(TimeoutExpired, p.wait, 0)
    with ramet.Timeout(0.02, False):
        p.wait()
        raise AssertionError('it has ended')
    p.terminate()
    equal(p.wait(10), -signal.SIGTERM)


@test
def a_child_is_an_object_to_wait_for():
    p, q = sh('exit 1'), sh('sleep 5')
    equal(ramet.wait([q, p], timeout=10, count=1), [p])
    equal((p.ready(), q.ready(), p.returncode), (True, False, 1))
    told = []
    q.rawlink(told.append)
    q.kill()
    equal(ramet.wait([q]), [q])
    ramet.sleep(0)
    equal((told, q.result.get()), ([q], -9))
    equal(ramet.wait([p, q]).sort(key=id), [p, q].sort(key=id))


@test
def a_child_that_nobody_waits_for_leaves_no_zombie():
    p = sh('exit 0')
    limit = time.monotonic() + 10
    while p.returncode is None and time.monotonic() < limit:
        ramet.sleep(0.01)
    equal(p.returncode, 0)
    raises(ProcessLookupError, os.kill, p.pid, 0)


@test
def communicate_carries_everything():
    data = os.urandom(1 << 19)
    equal(Popen(['cat'], stdin=PIPE, stdout=PIPE).communicate(data), (data, None))
    p = sh('cat; cat >&2; echo end >&2', stdin=PIPE, stdout=PIPE, stderr=PIPE)
    equal(p.communicate(data), (data, b'end\n'))
    equal(sh('exit 3', stdin=PIPE).communicate(data), (None, None))
    equal(sh('echo x', stdout=PIPE, text=True).communicate(), ('x\n', None))
    p = Popen(['cat'], stdin=PIPE, stdout=PIPE, stderr=PIPE, encoding='utf-16')
    equal(p.communicate('äöü\r\n'), ('äöü\n', ''))


@test
def communicate_is_resumed_after_its_time_limit():
    p = sh('echo one; sleep 0.3; cat', stdin=PIPE, stdout=PIPE, stderr=PIPE)
    equal(raises(TimeoutExpired, p.communicate, b'two', timeout=0.1).output, b'one\n')
    raises(ValueError, p.communicate, b'three')
    equal(p.communicate(timeout=20), (b'one\ntwo', b''))
    p = sh('echo one; sleep 0.3; echo two', stdout=PIPE)
    with ramet.Timeout(0.1, False):
        p.communicate(timeout=10)
    equal(p.communicate(), (b'one\ntwo\n', None))


@test
def run_returns_at_its_time_limit():
    start = time.monotonic()
    e = raises(TimeoutExpired, subprocess.run, 'echo a; sleep 5', shell=True, timeout=0.1, capture_output=True)
    assert time.monotonic() - start < 3
    equal((e.output, e.stderr), (b'a\n', None))


@test
def the_functions_are_those_of_the_module():
    equal(subprocess.run(['cat'], input='x', capture_output=True, text=True).stdout, 'x')
    equal((subprocess.call('exit 3', shell=True), subprocess.check_call(['true'])), (3, 0))
    equal(subprocess.check_output('echo a; echo b >&2', shell=True, stderr=subprocess.STDOUT), b'a\nb\n')
    equal((subprocess.getoutput('echo y'), subprocess.getstatusoutput('echo x; exit 3')), ('y', (3, 'x')))
    e = raises(subprocess.CalledProcessError, subprocess.run, 'exit 2', shell=True, check=True)
    assert e.returncode == 2 and type(e) is stdlib.CalledProcessError
    for name in subprocess.__all__:
        assert hasattr(stdlib, name) and hasattr(subprocess, name), name
    assert isinstance(sh('true'), stdlib.Popen)


@test
def functions_let_others_run():
    ticker = Ticker()
    for function in (subprocess.call, subprocess.check_output, subprocess.getoutput):
        before = ticker.count
        function('sleep 0.1', **({} if function is subprocess.getoutput else {'shell': True}))
        assert ticker.count - before > 3, function


@test
def pipes_are_file_objects():
    p = Popen(['cat'], stdin=PIPE, stdout=PIPE, stderr=PIPE, bufsize=0)
    assert all(isinstance(f, FileObjectPosix) for f in (p.stdin, p.stdout, p.stderr))
    ticker = Ticker()
    reader = ramet.spawn(p.stdout.read, 3)
    ramet.sleep(0.1)
    assert ticker.count > 3
    p.stdin.write(b'abc')
    equal(reader.get(), b'abc')
    with p:
        p.stdin.close()
        equal((p.stdout.read(), p.wait()), (b'', 0))
    p = Popen(['cat'], stdin=PIPE, stdout=PIPE, text=True, bufsize=1)
    p.stdin.write('line\n')
    equal((p.stdout.readline(), p.stdout.encoding), ('line\n', p.stdin.encoding))
    p.communicate()


@test
def what_cannot_be_started_is_an_error():
    e = raises(FileNotFoundError, Popen, ['/nosuch/program'], stdout=PIPE, stdin=PIPE)
    equal(e.filename, '/nosuch/program')
    equal(raises(NotADirectoryError, Popen, ['true'], cwd='/dev/null').filename, '/dev/null')
    raises(PermissionError, Popen, ['/etc/passwd'])
    raises(ValueError, Popen, ['true'], stdout=subprocess.STDOUT)
    raises(TypeError, Popen, ['true'], bufsize='x')
    raises(stdlib.SubprocessError, Popen, ['true'], preexec_fn=lambda: 1 / 0)


@test
def every_argument_of_the_module_is_taken():
    r, w = os.pipe()
    options = dict(cwd='/', env={'A': 'b'}, umask=0o77, start_new_session=True, pass_fds=(w,), close_fds=True,
                   restore_signals=True, preexec_fn=lambda: os.write(w, b'pre '), executable='/bin/sh', threadpool=None)
    if sys.version_info >= (3, 10):
        options['pipesize'] = 65536
    p = Popen(['x', '-c', f'pwd; echo $A; umask; echo passed >&{w}'], stdout=PIPE, text=True, **options)
    equal(p.communicate()[0].split(), ['/', 'b', '0077'])
    equal(os.read(r, 100), b'pre passed\n')
    equal(sh('echo $PPID', stdout=PIPE).communicate()[0], b'%d\n' % os.getpid())


@test
def children_leave_no_descriptors_behind():
    sh('true', stdout=PIPE).communicate()
    ramet.sleep(0.01)
    gc.collect()
    before = len(os.listdir('/proc/self/fd'))
    for _ in range(20):
        sh('echo x', stdout=PIPE, stdin=PIPE, stderr=PIPE).communicate(b'')
    ramet.wait([sh('true') for _ in range(5)])
    ramet.sleep(0.05)
    equal(len(os.listdir('/proc/self/fd')), before)


@test
def who_knows_the_number_of_a_child_may_wait_for_it():
    p = sh('exit 5')
    ramet.wait([p])
    equal(green_os.waitpid(p.pid, 0), (p.pid, 5 << 8))
    raises(ChildProcessError, green_os.waitpid, p.pid, 0)
    ramet.wait([sh('exit 6')])
    raises(ChildProcessError, green_os.waitpid, -1, 0)


@test
def who_waits_for_any_child_finds_those_whose_popen_is_not_asked():
    p = sh('exit 5')
    assert p.result.wait(20) is not None
    equal(green_os.waitpid(-1, 0), (p.pid, 5 << 8))
    raises(ChildProcessError, green_os.waitpid, -1, 0)
    equal(p.wait(), 5)
    for ask in (subprocess.Popen.poll, subprocess.Popen.wait):
        p = sh('exit 6')
        assert p.result.wait(20) is not None
        equal(ask(p), 6)
        raises(ChildProcessError, green_os.waitpid, -1, 0)


@test
def other_os_threads_use_children():
    pool = ramet.get_hub().threadpool
    p = pool.apply(lambda: sh('sleep 0.1; exit 4'))
    equal(p.wait(20), 4)
    equal(pool.apply(lambda: subprocess.check_output(['echo', 'x'])), b'x\n')


@test
def descriptors_of_our_own_are_none_of_stdin_s_and_the_others():
    """A program closes its stdin, starts another, and puts a file there."""
    script = (
        "import os, time, ramet\n"
        "from ramet import subprocess\n"
        "os.close(0)\n"
        "p = subprocess.Popen(['sleep', '0.1'])\n"
        "r, w = os.pipe()\n"
        "os.dup2(r, 0)\n"
        "p.wait()\n"
        "ramet.sleep(0.05)\n"
        "os.fstat(0)\n"
        "os.write(w, b'x')\n"
        "assert os.read(0, 1) == b'x'\n")
    p = stdlib.run([sys.executable, '-c', script], stdout=stdlib.PIPE, stderr=stdlib.STDOUT, timeout=50)
    equal((p.returncode, p.stdout), (0, b''))


main()
