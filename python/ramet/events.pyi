from typing import Any, Callable

from ramet._core import greenlet

subscribers: list[Callable[[Any], object]]

def notify(event: Any) -> None: ...
def notify_and_call_entry_points(event: Any) -> None: ...
class _Event: ...
IPeriodicMonitorThread: Any
IPeriodicMonitorThreadStartedEvent: Any

class PeriodicMonitorThreadStartedEvent(_Event):
    ENTRY_POINT_NAME: str
    def __init__(self, monitor: Any) -> None: ...

IEventLoopBlocked: Any

class EventLoopBlocked(_Event):
    def __init__(self, greenlet: greenlet, blocking_time: Any, info: Any) -> None: ...

IMemoryUsageThresholdExceeded: Any

class _Memory(_Event):
    def __init__(self, mem_usage: Any, max_allowed: Any, memory_info: Any) -> None: ...

class MemoryUsageThresholdExceeded(_Memory): ...
IMemoryUsageUnderThreshold: Any

class MemoryUsageUnderThreshold(_Memory):
    def __init__(self, mem_usage: Any, max_allowed: Any, memory_info: Any, max_usage: Any) -> None: ...

IGeventPatchEvent: Any

class GeventPatchEvent(_Event):
    def __init__(self, source: Any, target: Any) -> None: ...

IGeventWillPatchEvent: Any
class DoNotPatch(BaseException): ...
class GeventWillPatchEvent(GeventPatchEvent): ...
IGeventDidPatchEvent: Any
class GeventDidPatchEvent(GeventPatchEvent): ...
IGeventWillPatchModuleEvent: Any

class GeventWillPatchModuleEvent(GeventWillPatchEvent):
    ENTRY_POINT_NAME: str
    def __init__(self, module_name: Any, source: Any, target: Any, items: Any) -> None: ...

IGeventDidPatchModuleEvent: Any

class GeventDidPatchModuleEvent(GeventDidPatchEvent):
    ENTRY_POINT_NAME: str
    def __init__(self, module_name: Any, source: Any, target: Any) -> None: ...

class _PatchAll:
    def __init__(self, patch_all_arguments: Any, patch_all_kwargs: Any) -> None: ...
    @property
    def patch_all_arguments(self) -> Any: ...
    @property
    def patch_all_kwargs(self) -> Any: ...

IGeventWillPatchAllEvent: Any

class GeventWillPatchAllEvent(_PatchAll, GeventWillPatchEvent):
    ENTRY_POINT_NAME: str
    def will_patch_module(self, module_name: Any) -> Any: ...

IGeventDidPatchBuiltinModulesEvent: Any

class GeventDidPatchBuiltinModulesEvent(_PatchAll, GeventDidPatchEvent):
    ENTRY_POINT_NAME: str

IGeventDidPatchAllEvent: Any

class GeventDidPatchAllEvent(_PatchAll, GeventDidPatchEvent):
    ENTRY_POINT_NAME: str
