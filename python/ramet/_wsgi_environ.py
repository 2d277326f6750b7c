"""Dicts for environs, and those that hide their values."""


class Environ(dict):
    """A dict for environs, with copies of its own kind."""
    __slots__ = ()

    def copy(self):
        """Another of the type."""
        return self.__class__(self)

    def iteritems(self):
        """items()"""
        return self.items()

    def __reduce_ex__(self, proto):
        return dict, (), None, None, iter(self.items())


class SecureEnviron(Environ):
    """An environ that does not show its values: in tracebacks and logs they would be read by others.

    secure_repr: whether they are hidden; whitelist_keys: those that are not, if there are any;
    print_masked_keys: whether the others' names are shown.
    """
    default_secure_repr = True
    default_whitelist_keys = ()
    default_print_masked_keys = True

    __slots__ = ('secure_repr', 'whitelist_keys', 'print_masked_keys')

    def __getattr__(self, name):
        if name in SecureEnviron.__slots__:
            return getattr(type(self), 'default_' + name)
        raise AttributeError(name)

    def __repr__(self):
        if not self.secure_repr:
            return dict.__repr__(self)
        shown = self.whitelist_keys
        if not shown:
            return f'<pywsgi.{type(self).__name__} dict (keys: {len(self)}) at {id(self)}>'
        if self.print_masked_keys:
            return repr({k: self[k] if k in shown else '<MASKED>' for k in self})
        parts = [f'{k!r}: {self[k]!r}' for k in self if k in shown]
        hidden = len(self) - len(parts)
        return '{' + ', '.join(parts + [f'(hidden keys: {hidden})'] * bool(hidden)) + '}'

    __str__ = __repr__


class WSGISecureEnviron(SecureEnviron):
    """One that shows who asked."""
    default_whitelist_keys = ('REMOTE_ADDR', 'REMOTE_PORT', 'HTTP_HOST')
    default_print_masked_keys = False
