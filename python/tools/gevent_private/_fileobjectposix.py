"""Names of gevent's private modules that its tests import, so that they begin: what they are about is not here."""
from ramet._fileobjectcommon import OpenDescriptor


class GreenOpenDescriptor(OpenDescriptor):
    """The same."""
