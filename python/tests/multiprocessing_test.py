"""Module multiprocessing in a program that is patched: each way to start processes."""
import os
import subprocess
import sys
import tempfile

from lib.tap import equal, main, test

PROGRAM = """
from ramet import monkey
monkey.patch_all()
import concurrent.futures
import multiprocessing
import sys
import time

import ramet


def double(n):
    time.sleep(0.01)
    return 2 * n


def answer(queue, pipe, event):
    event.wait(20)
    queue.put(pipe.recv() + 1)


def tick(ticks):
    while True:
        time.sleep(0.01)
        ticks.append(1)


def main():
    context = multiprocessing.get_context(sys.argv[1])
    ticks = []
    ticker = ramet.spawn(tick, ticks)
    queue, event, (ours, theirs) = context.Queue(), context.Event(), context.Pipe()
    p = context.Process(target=answer, args=(queue, theirs, event))
    p.start()
    ours.send(41)
    time.sleep(0.05)
    event.set()
    assert queue.get(timeout=20) == 42
    p.join(20)
    assert p.exitcode == 0, p.exitcode
    with context.Pool(2) as pool:
        assert pool.map(double, range(5)) == [0, 2, 4, 6, 8]
        assert pool.apply_async(double, (4,)).get(20) == 8
    with concurrent.futures.ProcessPoolExecutor(2, context) as pool:
        assert list(pool.map(double, range(5), timeout=20)) == [0, 2, 4, 6, 8]
    with context.Manager() as manager:
        shared = manager.dict(a=1)
        shared['b'] = 2
        assert dict(shared) == {'a': 1, 'b': 2}
    assert len(ticks) > 3, ticks
    ticker.kill()
    print('over')


if __name__ == '__main__':
    main()
"""


def run(method):
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, 'program.py')
        with open(name, 'w') as f:
            f.write(PROGRAM)
        p = subprocess.run([sys.executable, name, method], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           timeout=50)
    equal((p.returncode, p.stdout), (0, 'over\n'))


@test
def processes_are_forked():
    run('fork')


@test
def processes_are_started_anew():
    run('spawn')


@test
def processes_are_forked_by_a_server():
    run('forkserver')


main()
