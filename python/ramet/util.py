"""Looking at what runs: the stacks of threads and greenlets, the tree of greenlets, and blocks that do not switch."""
import functools
import gc
import pprint
import sys
import threading
import time
import traceback

from ramet import _core
from ramet._core import Greenlet, getcurrent, greenlet
from ramet._hub_local import get_hub

__all__ = ['format_run_info', 'print_run_info', 'GreenletTree', 'wrap_errors', 'assert_switches']

_STARS = '*' * 80


class wrap_errors:
    """wrap_errors(errors, func): a function that returns those exceptions of func rather than raise them."""

    def __init__(self, errors, func):
        functools.update_wrapper(self, func, updated=())
        self.__errors, self.__func = errors, func

    def __call__(self, *args, **kwargs):
        try:
            return self.__func(*args, **kwargs)
        except self.__errors as e:
            return e

    def __str__(self):
        return str(self.__func)

    def __repr__(self):
        return repr(self.__func)

    def __getattr__(self, name):
        return getattr(self.__func, name)


# ---- the tree --------------------------------------------------------------------------------------------------------

def _spawner(g):
    """Who spawned it, as far as that is known; else its parent."""
    ref = getattr(g, 'spawning_greenlet', None)
    found = ref() if callable(ref) else None
    found = found if found is not None else g.parent
    return _spawner(found) if getattr(found, 'greenlet_tree_is_ignored', False) else found


def _is_root(g):
    return g.parent is None or getattr(g, 'greenlet_tree_is_root', False)


class GreenletTree:
    """A greenlet and those that it has spawned: str() is a picture of them, format() one with details.

    What else is asked of it, is asked of the greenlet.  One whose attribute greenlet_tree_is_root is true begins a tree
    of its own; one whose greenlet_tree_is_ignored is true is in none.
    """
    is_current_tree = False
    DEFAULT_DETAILS = {'running_stacks': True, 'spawning_stacks': True, 'locals': True}

    def __init__(self, greenlet):
        self.greenlet = greenlet
        self.child_trees = []

    def add_child(self, tree):
        """One that this has spawned."""
        if tree is not self:
            self.child_trees.append(tree)

    @property
    def root(self):
        """Whether nothing has spawned it: it is that of an OS thread, or says so."""
        return _is_root(self.greenlet)

    def __getattr__(self, name):
        return getattr(self.greenlet, name)

    def format_lines(self, details=True):
        """The picture: a list of lines.  details may be True, False, or a dict that turns some off."""
        if not details:
            chosen = {}
        else:
            chosen = dict(self.DEFAULT_DETAILS, **(details if isinstance(details, dict) else {}))
        lines = []
        self._render(lines, chosen)
        return lines

    def format(self, details=True):
        """The same as text."""
        return '\n'.join(self.format_lines(details))

    def __str__(self):
        return self.format(False)

    def _render(self, lines, details, first='', rest=' ', depth=0, mark=' :'):
        lines.append(first + _describe(self.greenlet))
        lines += [mark.ljust(6 * depth + 6) + line for line in (self._details(details) if details else ())]
        for number, child in enumerate(self.child_trees, 1):
            last = number == len(self.child_trees)
            if not depth:
                mark = '  ' if last else ' :'
            child._render(lines, details, rest + '+--- ', rest + ('     ' if last else '|    '), depth + 1, mark)

    def _details(self, details):
        g = self.greenlet
        lines = [f"Parent: {g.parent!r}"]
        if details.get('running_stacks'):
            lines += _stack('Running:', _frame_of(g), details.get('running_stack_limit'))
        spawned_at = getattr(g, 'spawning_stack', None)
        if details.get('spawning_stacks') and spawned_at is not None:
            lines += _stack('Spawned at:', spawned_at, details.get('spawning_stack_limit'))
        locals_ = getattr(g, 'spawn_tree_locals', None)
        if details.get('locals') and locals_ and locals_ is not getattr(_spawner(g), 'spawn_tree_locals', None):
            lines += ['Spawn Tree Locals'] + pprint.pformat(locals_).splitlines()
        if details.get('locals'):
            lines += _locals_of(g)
        if details.get('contextvars'):
            lines += _context(g)
        return lines

    @classmethod
    def _forest(cls):
        trees = {}
        for obj in gc.get_objects():
            if _belongs(obj):
                _plant(cls, trees, obj)
        for g, tree in sorted(trees.values(), key=_number):
            parent = None if _is_root(g) else _spawner(g)
            if parent is not None and id(parent) in trees:
                trees[id(parent)][1].add_child(tree)
        current = getcurrent()
        roots = [tree for g, tree in trees.values() if _is_root(g) and not g.dead]
        for root in roots:
            root.is_current_tree = any(node.greenlet is current for node in root._all())
        return roots, [root for root in roots if root.is_current_tree]

    def _all(self):
        """Itself and whatever grows from it."""
        pending, seen = [self], []
        while pending:
            tree = pending.pop()
            seen.append(tree)
            pending += tree.child_trees
        return seen

    @classmethod
    def forest(cls):
        """The trees of all OS threads."""
        return cls._forest()[0]

    @classmethod
    def current_tree(cls):
        """That of the calling OS thread."""
        return cls._forest()[1][0]


def _belongs(obj):
    try:
        return isinstance(obj, greenlet) and not getattr(obj, 'greenlet_tree_is_ignored', False)
    except ReferenceError:  # a proxy of what is gone
        return False


def _number(pair):
    return getattr(pair[0], 'minimal_ident', -1)


def _plant(cls, trees, g):
    """It, and those it comes from, even if they have ended."""
    while g is not None and id(g) not in trees:
        trees[id(g)] = g, cls(g)
        g = _spawner(g)


def _describe(g):
    if g:
        return repr(g)
    if not (g.dead and hasattr(g, 'value')):
        return f"{g!r}; not running"
    end = f"exception {g.exception!r}" if g.exception is not None else f"value {g.value!r:.30}"
    return f"{g!r}; finished with {end}"


def _frame_of(g):
    return sys._getframe(1) if g is getcurrent() else getattr(g, 'gr_frame', None)


def _locals_of(g):
    found = [(kind, ident, values) for (kind, ident), values in _core.all_local_dicts_for_greenlet(g) if values]
    lines = ['Greenlet Locals:'] if found else []
    for kind, ident, values in found:
        lines.append(f"  Local {kind} at {ident:#x}")
        lines += ['    ' + line for line in pprint.pformat(values).splitlines()]
    return lines


def _context(g):
    try:
        context = getattr(g, 'gr_context', None)
    except ValueError:  # it runs, in another OS thread
        context = None
    return ['Context'] + [f"{var.name}={value!r}" for var, value in context.items()] if context is not None else []


def _stack(title, frame, limit=None):
    if frame is None:
        return [f"{title} not running"] if title.startswith('Running') else []
    try:
        text = ''.join(traceback.format_stack(frame, limit))
    except Exception as e:  # frames of other threads change meanwhile
        text = repr(e)
    return [title] + text.rstrip().splitlines()


# ---- everything ------------------------------------------------------------------------------------------------------

def format_run_info(thread_stacks=True, greenlet_stacks=True, limit=None, current_thread_ident=None):
    """The stacks of all OS threads and of all greenlets, and where they were spawned: a list of lines."""
    lines = []
    _format_threads(lines, thread_stacks, limit, current_thread_ident)
    _format_greenlets(lines, greenlet_stacks, limit)
    return lines


def _format_threads(lines, stacks, limit, current):
    import _thread
    current = current or _thread.get_ident()
    names = {t.ident: t.name for t in threading.enumerate()}
    lines += [_STARS, '* Threads', _STARS]
    for number, (ident, frame) in enumerate(sys._current_frames().items()):
        if number:
            lines.append(_STARS)
        mark = ' (CURRENT)' if ident == current else ''
        lines.append(f"Thread 0x{ident:x} ({names.get(ident)}){mark}\n")
        lines.append(''.join(traceback.format_stack(frame, limit)) if stacks else '\t...stack elided...')


def _format_greenlets(lines, stacks, limit):
    lines += [_STARS, '* Greenlets', _STARS]
    for tree in sorted(GreenletTree.forest(), key=lambda tree: not tree.is_current_tree):
        lines.append('---- Thread boundary')
        lines += tree.format_lines({'running_stacks': stacks, 'running_stack_limit': limit})


def print_run_info(thread_stacks=True, greenlet_stacks=True, limit=None, file=None):
    """Print format_run_info() to file, by default stderr."""
    lines = format_run_info(thread_stacks, greenlet_stacks, limit)
    print('\n'.join(lines), file=sys.stderr if file is None else file)


# ---- assert_switches -------------------------------------------------------------------------------------------------

class _FailedToSwitch(AssertionError):
    """The body of assert_switches did not switch, or not soon enough."""


class assert_switches:
    """assert_switches(max_blocking_time=None, hub_only=False): a context manager whose body must switch greenlets.

    With max_blocking_time it need not, but must not run for longer than so many seconds without; with hub_only only
    switches to the hub count, and there must be one.  What the body raises is not replaced.
    """

    def __init__(self, max_blocking_time=None, hub_only=False):
        self.max_blocking_time, self.hub_only = max_blocking_time, hub_only
        self.hub = self.tracer = None
        self._last = self._longest = self._count = self._entered = 0

    def __enter__(self):
        self.hub = get_hub()
        self._longest = self._count = 0
        self._entered = self._last = time.perf_counter()
        # To wait while nobody else can run is no switch here: so the hub is given something to do.
        period = max((self.max_blocking_time or 0) / 20, 0.001)
        self._turns = self.hub.loop.timer(period, period, ref=False)
        self._turns.start(self._mark)
        self._turn = self.hub.loop.run_callback(self._mark)
        self.tracer = self._trace
        self._before = _core.settrace(self._trace)
        return self

    def _trace(self, event, args):
        if self._before is not None:
            self._before(event, args)
        # Greenlets follow each other without the hub between them, as long as they are its own.
        if not self.hub_only or self.hub in args or isinstance(args[1], Greenlet):
            self._mark()

    def _mark(self):
        """It may have blocked until now."""
        self._count += 1
        now = time.perf_counter()
        self._longest = max(self._longest, now - self._last)
        self._last = now

    def __exit__(self, t, v, tb):
        _core.settrace(self._before)
        self.tracer = None
        self._turns.close()
        self._turn.stop()
        if t is not None:
            return
        self._mark()
        if self._count == 1 and (self.max_blocking_time is None or self.hub_only):
            self._fail()
        if self.max_blocking_time is not None and self._longest > self.max_blocking_time:
            self._fail()

    def _fail(self):
        limit = self.max_blocking_time
        allowed = f" (max allowed {limit:.4f} seconds)" if limit is not None else ''
        where = 'the hub' if self.hub_only else 'any greenlet'
        raise _FailedToSwitch('\n'.join([f"To {where} in {self._longest:.4f} seconds{allowed}", '=' * 80,
                                         f"Greenlet {getcurrent()!r} appears to be blocked", *format_run_info()]))


def clear_stack_frames(frame):
    """Drop the locals of a frame and of those that called it, unless they still run."""
    while frame is not None:
        try:
            frame.clear()
        except RuntimeError:
            pass
        frame = frame.f_back
