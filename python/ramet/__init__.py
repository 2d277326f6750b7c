"""Green threads: write blocking code, run thousands of it on one OS thread.

The names, arguments and results are gevent's."""
import sys
from collections import namedtuple

from ramet import _core, exceptions
from ramet._config import config
from ramet._core import GreenletExit, getcurrent, sleep, spawn_raw
from ramet._hub_local import get_hub
from ramet.dropin import install_as_gevent
from ramet.greenlet import Greenlet, joinall, killall
from ramet.hub import idle, iwait, kill, reinit, wait
from ramet.hub import signal as signal_handler
from ramet.timeout import Timeout, with_timeout

__all__ = ['Greenlet', 'GreenletExit', 'Timeout', 'config', 'fork', 'get_hub', 'getcurrent', 'getswitchinterval',
           'idle', 'install_as_gevent', 'iwait', 'joinall', 'kill', 'killall', 'reinit', 'setswitchinterval', 'signal_handler', 'sleep',
           'spawn', 'spawn_later', 'spawn_raw', 'wait', 'with_timeout']

_version_info = namedtuple('version_info', ('major', 'minor', 'micro', 'releaselevel', 'serial'))

#: The version of gevent whose interface this is.
version_info = _version_info(26, 5, 0, 'final', 0)
__version__ = '26.5.0'

spawn = Greenlet.spawn
spawn_later = Greenlet.spawn_later
getswitchinterval = sys.getswitchinterval
setswitchinterval = sys.setswitchinterval


def fork(*args, **kwargs):
    """os.fork, after which the child can go on as well."""
    from ramet.os import fork as do_fork
    return do_fork(*args, **kwargs)
