"""Settings, from the environment (GEVENT_*) or set on `config` before they are used."""
import importlib
import os

from ramet import _core

__all__ = ['config']


# ---- what makes a value of what was said -----------------------------------------------------------------------------

def validate_bool(value):
    """What a user may have meant by on and off."""
    if not isinstance(value, str):
        return bool(value)
    word = value.lower().strip()
    if word in ('1', 'true', 'on', 'yes'):
        return True
    if word in ('0', 'false', 'off', 'no') or not word:
        return False
    raise ValueError(f"Invalid boolean string: {value!r}")


def validate_anything(value):
    """Itself."""
    return value


def validate_invalid(value):
    """Nothing is right."""
    raise ValueError(f"Not a valid value: {value!r}")


def _words(value):
    return value.split(',') if isinstance(value, str) else value


def _number(value):
    return float(value) if value not in (None, '') else None


def _whole(value):
    return int(value) if value not in (None, '') else None


# ---- kinds of settings -----------------------------------------------------------------------------------------------

settings = {}  #: name: its class, for each that there is


class Setting:
    """One that has a name: it is what was set, or what the environment says, or a default."""

    name = environment_key = default = value = None
    validate = staticmethod(validate_anything)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.name:
            settings[cls.name] = cls

    def get(self):
        """Its value: looked up once."""
        if 'value' not in self.__dict__:
            said = os.environ.get(self.environment_key) if self.environment_key else None
            self.value = self._made_of(self.default if said is None else said)
        return self.value

    def set(self, value):
        """From now on it is this."""
        self.value = self._made_of(value)

    def _made_of(self, value):
        return None if value is None else self.validate(value)


class ImportableSetting(Setting):
    """A class: itself, the path of it ("a.module.Class"), a short name, or a list of which the first that is there
    counts."""

    shortname_map = {}

    def _made_of(self, value):
        if value is None:
            return None
        names = value.split(',') if isinstance(value, str) else value
        return self._import_one_of(names) if isinstance(names, (list, tuple)) else self._import_one(names)

    def _import_one_of(self, candidates):
        error = None
        for candidate in candidates:
            try:
                return self._import_one(candidate)
            except (ImportError, AttributeError) as e:
                error = error or e
        raise error or ImportError(f"Cannot import from empty list for {self.name!r}")

    def _import_one(self, path):
        if not isinstance(path, str):
            return path
        path = self.shortname_map.get(path.strip(), path.strip())
        module, _, attribute = path.rpartition('.')
        if not module or '/' in path:
            raise ImportError(f"Cannot import {path!r}: it is none of {', '.join(self.shortname_map) or 'nothing'} "
                              f"nor the path of a class")
        if module.startswith('gevent.'):
            module = 'ramet' + module[len('gevent'):]
        return getattr(importlib.import_module(module), attribute)

    def get_options(self):
        """{short name: the class, or the ImportError that it gives}"""
        options = {}
        for name in self.shortname_map:
            try:
                options[name] = self._import_one(name)
            except ImportError as e:
                options[name] = e
        return options


class BoolSetting(Setting):
    """On or off."""
    validate = staticmethod(validate_bool)


class FloatSetting(Setting):
    """A number; nothing is None."""
    validate = staticmethod(_number)


class IntSetting(Setting):
    """A whole number; nothing is None."""
    validate = staticmethod(_whole)


class ListSetting(Setting):
    """Words, as a list or with commas between them."""
    validate = staticmethod(_words)


# ---- those that there are --------------------------------------------------------------------------------------------

class Resolver(ImportableSetting):
    """Who looks names up."""
    name = 'resolver'
    environment_key = 'GEVENT_RESOLVER'
    default = 'thread'
    shortname_map = {word: f'ramet.resolver.{module}.Resolver' for word, module in
                     {'ramet': 'thread', 'thread': 'thread', 'ares': 'ares', 'dnspython': 'dnspython',
                      'block': 'blocking'}.items()}


class Threadpool(ImportableSetting):
    """The class of OS threads for what blocks."""
    name = 'threadpool'
    environment_key = 'GEVENT_THREADPOOL'
    default = 'ramet.threadpool.ThreadPool'


class Loop(ImportableSetting):
    """The class of loops: there is one, whatever gevent's is asked for."""
    name = 'loop'
    environment_key = 'GEVENT_LOOP'
    default = 'ramet'
    shortname_map = dict.fromkeys(('ramet', 'libev-cext', 'libev-cffi', 'libuv-cffi', 'libuv'), 'ramet.core.loop')


class FormatContext(ImportableSetting):
    """Makes text of what an error happened in."""
    name = 'format_context'
    environment_key = 'GEVENT_FORMAT_CONTEXT'
    default = 'pprint.saferepr'


class FileObject(ImportableSetting):
    """The class that gevent.fileobject.FileObject is."""
    name = 'fileobject'
    environment_key = 'GEVENT_FILE'
    default = 'posix'
    shortname_map = {word: f'ramet.fileobject.FileObject{word.title()}' for word in ('posix', 'thread', 'block')}


class GreenletTree(BoolSetting):
    """Whether it is noted who spawned a greenlet, and where."""
    name = 'track_greenlet_tree'
    environment_key = 'GEVENT_TRACK_GREENLET_TREE'
    default = True

    def _made_of(self, value):
        made = super()._made_of(value)
        _core.track_greenlet_tree(bool(made))
        return made


def _declare(kind, *rows):
    for name, variable, default, doc in rows:
        type(f'{name}_setting', (kind,), {'name': name, 'environment_key': variable, 'default': default,
                                          '__doc__': doc})


_declare(
    BoolSetting,
    ('disable_watch_children', 'GEVENT_NOWAITPID', False, "Whether fork leaves children to os.waitpid."),
    ('monitor_thread', 'GEVENT_MONITOR_THREAD_ENABLE', False, "Whether an OS thread watches each hub."),
    ('print_blocking_reports', 'GEVENT_MONITOR_PRINT_BLOCKING_REPORTS', True, "Whether it writes what it sees."),
    ('disable_queue_queue', 'GEVENT_MONKEY_DISABLE_QUEUE_QUEUE', False, "Whether patch_all leaves queue alone."),
    ('pure_python', 'GEVENT_PURE_PYTHON', False, "Nothing here."))
_declare(
    FloatSetting,
    ('threadpool_idle_task_timeout', 'GEVENT_THREADPOOL_IDLE_TASK_TIMEOUT', 5.0,
     "Seconds after which an idle thread of a hub's pool ends."),
    ('max_blocking_time', 'GEVENT_MAX_BLOCKING_TIME', 0.1, "Seconds without a switch that the monitor reports."),
    ('memory_monitor_period', 'GEVENT_MONITOR_MEMORY_PERIOD', 5, "Seconds between its looks at memory."),
    ('resolver_timeout', 'GEVENT_RESOLVER_TIMEOUT', None, "Seconds that a name server may take."),
    ('ares_timeout', 'GEVENTARES_TIMEOUT', None, "The same."))
_declare(IntSetting, ('max_memory_usage', 'GEVENT_MONITOR_MEMORY_MAX', None, "Bytes that the monitor reports."),
         *[(f'ares_{word}', f'GEVENTARES_{word.upper()}', None, "Nothing here.")
           for word in ('flags', 'tries', 'ndots', 'udp_port', 'tcp_port')])
_declare(ListSetting, ('resolver_nameservers', 'GEVENT_RESOLVER_NAMESERVERS', None, "Name servers to ask."),
         ('ares_servers', 'GEVENTARES_SERVERS', None, "The same."))
_declare(Setting, ('libev_backend', 'GEVENT_BACKEND', None, "Nothing here: see RAMET_KERNEL."),
         ('debug', 'GEVENT_DEBUG', False, "Nothing here."))


class Config:
    """The settings as attributes; what is not known is an AttributeError."""

    def __init__(self):
        self.__dict__['settings'] = {name: kind() for name, kind in settings.items()}
        self.settings['track_greenlet_tree'].get()

    def __getattr__(self, name):
        try:
            return self.__dict__['settings'][name].get()
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, value):
        self.set(name, value)

    def set(self, name, value):
        """Set one."""
        if name not in self.settings:
            raise AttributeError(name)
        self.settings[name].set(value)

    def __dir__(self):
        return sorted(self.settings)


config = Config()
