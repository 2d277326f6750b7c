"""The names of libev's back ends and flags, for programs that pass them: the loop is none of them."""

__all__ = ['BACKEND_SELECT', 'BACKEND_POLL', 'BACKEND_EPOLL', 'BACKEND_KQUEUE', 'BACKEND_DEVPOLL', 'BACKEND_PORT',
           'BACKEND_LINUXAIO', 'BACKEND_IOURING', 'NOINOTIFY', 'SIGNALFD', 'NOSIGMASK', 'FORKCHECK']

BACKEND_SELECT = 0x1
BACKEND_POLL = 0x2
BACKEND_EPOLL = 0x4
BACKEND_KQUEUE = 0x8
BACKEND_DEVPOLL = 0x10
BACKEND_PORT = 0x20
BACKEND_LINUXAIO = 0x40
BACKEND_IOURING = 0x80
NOINOTIFY = 0x100000
SIGNALFD = 0x200000
NOSIGMASK = 0x400000
FORKCHECK = 0x2000000

_NAMES = {'port': BACKEND_PORT, 'kqueue': BACKEND_KQUEUE, 'linux_iouring': BACKEND_IOURING,
          'linux_aio': BACKEND_LINUXAIO, 'epoll': BACKEND_EPOLL, 'poll': BACKEND_POLL, 'select': BACKEND_SELECT,
          'noenv': 0x1000000, 'forkcheck': FORKCHECK, 'noinotify': NOINOTIFY, 'signalfd': SIGNALFD,
          'nosigmask': NOSIGMASK}

#: Back ends that no Linux has.
_FOREIGN = {'port', 'kqueue'}


def flag_of(name):
    """The number of one."""
    try:
        return _NAMES[name.strip().lower()]
    except KeyError:
        known = ', '.join(sorted(_NAMES))
        raise ValueError(f"no back end or flag of libev is called {name!r}; there are: {known}") from None


def flags_to_int(flags):
    """A number, a text with commas or a list of names as a number."""
    if not flags:
        return 0
    if isinstance(flags, int):
        return flags
    total = 0
    for name in flags.split(',') if isinstance(flags, str) else flags:
        if name:
            total |= flag_of(name)
    return total


def flags_to_list(flags):
    """The names of what is set in a number; in the end what has none, as a number."""
    names = []
    for name, bit in _NAMES.items():
        if flags & bit:
            names.append(name)
            flags &= ~bit
    return names + [flags] * bool(flags)


def check_flags(flags):
    """Raise ValueError if one of them is for other systems."""
    for name in flags_to_list(flags):
        if name in _FOREIGN:
            raise ValueError(f"there is no {name} on this system")
