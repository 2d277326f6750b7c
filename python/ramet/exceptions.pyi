from ramet._core import BlockingSwitchOutError as BlockingSwitchOutError
from ramet._core import ConcurrentObjectUseError as ConcurrentObjectUseError
from ramet._core import HubDestroyed as HubDestroyed
from ramet._core import InvalidSwitchError as InvalidSwitchError
from ramet._core import InvalidThreadUseError as InvalidThreadUseError
from ramet._core import LoopExit as LoopExit
from ramet._core import error as GreenletError
