"""Small things that several modules use."""
import functools

__all__ = ['Lazy', 'LazyOnClass', 'readproperty', 'copy_globals', 'update_wrapper']

update_wrapper = functools.update_wrapper


class Lazy:
    """A method that is called when it is first read as an attribute; its result stays, and may be set."""

    def __init__(self, func):
        self.data = (func, func.__name__)
        update_wrapper(self, func)

    def __get__(self, inst, class_):
        if inst is None:
            return self
        func, name = self.data
        value = func(inst)
        inst.__dict__[name] = value
        return value


class readproperty:
    """A property that an attribute of the instance hides."""

    def __init__(self, func):
        self.func = func
        update_wrapper(self, func)

    def __get__(self, inst, class_):
        return self if inst is None else self.func(inst)


class LazyOnClass:
    """The same as Lazy, once for all instances."""

    @classmethod
    def lazy(cls, cls_dict, func):
        """Put one into the body of a class."""
        cls_dict[func.__name__] = cls(func)

    def __init__(self, func, name=None):
        self.name = name or func.__name__
        self.func = func

    def __get__(self, inst, klass):
        if inst is None:
            return self
        value = self.func(inst)
        setattr(klass, self.name, value)
        return value


def copy_globals(source, globs, only_names=None, ignore_missing_names=False, names_to_ignore=(),
                 dunder_names_to_keep=('__implements__', '__all__', '__imports__'), cleanup_globs=True):
    """Put what the module `source` has into globs, but for what is there: returns the names."""
    copied = []
    names = only_names or [n for n in source.__dict__ if not n.startswith('__') or n in dunder_names_to_keep]
    for name in names:
        if name in names_to_ignore or name in globs and not only_names:
            continue
        if ignore_missing_names and not hasattr(source, name):
            continue
        globs[name] = getattr(source, name)
        copied.append(name)
    return copied
