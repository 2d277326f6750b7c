"""Threads that are greenlets, from now on and for what is there already."""
import gc
import sys

from ramet import _core
from ramet.monkey import _native
from ramet.monkey._module import ignores_do_not_patch, patch_named, source_of
from ramet.monkey._state import get_original, patch_item, queue_warning


def _own(target, attr, ident):
    if getattr(target, attr, None) == ident[0]:
        setattr(target, attr, ident[1])


def _patch_existing_locks(threading):
    """Locks that this thread holds are this greenlet's."""
    ident = get_original('_thread', 'get_ident')(), threading.get_ident()
    kinds = {'_RLock': '_owner', '_ModuleLock': 'owner'}
    for o in gc.get_objects():
        attr = kinds.get(type(o).__name__)
        if attr and type(o).__module__ in ('threading', '_frozen_importlib', 'importlib._bootstrap'):
            _own(o, attr, ident)
    blocking_on = getattr(sys.modules.get('_frozen_importlib'), '_blocking_on', {})
    if isinstance(blocking_on, dict) and ident[0] in blocking_on:  # since 3.12 it is cleared by who waits
        blocking_on[ident[1]] = blocking_on.pop(ident[0])


def _patch_logging(threading):
    """Its locks were made by the native RLock, to which all greenlets are one thread."""
    logging = sys.modules.get('logging')
    if logging is None:
        return
    if not isinstance(logging._lock, type(threading.RLock())):
        patch_item(logging, '_lock', threading.RLock())
    for ref in logging._handlerList:
        handler = ref() if callable(ref) else ref
        if handler is not None and handler.lock:
            handler.lock = threading.RLock()


def _after_adoption(function, adopt):
    """Of an OS thread that may not know yet by which number it goes."""
    def call():
        adopt()
        return function()
    return call


def _polling_join(thread, threading):
    """The end of an OS thread that runs, told by nobody."""
    from ramet import sleep
    from ramet._core import getcurrent
    native_id = get_original('_thread', 'get_native_id')

    def join(timeout=None):
        if thread is threading.current_thread() or thread.native_id == native_id() and getcurrent().parent is None:
            raise RuntimeError("cannot join current thread")
        end = None if timeout is None else threading._time() + timeout
        while thread.is_alive() and (end is None or threading._time() < end):
            sleep(0.01)
    return join


def _patch_running(threading, warnings):
    """OS threads that run already go on as such."""
    adopt, me = source_of('threading').adopt, threading.current_thread()
    others = [t for t in list(threading._active.values()) if t is not me]
    for thread in others:
        if _native.refused():
            thread.join = _polling_join(thread, threading)
        if thread is threading.main_thread():
            patch_item(threading, '_shutdown', _after_adoption(threading._shutdown, adopt))
        else:
            thread._delete = _after_adoption(thread._delete, adopt)
    if others:
        queue_warning(f"Threads have been started before: they stay OS threads, and their locals and identity are not "
                      f"those of greenlets: {others}", warnings)


@ignores_do_not_patch
def patch_thread(threading=True, _threading_local=True, Event=True, logging=True, existing_locks=True, _warnings=None):
    """Let threads that are started from now on be greenlets, with locks, identities and locals of their own.

    threading: patch the module of that name, not only _thread.  _threading_local: patch its pure Python twin of
    threading.local.  Event: replace threading.Event.  logging: give that module's handlers locks that know greenlets.
    existing_locks: give what this thread holds to this greenlet.

    Native locks that were made before cooperate, too: waiting for one parks only the greenlet.
    """
    _core.set_own_locals(True)
    _native.want('sem', 'lock', warnings=_warnings)
    if patch_named('thread', warnings=_warnings) is None:
        return
    if threading:
        _patch_threading(Event, logging, existing_locks, _warnings)
    if _threading_local:
        import _threading_local as target
        patch_item(target, 'local', source_of('local').local)


def _patch_threading(event, logging, existing_locks, warnings):
    import threading
    patched = patch_named('threading', warnings=warnings)
    if patched is None:
        return
    if event:
        patch_item(threading, 'Event', getattr(patched[0], 'Event', None) or source_of('event').Event)
    if existing_locks:
        _patch_existing_locks(threading)
    if logging:
        _patch_logging(threading)
    source_of('threading').adopt()
    _patch_running(threading, warnings)
