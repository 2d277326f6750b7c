"""The standard library's module contextvars: every greenlet has a context of its own anyway."""
from contextvars import Context, ContextVar, Token, copy_context

__implements__ = []
__imports__ = ['ContextVar', 'Context', 'copy_context', 'Token']
__all__ = list(__imports__)


def _gevent_will_monkey_patch(native_module, items, warn):
    """There is nothing to replace."""
