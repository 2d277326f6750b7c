"""Names of gevent's private modules that its tests import, so that they begin: what they are about is not here."""


class OpenDescriptor:
    """What parses the arguments of a FileObject there; here each kind of FileObject does."""

    def __init__(self, *_args, **_kwargs):
        raise NotImplementedError("no part of the interface")


class WriteallMixin:
    """Nothing."""
