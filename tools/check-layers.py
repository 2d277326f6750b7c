#!/usr/bin/python3
"""Check that includes in src/ point down, and that only src/kernel/ calls the system.

docs/layers.txt names the layers, lowest first.  A file may include headers of
its own layer, of lower ones, and the public ones.
"""
import argparse
import pathlib
import re
import sys

STRAYS = """
    read write readv writev pread pwrite preadv pwritev open openat close dup dup2 dup3 fcntl ioctl pipe pipe2
    socket socketpair bind listen accept accept4 connect shutdown getsockopt setsockopt getsockname getpeername
    send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg sendfile splice
    poll ppoll select pselect epoll_\\w+ io_uring_\\w+ eventfd timerfd_\\w+ signalfd
    mmap munmap mremap madvise mprotect malloc calloc realloc free posix_memalign aligned_alloc
    strdup strndup asprintf vasprintf
    clock_gettime gettimeofday time nanosleep clock_nanosleep usleep sleep
    rand random srand getrandom getentropy getpid gettid fork sigaction pthread_\\w+ syscall
"""
# A call of one of these by its plain name: not kernel_read(), nor table->read().
STRAY = re.compile(r"(?<![\w.])(?<!->)(" + "|".join(STRAYS.split()) + r")\s*\(")
INCLUDE = re.compile(r'\s*#\s*include\s*"([\w-]+)/')
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


def blank(text):
    """Remove comments and strings, keep the line numbers."""
    return COMMENT_OR_STRING.sub(lambda m: "\n" * m[0].count("\n"), text)


def include_errors(path, layer, ranks):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        m = INCLUDE.match(line)
        if not m or m[1] == "ramet":
            continue
        if m[1] not in ranks:
            yield f"{path}:{number}: {m[1]} is not in docs/layers.txt"
        elif ranks[m[1]] > ranks[layer]:
            yield f"{path}:{number}: {layer} must not include {m[1]}"


def stray_errors(path):
    for number, line in enumerate(blank(path.read_text()).splitlines(), 1):
        for m in STRAY.finditer(line):
            yield f"{path}:{number}: {m[1]}() must go through the kernel layer"


def errors(root):
    order = (root / "docs/layers.txt").read_text().split()
    ranks = {name: rank for rank, name in enumerate(order)}
    for path in sorted((root / "src").glob("*/**/*.[chS]")):
        layer = path.relative_to(root / "src").parts[0]
        if layer not in ranks:
            yield f"{path}: {layer} is not in docs/layers.txt"
            continue
        yield from include_errors(path, layer, ranks)
        if layer != "kernel":
            yield from stray_errors(path)


def main():
    argparse.ArgumentParser(description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    found = list(errors(pathlib.Path(__file__).resolve().parent.parent))
    print("\n".join(found) if found else "includes point down, no call strays")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
