"""Greenlet: a function that runs by itself, with a result to wait for; joinall and killall."""
import sys

from ramet import _core
from ramet._core import Greenlet, GreenletExit, getcurrent
from ramet._core import greenlet as RawGreenlet
from ramet.hub import get_hub, iwait, kill, wait
from ramet.timeout import Timeout

__all__ = ['Greenlet', 'joinall', 'killall']


class SpawnedLink:
    """A link that calls its callback in a greenlet of its own."""
    __slots__ = ('callback',)

    def __init__(self, callback):
        if not callable(callback):
            raise TypeError(f"Expected callable: {callback!r}")
        self.callback = callback

    def __call__(self, source):
        RawGreenlet(self._call, get_hub()).switch(source)

    def _call(self, source):
        try:
            self.callback(source)
        except BaseException:
            get_hub().handle_error((self.callback, source), *sys.exc_info())

    def __hash__(self):
        return hash(self.callback)

    def __eq__(self, other):
        return self.callback == getattr(other, 'callback', other)

    def __str__(self):
        return str(self.callback)

    def __repr__(self):
        return repr(self.callback)

    def __getattr__(self, item):
        return getattr(self.callback, item)


class SuccessSpawnedLink(SpawnedLink):
    """The same if the source has ended well."""
    __slots__ = ()

    def __call__(self, source):
        if source.successful():
            return super().__call__(source)


class FailureSpawnedLink(SpawnedLink):
    """The same if the source has failed."""
    __slots__ = ()

    def __call__(self, source):
        if not source.successful():
            return super().__call__(source)


def _link(self, callback, SpawnedLink=SpawnedLink):
    """Call callback(self) in a greenlet of its own when this has ended."""
    self.rawlink(SpawnedLink(callback))


def _link_value(self, callback):
    """The same if it ends well."""
    _link(self, callback, SuccessSpawnedLink)


def _link_exception(self, callback):
    """The same if it fails."""
    _link(self, callback, FailureSpawnedLink)


def _enter(self):
    return self


def _exit(self, t, v, tb):
    """Wait for its end, and see to it; if the body has failed, kill it with that."""
    try:
        self.join() if t is None else self.kill((t, v, tb)[1] if v is not None else t)
    finally:
        self.kill()


class _Name:
    """The name: Greenlet-N unless one is set, which tools outside know it by, too."""

    def __get__(self, instance, owner):
        if instance is None:
            return self
        return instance.__dict__['name'] if 'name' in instance.__dict__ else f"Greenlet-{instance.minimal_ident}"

    def __set__(self, instance, name):
        instance.__dict__['name'] = name
        _core.named(instance)

    def __delete__(self, instance):
        try:
            del instance.__dict__['name']
        except KeyError:
            raise AttributeError('name') from None


def _minimal_ident(self):
    """A small number that no other Greenlet of the hub has while this lives."""
    return self.parent.ident_registry.get_ident(self)


def _loop(self):
    """The loop of its hub."""
    return getattr(self.parent, 'loop', None)


def _formatinfo(self):
    """What it calls: noted at the first question, since it is forgotten at the end."""
    noted = self.__dict__.get('_formatted_info')
    if noted is None:
        noted = self._formatted_info = _call_of(self)
    return noted


def _call_of(self):
    function = self._run
    owner = getattr(function, '__self__', None)
    is_plain = owner is None or owner is self or isinstance(owner, type(sys))
    name = getattr(function, '__name__', '') if is_plain else ''
    name = name or repr(function)
    args = [repr(x)[:50] for x in self.args] + [f"{k}={v!r:.50}" for k, v in self.kwargs.items()]
    return f"{name}({', '.join(args)})" if args else name


def _repr(self):
    name = f' "{self.name}"' if 'name' in self.__dict__ or _has_ident(self) else ''
    try:
        info = ': ' + self._formatinfo()
    except Exception:
        info = ''
    return f"<{type(self).__name__}{name} at {hex(id(self))}{info}>"


def _has_ident(self):
    registry = getattr(self.parent, '__dict__', {}).get('ident_registry')
    return registry is not None and self in registry._registry


class _Frame:
    """Where a greenlet was spawned: looks like a frame that has ended."""
    __slots__ = ('f_code', 'f_lineno', 'f_back')
    f_globals = property(lambda self: None)

    def __init__(self, f_code, f_lineno, f_back):
        self.f_code, self.f_lineno, self.f_back = f_code, f_lineno, f_back


def _spawning_stack(self):
    """The frames in which it was spawned, innermost first, at most ten."""
    frame = None
    for code, line in reversed(self._spawning_stack):
        frame = _Frame(code, line, frame)
    return frame


def _raise_exception(self):
    raise self.exception.with_traceback(self.exc_info[2])


def _install():
    for function in (_link, _link_value, _link_exception):
        setattr(Greenlet, function.__name__[1:], function)
    Greenlet.__enter__, Greenlet.__exit__, Greenlet.__repr__ = _enter, _exit, _repr
    Greenlet.__str__ = _repr
    Greenlet._formatinfo = _formatinfo
    Greenlet.name = _Name()
    Greenlet.minimal_ident = property(_minimal_ident)
    Greenlet.loop = property(_loop)
    Greenlet.spawning_stack_limit = 10
    Greenlet.spawning_stack = property(_spawning_stack)
    Greenlet._raise_exception = _raise_exception


_install()


def joinall(greenlets, timeout=None, raise_error=False, count=None):
    """Wait for the ends of all greenlets, or of `count`, for at most `timeout` seconds.  Returns those that have
    ended, in that order; with raise_error the first error is raised."""
    if not raise_error:
        return wait(greenlets, timeout=timeout, count=count)
    done = []
    with iwait(greenlets, timeout, count) as ended:
        for g in ended:
            if getattr(g, 'exception', None) is not None:
                if hasattr(g, '_raise_exception'):
                    g._raise_exception()
                raise g.exception
            done.append(g)
    return done


def killall(greenlets, exception=GreenletExit, block=True, timeout=None):
    """Raise the exception in all greenlets; if `block`, wait for their ends, for at most `timeout` seconds, and
    raise Timeout after that."""
    greenlets = list(greenlets)
    for g in greenlets:
        kill(g, exception)
    if not block:
        return
    alive = [g for g in greenlets if not g.dead and hasattr(g, 'rawlink')]
    raw = [g for g in greenlets if not hasattr(g, 'rawlink')]
    with Timeout._start_new_or_dummy(timeout):
        if alive:
            joinall(alive)
        if raw:
            _core.sleep(0)
