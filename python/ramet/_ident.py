"""Small numbers for objects that live: the smallest that is free."""
import heapq
from weakref import WeakKeyDictionary, ref

__all__ = ['IdentRegistry']


class ValuedWeakRef(ref):
    """A weak reference that knows the number of what it pointed to."""
    __slots__ = ('value',)


class IdentRegistry:
    """Gives each object a number, which is free again once the object is gone."""

    def __init__(self):
        self._registry = WeakKeyDictionary()
        self._available_idents = []

    def get_ident(self, obj):
        """The number of obj, from now on."""
        try:
            return self._registry[obj][0]
        except KeyError:
            pass
        ident = heapq.heappop(self._available_idents) if self._available_idents else len(self._registry)
        watch = ValuedWeakRef(obj, self._return_ident)
        watch.value = ident
        self._registry[obj] = (ident, watch)
        return ident

    def _return_ident(self, watch):
        if heapq is not None:
            heapq.heappush(self._available_idents, watch.value)

    def __len__(self):
        return len(self._registry)
