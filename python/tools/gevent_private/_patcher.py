"""Names of gevent's private modules that its tests import: which of our modules stands for which of Python's."""
MAPPING = {f'gevent.{name}': name for name in ('builtins', 'contextvars', 'local', 'os', 'queue', 'select', 'selectors',
                                               'signal', 'socket', 'ssl', 'subprocess', 'thread', 'threading', 'time')}
MAPPING['gevent.local'], MAPPING['gevent.thread'] = '_threading_local', '_thread'
