"""What Python programs do with threads; prints one line for each thing that came out right."""
import concurrent.futures
import queue
import subprocess
import sys
import threading
import time


def pool():
    with concurrent.futures.ThreadPoolExecutor(200) as executor:
        def work(i):
            time.sleep(0.05)
            return i * i
        return sum(executor.map(work, range(400))) == sum(i * i for i in range(400))


def queues():
    todo, done = queue.Queue(10), queue.Queue()

    def worker():
        while (item := todo.get()) is not None:
            done.put(item + 1)
            todo.task_done()
        todo.task_done()
    threads = [threading.Thread(target=worker) for _ in range(8)]
    for t in threads:
        t.start()
    for i in range(1000):
        todo.put(i)
    for _ in threads:
        todo.put(None)
    todo.join()
    for t in threads:
        t.join()
    return sorted(done.get() for _ in range(1000)) == list(range(1, 1001)) and done.empty()


def locals_():
    mine, wrong = threading.local(), []

    def keep(i):
        mine.value = i
        time.sleep(0.01)
        if mine.value != i:
            wrong.append(i)
    threads = [threading.Thread(target=keep, args=(i,)) for i in range(100)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return not wrong and not hasattr(mine, "value")


def events():
    event, seen = threading.Event(), []
    threads = [threading.Thread(target=lambda: seen.append(event.wait(30))) for _ in range(50)]
    for t in threads:
        t.start()
    timed_out = not event.wait(0.02)
    event.set()
    for t in threads:
        t.join()
    return timed_out and seen == [True] * 50


def timers():
    fired = threading.Event()
    threading.Timer(0.02, fired.set).start()
    cancelled = threading.Timer(0.02, sys.exit)
    cancelled.start()
    cancelled.cancel()
    return fired.wait(30)


def conditions():
    condition, turns = threading.Condition(), []

    def take(i):
        with condition:
            condition.wait_for(lambda: len(turns) == i)
            turns.append(i)
            condition.notify_all()
    threads = [threading.Thread(target=take, args=(i,)) for i in reversed(range(50))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return turns == list(range(50))


def locks():
    lock, semaphore, count, most = threading.RLock(), threading.BoundedSemaphore(3), [0], [0]

    def add():
        for _ in range(100):
            with semaphore, lock, lock:
                count[0] += 1
                most[0] = max(most[0], count[0])
                count[0] -= 1
            time.sleep(0)
    threads = [threading.Thread(target=add) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return count == [0] and most == [1] and not lock.acquire(timeout=0) is False


def barriers():
    barrier, order = threading.Barrier(10), []

    def meet():
        order.append("came")
        barrier.wait(30)
        order.append("went")
    threads = [threading.Thread(target=meet) for _ in range(10)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return order == ["came"] * 10 + ["went"] * 10


def subprocesses():
    def run(i):
        return subprocess.run(["sh", "-c", f"sleep 0.05; echo {i}"], capture_output=True, text=True).stdout
    with concurrent.futures.ThreadPoolExecutor(20) as executor:
        return list(executor.map(run, range(20))) == [f"{i}\n" for i in range(20)]


def os_threads():
    """How many kernel threads this process has, printed for the test."""
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Threads:"))


for check in (pool, queues, locals_, events, timers, conditions, locks, barriers, subprocesses):
    print(check.__name__, "right" if check() else "wrong", flush=True)
print("at the end", threading.active_count(), "thread")
