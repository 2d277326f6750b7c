"""Exceptions that several modules raise."""
from ramet._core import (BlockingSwitchOutError, ConcurrentObjectUseError, HubDestroyed, InvalidSwitchError,
                         InvalidThreadUseError, LoopExit)
from ramet._core import error as GreenletError

__all__ = ['LoopExit', 'BlockingSwitchOutError', 'InvalidSwitchError', 'ConcurrentObjectUseError',
           'InvalidThreadUseError', 'HubDestroyed', 'GreenletError']


def _loop_exit_repr(self):
    """The text, and then what the loop was about to wait for."""
    if len(self.args) != 3:
        return Exception.__repr__(self)
    return f"{self.args[0]}\n\tHub: {self.args[1]}\n\tHandles:\n{_format_handles(self.args[2])}"


def _format_handles(handles):
    import pprint
    return pprint.pformat(handles)


LoopExit.__repr__ = _loop_exit_repr
LoopExit.__str__ = _loop_exit_repr

for _e in (LoopExit, BlockingSwitchOutError, InvalidSwitchError, ConcurrentObjectUseError, InvalidThreadUseError,
           HubDestroyed):
    _e.__module__ = 'gevent.exceptions'
del _e
