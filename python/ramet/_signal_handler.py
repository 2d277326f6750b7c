"""Handlers of signals that run in greenlets."""
import sys

from ramet._core import Greenlet
from ramet._hub_local import get_hub


class signal:
    """signal_handler(signalnum, handler, *args, **kwargs): call it in a new greenlet for each such signal."""
    greenlet_class = None

    def __init__(self, signalnum, handler, *args, **kwargs):
        if not callable(handler):
            raise TypeError("signal handler must be callable.")
        self.hub = get_hub()
        self.watcher = self.hub.loop.signal(signalnum, ref=False)
        self.handler, self.args, self.kwargs = handler, args, kwargs
        if type(self).greenlet_class is None:
            type(self).greenlet_class = Greenlet
        self.watcher.start(self._start)

    ref = property(lambda self: self.watcher.ref, lambda self, value: setattr(self.watcher, 'ref', value), None,
                   "Whether it keeps the loop alive.")

    def cancel(self):
        """No more."""
        if self.watcher is not None:
            self.watcher.stop()
            self.watcher.close()
            self.watcher = None

    def _start(self):
        g = self.greenlet_class(self.handle)
        g.switch()

    def handle(self):
        """Call the handler; its errors are the hub's."""
        try:
            self.handler(*self.args, **self.kwargs)
        except BaseException:
            self.hub.handle_error(None, *sys.exc_info())
