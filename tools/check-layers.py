#!/usr/bin/python3
"""Check that includes point down, and that no call goes round the layers.

docs/layers.txt names the layers, lowest first: the folders of src/, then patch/
and tools/ (tools/ramet/).  A file may include headers of its own layer, of lower
ones, and the public ones.  Behind an empty line it says whose headers each
folder of patch/ may include besides its own; all may include patch/*.h, and
whoever wants to the functions' tables.

In src/ only src/kernel/ calls the system.  In patch/ nobody calls a function that
is replaced by its plain name: under `ramet run` that would be the replacement.
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
INCLUDE = re.compile(r'\s*#\s*include\s*"([\w.-]+)/([\w-]+)?')
ROW = re.compile(r"\b[A-Z]\(\s*(?:RAMET_\w+|X),[^,]*,\s*(?!name\b)(\w+)\s*,")
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


def blank(text):
    """Remove comments and strings, keep the line numbers."""
    return COMMENT_OR_STRING.sub(lambda m: "\n" * m[0].count("\n"), text)


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        m = INCLUDE.match(line)
        if m and m[1] != "ramet":
            yield f"{path}:{number}", m[1], m[2]


def include_errors(path, layer, ranks):
    for place, other, _ in includes(path):
        if other not in ranks:
            yield f"{place}: {other} is not in docs/layers.txt"
        elif ranks[other] > ranks[layer]:
            yield f"{place}: {layer} must not include {other}"


def folder_errors(path, allowed):
    """Of a file in patch/FOLDER/."""
    folder = path.parent.name
    if folder not in allowed:
        yield f"{path}: patch/{folder} is not in docs/layers.txt"
        return
    for place, layer, other in includes(path):
        if layer == "patch" and other in allowed and other not in allowed[folder] and path.name != "table.h":
            yield f"{place}: patch/{folder} must not include patch/{other}, says docs/layers.txt"


def stray_errors(path, stray, why):
    for number, line in enumerate(blank(path.read_text()).splitlines(), 1):
        for m in stray.finditer(line):
            yield f"{path}:{number}: {m[1]}() {why}"


def replaced_stray(root):
    """Calls of replaced functions by their plain names."""
    names = {name for table in (root / "patch").glob("*/table.h") for name in ROW.findall(table.read_text())}
    return re.compile(r"(?<![\w.])(?<!->)(" + "|".join(sorted(names)) + r")\s*\(")


def src_errors(root, ranks):
    top = list(ranks)[list(ranks).index("patch") - 1]
    for path in sorted((root / "src").glob("**/*.[chS]")):
        folder = path.relative_to(root / "src").parts[0]
        layer = top if folder == path.name else folder  # src/start.c knows all the layers
        if layer not in ranks:
            yield f"{path}: {layer} is not in docs/layers.txt"
            continue
        yield from include_errors(path, layer, ranks)
        if layer not in ("kernel", top):
            yield from stray_errors(path, STRAY, "must go through the kernel layer")


def patch_errors(root, ranks, allowed):
    stray = replaced_stray(root)
    for path in sorted((root / "patch").glob("**/*.[chS]")):
        yield from include_errors(path, "patch", ranks)
        if path.name != "table.h":
            yield from stray_errors(path, stray, "is replaced: libc's is libc.NAME, the replacement HOOK(NAME)")
        if path.parent.name != "patch":
            yield from folder_errors(path, allowed)


def errors(root):
    layers, folders = (root / "docs/layers.txt").read_text().split("\n\n")
    ranks = {name: rank for rank, name in enumerate(layers.split())}
    allowed = {}
    for line in folders.splitlines():
        folder, others = line.replace("patch/", "").split(":")
        allowed[folder] = {folder, *others.split()}
    yield from src_errors(root, ranks)
    yield from patch_errors(root, ranks, allowed)
    for path in sorted((root / "tools/ramet").glob("*.[ch]")):
        yield from include_errors(path, "tools", ranks)


def main():
    argparse.ArgumentParser(description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    found = list(errors(pathlib.Path(__file__).resolve().parent.parent))
    print("\n".join(found) if found else "includes point down, no call strays")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
