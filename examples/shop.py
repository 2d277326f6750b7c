"""shop.py - in three kinds of trouble: docs/guide-stuck-slow-leaking.md"""
import sys

import ramet
from ramet.lock import RLock
from ramet.queue import Queue

stock, cash, orders = RLock(), RLock(), Queue()


def trade(first, second):
    with first:
        ramet.sleep(0.01)
        with second:
            pass


def price(number):
    return sum(range(number % 3000))


def report():
    sorted(range(100000), key=price)


def wait_for_order():
    orders.get()


def main():
    if "stuck" in sys.argv:
        ramet.joinall([ramet.spawn(trade, stock, cash), ramet.spawn(trade, cash, stock)])
    for _ in range(1000):
        ramet.spawn(wait_for_order)
    ramet.spawn(report)
    for _ in range(60):
        ramet.sleep(1)


if __name__ == "__main__":
    main()
