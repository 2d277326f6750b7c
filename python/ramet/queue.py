"""Queues between greenlets, which may be of several OS threads.

Queue is a FIFO with task_done and join; SimpleQueue has neither.  PriorityQueue and LifoQueue hand out their items in
another order, and a Channel has no room: who puts waits for who takes.
"""
import queue as __queue__
from queue import Empty, Full

from ramet._core import Channel, LifoQueue, PriorityQueue, Queue, ShutDown, SimpleQueue

__implements__ = ["Queue", "PriorityQueue", "LifoQueue"]
__extensions__ = ["JoinableQueue", "Channel", "UnboundQueue"]
__imports__ = ["Empty", "Full"]
if hasattr(__queue__, "ShutDown"):
    __imports__.append("ShutDown")
    __all__ = __implements__ + __extensions__ + __imports__ + ["SimpleQueue"]
else:
    __all__ = __implements__ + __extensions__ + __imports__ + ["ShutDown", "SimpleQueue"]
__target__ = "queue"

JoinableQueue = Queue


class UnboundQueue(Queue):
    """A Queue whose room cannot be limited."""

    def __init__(self, maxsize=None, items=()):
        if maxsize is not None:
            raise ValueError("UnboundQueue has no maxsize")
        super().__init__(None, items)
