"""What happens to the process as a whole, told to whoever asked: subscribers of this module, and entry points.

A subscriber is a function of one argument, the event, in the list `subscribers` (which is zope.event's, where that is
installed).  A package can also name a function as an entry point of the group in an event's ENTRY_POINT_NAME.
"""
try:
    from zope.event import notify, subscribers
except ImportError:
    subscribers = []

    def notify(event):
        """Call all subscribers."""
        for subscriber in subscribers:
            subscriber(event)

try:
    from zope.interface import Attribute, Interface, implementer
except ImportError:
    Interface = object

    def Attribute(doc):
        """What an interface says of an attribute."""
        return property(doc=doc)

    def implementer(*_interfaces):
        """Say nothing of a class: there is no zope.interface."""
        return lambda cls: cls

__all__ = [
    'subscribers',
    'IEventLoopBlocked', 'EventLoopBlocked',
    'IMemoryUsageThresholdExceeded', 'MemoryUsageThresholdExceeded',
    'IMemoryUsageUnderThreshold', 'MemoryUsageUnderThreshold',
    'IPeriodicMonitorThread', 'IPeriodicMonitorThreadStartedEvent', 'PeriodicMonitorThreadStartedEvent',
    'IGeventPatchEvent', 'GeventPatchEvent',
    'IGeventWillPatchEvent', 'DoNotPatch', 'GeventWillPatchEvent',
    'IGeventDidPatchEvent',
    'IGeventWillPatchModuleEvent', 'GeventWillPatchModuleEvent',
    'IGeventDidPatchModuleEvent', 'GeventDidPatchModuleEvent',
    'IGeventWillPatchAllEvent', 'GeventWillPatchAllEvent',
    'IGeventDidPatchBuiltinModulesEvent', 'GeventDidPatchBuiltinModulesEvent',
    'IGeventDidPatchAllEvent', 'GeventDidPatchAllEvent',
]


_points = None


def _entry_points(group):
    """What is installed is looked at once: that takes a while."""
    global _points
    if _points is None:
        from importlib.metadata import entry_points
        _points = entry_points()
    return _points.select(group=group) if hasattr(_points, 'select') else _points.get(group, ())


def notify_and_call_entry_points(event):
    """Call all subscribers, then the entry points of the event's group."""
    notify(event)
    for point in _entry_points(event.ENTRY_POINT_NAME):
        if not point.value.startswith('gevent.'):  # that is its own warnings, and would load it
            point.load()(event)


class _Event:
    def __repr__(self):
        told = " ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"<{type(self).__name__} {told}>"


# ---- the monitor ----------------------------------------------------------------------------------------------------

class IPeriodicMonitorThread(Interface):
    """The OS thread that watches a hub."""

    def add_monitoring_function(function, period):
        """Call function(hub) every so many seconds."""


class IPeriodicMonitorThreadStartedEvent(Interface):
    """The monitor of a hub has started."""
    monitor = Attribute("The IPeriodicMonitorThread.")


@implementer(IPeriodicMonitorThreadStartedEvent)
class PeriodicMonitorThreadStartedEvent(_Event):
    """The monitor of a hub has started: functions can be added to it."""
    ENTRY_POINT_NAME = 'gevent.plugins.hub.periodic_monitor_thread_started'

    def __init__(self, monitor):
        self.monitor = monitor


class IEventLoopBlocked(Interface):
    """A greenlet has run for too long without a switch."""
    greenlet = Attribute("The greenlet.")
    blocking_time = Attribute("About how many seconds it was.")
    info = Attribute("Lines that say what it did.")


@implementer(IEventLoopBlocked)
class EventLoopBlocked(_Event):
    """A greenlet has run for too long without a switch."""

    def __init__(self, greenlet, blocking_time, info):
        self.greenlet = greenlet
        self.blocking_time = blocking_time
        self.info = info


class IMemoryUsageThresholdExceeded(Interface):
    """The process has grown beyond its limit."""
    mem_usage = Attribute("Bytes in use.")
    max_allowed = Attribute("The limit.")
    memory_info = Attribute("What psutil says.")


class _Memory(_Event):
    def __init__(self, mem_usage, max_allowed, memory_info):
        self.mem_usage = mem_usage
        self.max_allowed = max_allowed
        self.memory_info = memory_info


@implementer(IMemoryUsageThresholdExceeded)
class MemoryUsageThresholdExceeded(_Memory):
    """The process has grown beyond its limit."""


class IMemoryUsageUnderThreshold(Interface):
    """The process is within its limit again."""
    mem_usage = Attribute("Bytes in use.")
    max_allowed = Attribute("The limit.")
    max_memory_usage = Attribute("The most that it was.")
    memory_info = Attribute("What psutil says.")


@implementer(IMemoryUsageUnderThreshold)
class MemoryUsageUnderThreshold(_Memory):
    """The process is within its limit again."""

    def __init__(self, mem_usage, max_allowed, memory_info, max_usage):
        super().__init__(mem_usage, max_allowed, memory_info)
        self.max_memory_usage = max_usage


# ---- patching -------------------------------------------------------------------------------------------------------

class IGeventPatchEvent(Interface):
    """Something is patched."""
    source = Attribute("The module that has the replacements.")
    target = Attribute("The module whose names are replaced.")


@implementer(IGeventPatchEvent)
class GeventPatchEvent(_Event):
    """Something is patched."""

    def __init__(self, source, target):
        self.source = source
        self.target = target


class IGeventWillPatchEvent(IGeventPatchEvent):
    """Something is going to be patched; a subscriber can raise DoNotPatch."""


class DoNotPatch(BaseException):
    """Raised by a subscriber: what was going to be patched is left alone."""


@implementer(IGeventWillPatchEvent)
class GeventWillPatchEvent(GeventPatchEvent):
    """Something is going to be patched; a subscriber can raise DoNotPatch."""


class IGeventDidPatchEvent(IGeventPatchEvent):
    """Something has been patched."""


@implementer(IGeventDidPatchEvent)
class GeventDidPatchEvent(GeventPatchEvent):
    """Something has been patched."""


class IGeventWillPatchModuleEvent(IGeventWillPatchEvent):
    """A module is going to be patched."""
    module_name = Attribute("The target's name.")
    target_item_names = Attribute("A list of the names that are to be replaced: it may be changed.")


@implementer(IGeventWillPatchModuleEvent)
class GeventWillPatchModuleEvent(GeventWillPatchEvent):
    """A module is going to be patched."""
    ENTRY_POINT_NAME = 'gevent.plugins.monkey.will_patch_module'

    def __init__(self, module_name, source, target, items):
        super().__init__(source, target)
        self.module_name = module_name
        self.target_item_names = items


class IGeventDidPatchModuleEvent(IGeventDidPatchEvent):
    """A module has been patched."""
    module_name = Attribute("The target's name.")


@implementer(IGeventDidPatchModuleEvent)
class GeventDidPatchModuleEvent(GeventDidPatchEvent):
    """A module has been patched."""
    ENTRY_POINT_NAME = 'gevent.plugins.monkey.did_patch_module'

    def __init__(self, module_name, source, target):
        super().__init__(source, target)
        self.module_name = module_name


class _PatchAll:
    def __init__(self, patch_all_arguments, patch_all_kwargs):
        super().__init__(None, None)
        self._patch_all_arguments = patch_all_arguments
        self._patch_all_kwargs = patch_all_kwargs

    @property
    def patch_all_arguments(self):
        """A copy of patch_all's named arguments."""
        return self._patch_all_arguments.copy()

    @property
    def patch_all_kwargs(self):
        """A copy of the arguments that patch_all does not know: for plug-ins."""
        return self._patch_all_kwargs.copy()


class IGeventWillPatchAllEvent(IGeventWillPatchEvent):
    """patch_all begins."""
    patch_all_arguments = Attribute("Its arguments.")
    patch_all_kwargs = Attribute("Arguments that it does not know.")

    def will_patch_module(module_name):
        """Whether it is asked to patch that module."""


@implementer(IGeventWillPatchAllEvent)
class GeventWillPatchAllEvent(_PatchAll, GeventWillPatchEvent):
    """patch_all begins."""
    ENTRY_POINT_NAME = 'gevent.plugins.monkey.will_patch_all'

    def will_patch_module(self, module_name):
        """Whether it is asked to patch that module."""
        return self._patch_all_arguments.get(module_name)


class IGeventDidPatchBuiltinModulesEvent(IGeventDidPatchEvent):
    """patch_all has patched the standard library."""
    patch_all_arguments = Attribute("Its arguments.")
    patch_all_kwargs = Attribute("Arguments that it does not know.")


@implementer(IGeventDidPatchBuiltinModulesEvent)
class GeventDidPatchBuiltinModulesEvent(_PatchAll, GeventDidPatchEvent):
    """patch_all has patched the standard library: plug-ins can patch what is theirs."""
    ENTRY_POINT_NAME = 'gevent.plugins.monkey.did_patch_builtins'


class IGeventDidPatchAllEvent(IGeventDidPatchEvent):
    """patch_all is done."""


@implementer(IGeventDidPatchAllEvent)
class GeventDidPatchAllEvent(_PatchAll, GeventDidPatchEvent):
    """patch_all is done."""
    ENTRY_POINT_NAME = 'gevent.plugins.monkey.did_patch_all'
