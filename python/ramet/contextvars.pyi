from contextvars import Context as Context
from contextvars import ContextVar as ContextVar
from contextvars import Token as Token
from contextvars import copy_context as copy_context

__implements__: list[str]
