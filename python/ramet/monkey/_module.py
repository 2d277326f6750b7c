"""One module patched, with what its subscribers say."""
import functools
import importlib

from ramet import events
from ramet.monkey import _state

__all__ = ['notify_patch', 'ignores_do_not_patch', 'patch_module', 'source_of', 'patch_named']


def notify_patch(event, warnings=None):
    """Tell of an event.  Returns whether nobody forbids it."""
    event._warnings = warnings
    try:
        events.notify_and_call_entry_points(event)
    except events.DoNotPatch:
        return False
    finally:
        del event._warnings
    return True


def ignores_do_not_patch(function):
    """A patch_* function that a subscriber may forbid."""
    @functools.wraps(function)
    def call(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except events.DoNotPatch:
            return False
    return call


def _items_of(source, items):
    items = getattr(source, '__implements__', None) if items is None else items
    if items is None:
        raise _state._BadImplements(source)
    return list(items)


def _call_hook(name, source, target, items, warnings):
    hook = getattr(source, f'_gevent_{name}_monkey_patch', None)
    if hook:
        hook(target, items, lambda message: _state.queue_warning(message, warnings))


def patch_module(target_module, source_module, items=None, _warnings=None, _patch_kwargs=None,
                 _notify_will_subscribers=True, _notify_did_subscribers=True, _call_hooks=True):
    """Replace items of target_module by those of source_module: those named, or all that its __implements__ names.

    Returns True, or False if a subscriber does not want it.
    """
    items = _items_of(source_module, items)
    name = target_module.__name__
    try:
        if _call_hooks:
            _call_hook('will', source_module, target_module, items, _warnings)
        if _notify_will_subscribers:
            will = events.GeventWillPatchModuleEvent(name, source_module, target_module, items)
            if not notify_patch(will, _warnings):
                return False
    except events.DoNotPatch:
        return False
    for attr in items:
        _state.patch_item(target_module, attr, getattr(source_module, attr))
    if _call_hooks:
        _call_hook('did', source_module, target_module, items, _warnings)
    if _notify_did_subscribers:
        notify_patch(events.GeventDidPatchModuleEvent(name, source_module, target_module), _warnings)
    return True


def source_of(name):
    """Our module of that name; None if there is none."""
    try:
        return importlib.import_module(f'ramet.{name}')
    except ModuleNotFoundError as e:
        if e.name != f'ramet.{name}':
            raise
        return None


def patch_named(name, items=None, warnings=None, **kwargs):
    """Patch a module of the standard library by ours.

    Returns both, or None if there is no such module of ours, or of theirs.  Raises DoNotPatch if that is said.
    """
    source = source_of(name)
    if source is None:
        return None
    try:
        target = importlib.import_module(getattr(source, '__target__', name))
    except ImportError:
        return None
    if not patch_module(target, source, items, _warnings=warnings, **kwargs):
        raise events.DoNotPatch
    return source, target
