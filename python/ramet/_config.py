"""Settings, from the environment (GEVENT_*) or set on `config` before they are used."""
import os

from ramet import _core

__all__ = ['config']


def validate_bool(value):
    """What a user may have meant by on and off."""
    if isinstance(value, str):
        value = value.lower().strip()
        if value in ('1', 'true', 'on', 'yes'):
            return True
        if value in ('0', 'false', 'off', 'no') or not value:
            return False
        raise ValueError(f"Invalid boolean string: {value!r}")
    return bool(value)


def _words(value):
    return value.split(',') if isinstance(value, str) else value


def _number(value):
    return float(value) if value not in (None, '') else None


def _whole(value):
    return int(value) if value not in (None, '') else None


# name: (the variable of the environment, the default, what makes a value of it)
_SETTINGS = {
    'resolver': ('GEVENT_RESOLVER', None, _words),
    'threadpool': ('GEVENT_THREADPOOL', None, lambda value: value),
    'threadpool_idle_task_timeout': ('GEVENT_THREADPOOL_IDLE_TASK_TIMEOUT', 5.0, _number),
    'loop': ('GEVENT_LOOP', None, lambda value: value),
    'libev_backend': ('GEVENT_BACKEND', None, lambda value: value),
    'fileobject': ('GEVENT_FILE', None, lambda value: value),
    'disable_watch_children': ('GEVENT_NOWAITPID', False, validate_bool),
    'track_greenlet_tree': ('GEVENT_TRACK_GREENLET_TREE', True, validate_bool),
    'monitor_thread': ('GEVENT_MONITOR_THREAD_ENABLE', False, validate_bool),
    'max_blocking_time': ('GEVENT_MAX_BLOCKING_TIME', 0.1, _number),
    'print_blocking_reports': ('GEVENT_MONITOR_PRINT_BLOCKING_REPORTS', True, validate_bool),
    'memory_monitor_period': ('GEVENT_MONITOR_MEMORY_PERIOD', 5, _number),
    'max_memory_usage': ('GEVENT_MONITOR_MEMORY_MAX', None, _whole),
    'resolver_nameservers': ('GEVENT_RESOLVER_NAMESERVERS', None, _words),
    'resolver_timeout': ('GEVENT_RESOLVER_TIMEOUT', None, _number),
    'format_context': ('GEVENT_FORMAT_CONTEXT', None, lambda value: value),
    'debug': ('GEVENT_DEBUG', False, validate_bool),
    'disable_queue_queue': ('GEVENT_MONKEY_DISABLE_QUEUE_QUEUE', False, validate_bool),
    'pure_python': ('GEVENT_PURE_PYTHON', False, validate_bool),
}


class Config:
    """The settings as attributes; what is not known is an AttributeError."""

    def __init__(self):
        self._values = {}
        for name, (variable, default, make) in _SETTINGS.items():
            set_ = os.environ.get(variable)
            self._values[name] = default if set_ is None else make(set_)
        _core.track_greenlet_tree(self.track_greenlet_tree)

    def __getattr__(self, name):
        try:
            return self.__dict__['_values'][name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, value):
        if name.startswith('_'):
            super().__setattr__(name, value)
        elif name not in _SETTINGS:
            raise AttributeError(name)
        else:
            self.set(name, value)

    def set(self, name, value):
        """Set one."""
        self._values[name] = _SETTINGS[name][2](value) if value is not None else None
        if name == 'track_greenlet_tree':
            _core.track_greenlet_tree(bool(value))

    def __dir__(self):
        return sorted(_SETTINGS)


config = Config()
