"""What was replaced in modules, and by it the way back."""
import importlib
import warnings

__all__ = ['saved', 'MonkeyPatchWarning', 'is_module_patched', 'is_object_patched', 'is_anything_patched',
           'get_original', 'patch_item', 'remove_item', 'queue_warning', 'process_warnings']

saved = {}  # by module's name: by item's name, the original

_NONE = object()


class MonkeyPatchWarning(RuntimeWarning):
    """Something that was patched may not work as is hoped for."""


class _BadImplements(AttributeError):
    """A module does not say what it has replacements for."""

    def __init__(self, module):
        super().__init__(f"Module {module!r} has a bad or missing value for __implements__")


def is_module_patched(mod_name):
    """Whether anything in the module of that name was replaced."""
    return mod_name in saved


def is_object_patched(mod_name, item_name):
    """Whether that item of the module was replaced."""
    return item_name in saved.get(mod_name, ())


def is_anything_patched():
    """Whether any module was patched."""
    return bool(saved)


def _original(module, name, item):
    items = saved.get(name, {})
    return items[item] if item in items else getattr(module(), item)


def get_original(mod_name, item_name):
    """What the module's item was before it was replaced, or is if it was not.

    Of several items, given as a list of names, it is the list.
    """
    def module():
        return importlib.import_module(mod_name)
    if isinstance(item_name, str):
        return _original(module, mod_name, item_name)
    return [_original(module, mod_name, item) for item in item_name]


def patch_item(module, attr, newitem):
    """Replace an item of a module, and keep the original."""
    old = getattr(module, attr, _NONE)
    if old is not _NONE:
        saved.setdefault(module.__name__, {}).setdefault(attr, old)
    setattr(module, attr, newitem)


def remove_item(module, attr):
    """Take an item out of a module, and keep it."""
    old = getattr(module, attr, _NONE)
    if old is _NONE:
        return
    saved.setdefault(module.__name__, {}).setdefault(attr, old)
    delattr(module, attr)


def queue_warning(message, queued):
    """Warn, at once or when patch_all is done."""
    if queued is None:
        process_warnings([message], 4)
    else:
        queued.append(message)


def process_warnings(queued, stacklevel=3):
    """Show them as the caller's who is no module of ours."""
    for message in queued:
        warnings.warn(message, MonkeyPatchWarning, stacklevel=stacklevel)
