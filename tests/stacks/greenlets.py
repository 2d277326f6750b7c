"""A Python program to be looked at: greenlets that wait, each in its own way.

usage: greenlets.py [busy]

busy: it computes from then on.
"""
import sys

import ramet
from ramet.event import Event
from ramet.lock import Semaphore
from ramet.pool import Pool
from ramet.queue import Queue


def leaf(depth):
    if depth:
        leaf(depth - 1)
    else:
        ramet.sleep(3600)


class Key:
    def __lt__(self, other):
        leaf(3)


class Worker:
    def __init__(self):
        self.jobs = Queue()

    def run(self):
        self.jobs.get()


def sorts():
    sorted([Key(), Key()])


def stays(event):
    event.wait()


def wörk(semaphore):
    semaphore.acquire()


def computes():
    while True:
        pass


def start():
    ramet.spawn(sorts)
    event = Event()
    for _ in range(3):
        ramet.spawn(stays, event)
    Pool(2).spawn(Worker().run)
    ramet.spawn(wörk, Semaphore(0)).name = "consumer"


start()
ramet.sleep(0.05)
print("ready", flush=True)
if "busy" in sys.argv:
    computes()
ramet.sleep(3600)
