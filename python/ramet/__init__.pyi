from sys import getswitchinterval as getswitchinterval
from sys import setswitchinterval as setswitchinterval
from typing import Any

from ramet._core import Greenlet as Greenlet
from ramet._core import GreenletExit as GreenletExit
from ramet._core import Timeout as Timeout
from ramet._core import getcurrent as getcurrent
from ramet._core import sleep as sleep
from ramet._core import spawn_raw as spawn_raw
from ramet.dropin import install_as_gevent as install_as_gevent
from ramet.greenlet import joinall as joinall
from ramet.greenlet import killall as killall
from ramet.hub import get_hub as get_hub
from ramet.hub import idle as idle
from ramet.hub import iwait as iwait
from ramet.hub import kill as kill
from ramet.hub import reinit as reinit
from ramet.hub import signal as signal_handler
from ramet.hub import wait as wait
from ramet.timeout import with_timeout as with_timeout

config: Any
version_info: tuple[Any, ...]
__version__: str
def fork(*args: Any, **kwargs: Any) -> int: ...
spawn = Greenlet.spawn
spawn_later = Greenlet.spawn_later
