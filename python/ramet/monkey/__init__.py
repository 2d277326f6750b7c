"""Make the standard library cooperative, and C libraries that know nothing of greenlets.

    from gevent import monkey; monkey.patch_all()

Each function does two things: it replaces names in a module, which is what programs look at, and the calls of libc
that the interpreter and the database drivers it knows make, which is what makes names imported before cooperate, too.
So patch_all may come at any time; C libraries that are not known to it are named by patch_library.

One thing stays as it is without patching: what is printed on sys.stdout and stderr is written at once, however long that
takes.

`python -m gevent.monkey [--[no-]socket ...] [--module] script args` runs a program patched.
"""
from ramet import events as _events
from ramet.monkey import _native
from ramet.monkey import _patches
from ramet.monkey._module import notify_patch as _notify_patch
from ramet.monkey._module import patch_module
from ramet.monkey._native import patch_library
from ramet.monkey._patches import (patch_builtins, patch_contextvars, patch_dns, patch_os, patch_queue, patch_select,
                                   patch_selectors, patch_signal, patch_socket, patch_ssl, patch_subprocess, patch_sys,
                                   patch_time)
from ramet.monkey._state import (MonkeyPatchWarning, get_original, is_anything_patched, is_module_patched,
                                 is_object_patched, patch_item, process_warnings, remove_item, saved)
from ramet.monkey._thread import patch_thread

__all__ = ['patch_all', 'patch_builtins', 'patch_dns', 'patch_os', 'patch_queue', 'patch_select', 'patch_signal',
           'patch_socket', 'patch_ssl', 'patch_subprocess', 'patch_sys', 'patch_thread', 'patch_time', 'get_original',
           'is_module_patched', 'is_object_patched', 'patch_module', 'main', 'patch_library', 'patch_contextvars',
           'patch_selectors', 'patch_item', 'remove_item', 'is_anything_patched', 'MonkeyPatchWarning']


def _patch_in_order(asked, aggressive, event, first, warnings):
    """Each may be vetoed, and the others go on."""
    calls = [
        ('os', patch_os, {}),
        ('thread', patch_thread, {'Event': event, '_warnings': warnings}),
        ('time', patch_time, {}),
        ('sys', patch_sys, {}),
        ('socket', patch_socket, {'dns': asked['dns'], 'aggressive': aggressive}),
        ('select', patch_select, {'aggressive': aggressive}),
        ('select', patch_selectors, {'aggressive': aggressive}),
        ('ssl', patch_ssl, {'_warnings': warnings, '_first_time': first}),
        ('subprocess', patch_subprocess, {}),
        ('builtins', patch_builtins, {}),
        ('signal', patch_signal, {}),
        ('queue', patch_queue, {}),
        ('contextvars', patch_contextvars, {}),
    ]
    for name, function, kwargs in calls:
        if asked[name]:
            function(**kwargs)


def patch_all(socket=True, dns=True, time=True, select=True, thread=True, os=True, ssl=True, subprocess=True, sys=False,
              aggressive=True, Event=True, builtins=True, signal=True, queue=True, contextvars=True, **kwargs):
    """Patch all parts of the standard library but those that are set to False; sys only if it is set to True.

    Other keyword arguments are for plug-ins, which find them in the events.  Returns True if it was done, False if a
    subscriber raised DoNotPatch, None if it had been done before in the same way.
    """
    arguments = dict(locals())
    kwargs = arguments.pop('kwargs')
    warnings = []
    first, more = _patches.check_repatching(warnings, arguments)
    if not more:
        process_warnings(warnings)
        return None
    if not _notify_patch(_events.GeventWillPatchAllEvent(arguments, kwargs), warnings):
        return False
    with _native.together(warnings):
        _patch_in_order(arguments, aggressive, Event, first, warnings)
    _patches.check_signal(signal, os, warnings)
    _notify_patch(_events.GeventDidPatchBuiltinModulesEvent(arguments, kwargs), warnings)
    _notify_patch(_events.GeventDidPatchAllEvent(arguments, kwargs), warnings)
    process_warnings(warnings)
    return True


def main():
    """Run `python -m gevent.monkey`."""
    from ramet.monkey._main import main as run
    return run()
