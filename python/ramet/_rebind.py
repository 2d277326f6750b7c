"""The standard library's functions, finding our names where they would find those of their module."""
import builtins
import types

__all__ = ['Names', 'Like']


class Names(dict):
    """The globals of such functions: ours first, then whatever the module has at that time.

    Names that are in `instead` are ours as long as the module has its own; later ones, such as a test's, are heeded.
    """

    def __init__(self, module, **ours):
        super().__init__(ours)
        self._instead = {}
        self['__builtins__'] = builtins
        self['__name__'] = module.__name__
        self._module = module

    def __missing__(self, name):
        try:
            value = getattr(self._module, name)
        except AttributeError:
            raise KeyError(name) from None
        original, ours = self._instead.get(name, (None, None))
        return ours if ours is not None and value is original else value

    def instead(self, name, ours):
        """Ours, as long as the module has its own."""
        self._instead[name] = getattr(self._module, name), ours
        return ours

    def function(self, original):
        """A copy of a function."""
        copy = types.FunctionType(original.__code__, self, original.__name__, original.__defaults__,
                                  original.__closure__)
        copy.__kwdefaults__ = original.__kwdefaults__
        copy.__doc__ = original.__doc__
        copy.__qualname__ = original.__qualname__
        return copy

    def methods(self, cls, names=None):
        """Copies of a class's methods, for the body of one that is derived from it."""
        return {name: self.function(value) for name, value in vars(cls).items()
                if isinstance(value, types.FunctionType) and (names is None or name in names)}


class Like:
    """Looks like a module, but for some of its names."""

    def __init__(self, module, **ours):
        self.__dict__.update(ours)
        self.__module = module

    def __getattr__(self, name):
        return getattr(self.__module, name)
