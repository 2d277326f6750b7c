"""The hub of the calling OS thread."""
from ramet import _core
from ramet._core import get_hub_class, get_hub_if_exists

__all__ = ['get_hub', 'get_hub_class', 'get_hub_if_exists']


def get_hub(*_args, **_kwargs):
    """The hub of the calling OS thread, made when first asked for."""
    return _core.get_hub()


get_hub_noargs = _core.get_hub


def set_default_hub_class(hubtype):
    """The class of hubs that are made from now on."""
    _core.set_hub_class(hubtype)


def set_hub(hub):
    """Make `hub` the calling thread's: None, so that the next one is new, or the one that is."""
    current = get_hub_if_exists()
    if hub is None and current is not None:
        current._end(False)
    elif hub is not None and hub is not current:
        raise ValueError("a hub belongs to the thread that it was made for")


def get_loop():
    """The loop of the calling thread's hub; None before there is a hub."""
    hub = get_hub_if_exists()
    return hub.loop if hub is not None else None


def set_loop(loop):
    """There is one loop in a thread."""
    if loop is not None and loop is not get_loop():
        raise ValueError("a loop belongs to the thread that it was made for")
