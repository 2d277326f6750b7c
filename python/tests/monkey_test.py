"""What programs see of patching: names, events, warnings, the command."""
import os
import subprocess
import sys
import tempfile
import types
import warnings

from lib.tap import equal, main, raises, test
from ramet import _core, events, monkey

# What time.sleep calls.
SLEEPS_BY = "clock_nanosleep" if sys.version_info >= (3, 11) else "select"


def caught(function, *args, **kwargs):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        function(*args, **kwargs)
    return [str(w.message) for w in seen if issubclass(w.category, monkey.MonkeyPatchWarning)]


@test
def nothing_is_patched_by_the_import():
    import socket
    import time
    assert not monkey.is_anything_patched()
    assert not monkey.is_module_patched("socket")
    assert monkey.get_original("time", "sleep") is time.sleep
    assert monkey.get_original("socket", "socket") is socket.socket
    equal(_core.patched("poll"), 0)


@test
def all_is_patched():
    assert monkey.patch_all() is True
    for name in ("time", "socket", "select", "selectors", "queue", "os", "subprocess", "threading", "_thread", "ssl",
                 "signal"):
        assert monkey.is_module_patched(name), name
    assert not monkey.is_module_patched("sys")
    assert monkey.is_object_patched("socket", "socket")
    assert not monkey.is_object_patched("socket", "AF_INET")
    assert not monkey.is_object_patched("nothing", "socket")
    assert monkey.is_anything_patched()
    for symbol in ("poll", "recv", "sem_wait", SLEEPS_BY, "getaddrinfo"):
        assert _core.patched(symbol) > 0, symbol
    equal(_core.patched("pthread_cond_wait"), 0)


@test
def names_are_ours():
    monkey.patch_all()
    import queue
    import selectors
    import socket
    import threading
    import time

    import ramet.lock
    import ramet.queue
    import ramet.socket
    assert socket.socket is ramet.socket.socket
    assert time.sleep is ramet.sleep
    assert queue.Queue is ramet.queue.Queue
    assert type(threading.Lock()) is threading.Lock
    assert monkey.get_original("socket", "socket") is not socket.socket
    real = monkey.get_original("time", ["sleep", "time"])
    equal([f.__name__ for f in real], ["sleep", "time"])
    assert not hasattr(selectors, "EpollSelector")
    raises(ImportError, monkey.get_original, "no_such_module", "x")
    raises(AttributeError, monkey.get_original, "time", "no_such_name")


@test
def patching_again_does_nothing():
    equal(caught(monkey.patch_all), [])
    assert monkey.patch_all() is None
    import socket
    original = monkey.get_original("socket", "socket")
    monkey.patch_socket()
    assert monkey.get_original("socket", "socket") is original is not socket.socket


@test
def patching_again_otherwise_is_warned_of():
    monkey.patch_all(socket=False, dns=False)
    assert not monkey.is_module_patched("socket")
    told = caught(monkey.patch_all)
    assert any("more than once" in m for m in told), told
    assert monkey.is_module_patched("socket")


@test
def patching_less_is_warned_of_and_does_nothing():
    from ramet import events
    monkey.patch_all()
    told = []
    events.subscribers.append(told.append)
    with warnings.catch_warnings(record=True) as shown:
        assert monkey.patch_all(os=False) is None
        assert monkey.patch_all(os=False) is None
    equal([w.filename for w in shown], [__file__] * 2)  # one for each line
    equal(told, [])


@test
def signal_without_os_is_warned_of():
    told = caught(monkey.patch_all, os=False)
    assert any("SIGCHLD" in m for m in told), told


@test
def a_part_alone():
    monkey.patch_time()
    equal([name for name in monkey.saved], ["time"])
    assert _core.patched(SLEEPS_BY) > 0
    equal(_core.patched("recv"), 0)


@test
def names_of_hosts_alone():
    import socket
    before = socket.socket
    monkey.patch_dns()
    assert monkey.is_object_patched("socket", "getaddrinfo")
    assert socket.socket is before
    monkey.patch_socket(dns=False)
    assert socket.socket is not before


@test
def a_context_of_tls_stays_what_it_is():
    import ssl
    before = ssl.SSLContext

    class Derived(ssl.SSLContext):
        pass
    equal([m for m in caught(monkey.patch_all) if "ssl" in m.lower()], [])
    assert ssl.SSLContext is before
    assert isinstance(ssl.create_default_context(), before)
    context = Derived(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    equal(context.minimum_version, ssl.TLSVersion.TLSv1_2)


@test
def items_come_and_go():
    module = types.ModuleType("some_module")
    module.a = 1
    monkey.patch_item(module, "a", 2)
    monkey.patch_item(module, "a", 3)
    monkey.patch_item(module, "new", 4)
    equal((module.a, module.new), (3, 4))
    equal(monkey.saved["some_module"], {"a": 1})
    monkey.remove_item(module, "a")
    monkey.remove_item(module, "none")
    assert not hasattr(module, "a")


@test
def a_module_by_another():
    target, source = types.ModuleType("target_module"), types.ModuleType("source_module")
    target.a = target.b = 1
    source.a = source.b = 2
    raises(AttributeError, monkey.patch_module, target, source)
    source.__implements__ = ["a"]
    told = []
    source._gevent_will_monkey_patch = lambda module, items, warn: told.append((module, items))
    source._gevent_did_monkey_patch = lambda module, items, warn: warn("done")
    equal(caught(monkey.patch_module, target, source), ["done"])
    equal(told, [(target, ["a"])])
    equal((target.a, target.b), (2, 1))
    assert monkey.patch_module(target, source, items=["b"], _call_hooks=False)
    equal(target.b, 2)


@test
def events_tell_in_order():
    seen = []
    events.subscribers.append(seen.append)
    monkey.patch_all(sys=True, unknown=7)
    kinds = [type(e).__name__ for e in seen]
    equal(kinds[0], "GeventWillPatchAllEvent")
    equal(kinds[-2:], ["GeventDidPatchBuiltinModulesEvent", "GeventDidPatchAllEvent"])
    modules = [e.module_name for e in seen if isinstance(e, events.GeventDidPatchModuleEvent)]
    equal(modules, [e.module_name for e in seen if isinstance(e, events.GeventWillPatchModuleEvent)])
    equal([m for m in modules if m in ("os", "time", "socket", "select", "ssl", "queue")],
          ["os", "time", "socket", "select", "ssl", "queue"])
    equal(seen[0].patch_all_kwargs, {"unknown": 7})
    assert seen[0].patch_all_arguments["sys"] and seen[0].will_patch_module("socket")
    assert seen[0].will_patch_module("nothing") is None


@test
def a_subscriber_forbids_a_module():
    import time
    before = time.sleep

    def forbid(event):
        if isinstance(event, events.GeventWillPatchModuleEvent) and event.module_name == "time":
            raise events.DoNotPatch
        if isinstance(event, events.GeventWillPatchModuleEvent) and event.module_name == "socket":
            event.target_item_names.remove("fromfd")
    events.subscribers.append(forbid)
    assert monkey.patch_time() is False
    assert monkey.patch_all() is True
    assert time.sleep is before and not monkey.is_module_patched("time")
    assert monkey.is_object_patched("socket", "socket") and not monkey.is_object_patched("socket", "fromfd")


@test
def a_subscriber_forbids_all():
    def forbid(event):
        raise events.DoNotPatch
    events.subscribers.append(forbid)
    assert monkey.patch_all() is False
    assert not monkey.is_module_patched("socket")
    equal(_core.patched("poll"), 0)


@test
def libraries_are_patched_by_name():
    monkey.patch_library("libz", "io")
    equal(_core.patched("poll"), 0)
    raises(ValueError, monkey.patch_library, "libz", "nothing")
    raises(ValueError, monkey.patch_library, "lib/z")
    assert monkey.patch_library("", "sem") + monkey.patch_library("libpython3*", "sem") > 0


@test
def logging_knows_greenlets():
    import logging
    handler = logging.StreamHandler()
    before = type(handler.lock)
    monkey.patch_all()
    assert type(handler.lock) is not before
    logging.getLogger().addHandler(handler)
    logging.warning("said")


@test
def a_patched_import_is_finished_by_who_began_it():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "patches_all.py"), "w") as f:
            f.write("from ramet import monkey\nmonkey.patch_all()\nimport colorsys\n")
        sys.path.insert(0, folder)
        import patches_all
        assert patches_all.colorsys


# ---- where the engine does not work ---------------------------------------------------------------------------------

def refuse(*_args):
    raise OSError("for this test")


@test
def only_names_are_patched_where_calls_cannot_be():
    import time
    early = time.sleep
    _core.patch_library = refuse
    told = caught(monkey.patch_all)
    assert any("for this test" in m for m in told), told
    equal(len(told), 1)
    equal(_core.patched("poll"), 0)
    raises(OSError, monkey.patch_library, "libpq")

    import queue
    import socket
    import threading

    import ramet
    begin = time.monotonic()
    ramet.joinall([ramet.spawn(time.sleep, 0.2) for _ in range(20)])
    assert time.monotonic() - begin < 2
    begin = time.monotonic()
    ramet.joinall([ramet.spawn(early, 0.1) for _ in range(5)])
    assert time.monotonic() - begin >= 0.5
    a, b = socket.socketpair()
    q = queue.Queue(1)
    threads = [threading.Thread(target=lambda: q.put(a.recv(10))), threading.Thread(target=b.sendall, args=(b"x",))]
    for t in threads:
        t.start()
    equal(q.get(timeout=20), b"x")
    for t in threads:
        t.join(20)


# ---- OS threads ------------------------------------------------------------------------------------------------------

PATCHED_ELSEWHERE = """
import threading, time, warnings
warnings.simplefilter("error")  # in the thread: its error would be printed
from ramet import monkey

def patch():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        monkey.patch_all()
    said.extend(str(w.message) for w in seen)
    said.append(threading.current_thread() is patcher)

said, done = [], []
{before}
patcher = threading.Thread(target=patch)
patcher.start()
patcher.join()
assert len(said) == 2 and "MainThread" in said[0] and "(patch" not in said[0] and said[1], said

def body(thread):
    time.sleep(0.01)
    done.append(threading.main_thread().is_alive())

assert threading.current_thread() is threading.main_thread()
assert threading.main_thread().ident == threading.get_ident() and len(threading.enumerate()) == 1
threads = [threading.Thread(target=body, args=(i,)) for i in range(3)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert done == [True] * 3
{after}
print("over")
"""


def quiet_program(text):
    p = subprocess.run([sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       timeout=50)
    equal((p.returncode, p.stderr, p.stdout), (0, "", "over\n"))


@test
def another_os_thread_may_patch():
    quiet_program(PATCHED_ELSEWHERE.format(before="", after=""))
    joins = "threading.Thread(target=lambda: (time.sleep(0.01), threading.main_thread().join())).start()"
    if sys.version_info >= (3, 13):  # where threads are awaited before the main one is said to be over
        joins = ""
    quiet_program(PATCHED_ELSEWHERE.format(before="import ramet; ramet.spawn(time.sleep, 0).join()", after=joins))


@test
def threads_that_ran_before_end_as_ever():
    quiet_program("""
import sys, threading, warnings
warnings.simplefilter("ignore")
from ramet import monkey

def body(asks):
    go.wait()
    if asks:
        seen.append(threading.current_thread())

seen, go = [], threading.Event()
threads = [threading.Thread(target=body, args=(i,)) for i in range(2)]
for t in threads:
    t.start()
monkey.patch_all()
go.set()
for t in threads:
    t.join()
left = [t for t in threading.enumerate() if t is not threading.main_thread()]
assert seen == threads[1:] and left == ([] if sys.version_info >= (3, 11) else threads[:1]), (seen, left)
print("over")
""")


# ---- the command ----------------------------------------------------------------------------------------------------

PROGRAM = """
import sys
from ramet import monkey
print(__name__, sys.argv[1:], *[n for n in ("os", "socket", "ssl", "time") if monkey.is_module_patched(n)])
"""


def command(*args):
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "a_program.py")
        with open(name, "w") as f:
            f.write(PROGRAM)
        args = [name if a == "PROGRAM" else a for a in args]
        return subprocess.run([sys.executable, "-m", "ramet.monkey", *args], cwd=folder, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=50)


@test
def a_program_is_run_patched():
    equal(command("PROGRAM", "a", "--b").stdout, "__main__ ['a', '--b'] os socket ssl time\n")
    equal(command("--no-ssl", "PROGRAM").stdout, "__main__ [] os socket time\n")
    equal(command("--time", "--os", "PROGRAM").stdout, "__main__ [] os time\n")
    equal(command("--module", "a_program", "x").stdout, "__main__ ['x'] os socket ssl time\n")
    assert "patch_all(ssl=False)" in command("--verbose", "--no-ssl", "PROGRAM").stdout


@test
def mistakes_of_the_command():
    bad = command("--nothing", "PROGRAM")
    assert bad.returncode != 0 and "Cannot patch 'nothing'" in bad.stderr, bad
    assert "usage" in command().stdout


@test
def patched_standard_files_are_flushed_at_the_exit():
    program = ("import sys; from ramet import monkey, get_hub; monkey.patch_all(thread=False, sys=True); "
               "sys.stdout.write(str(get_hub().threadpool.apply(len, ((),))))")
    out = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, timeout=30).stdout
    equal(out, "0")


main()
