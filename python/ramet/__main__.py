"""python -m ramet [OPTIONS] SCRIPT [ARGUMENTS]: run a program with ramet in gevent's place."""
import argparse
import os
import runpy
import sys

from ramet import dropin

__all__ = ['main', 'run']

EPILOG = """\
With --patch what blocks in the interpreter and in C libraries lets other greenlets run, as after
gevent.monkey.patch_all(); GROUPS is a list such as socket,dns,time,select, or all.  --shim prints a folder:
on PYTHONPATH it makes `import gevent` mean ramet in programs that are started by others.
"""


def split(argv):
    """The options of ours, and the program with its arguments."""
    for i, arg in enumerate(argv):
        if arg == "-m":
            return argv[:i + 2], argv[i + 2:]
        if not arg.startswith("-"):
            return argv[:i], argv[i:]
    return argv, []


def options():
    parser = argparse.ArgumentParser(prog="python -m ramet", usage="%(prog)s [--patch[=GROUPS]] [-m MODULE | SCRIPT] "
                                     "[ARGUMENTS ...]", description=__doc__.partition(": ")[2], epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patch", nargs="?", const="all", metavar="GROUPS",
                        help="patch before it starts; --patch=GROUPS for some groups only")
    parser.add_argument("--shim", action="store_true", help="print the folder for PYTHONPATH and end")
    parser.add_argument("--version", action="store_true", help="print the version and end")
    parser.add_argument("-m", dest="module", metavar="MODULE", help="run a module instead of a script")
    return parser


def patch(groups):
    from ramet import monkey  # only those who patch pay for it

    if groups == "all":
        monkey.patch_all()
        return
    for name in groups.split(","):
        function = getattr(monkey, f"patch_{name}", None)
        if function is None:
            sys.exit(f"ramet: there is no group '{name}' to patch; those of gevent.monkey are meant: socket, dns, ...")
        function()


def run(module, rest):
    if module:
        sys.argv = [module] + rest
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return
    script = rest[0]
    if not os.path.exists(script):
        sys.exit(f"ramet: cannot read {script}: there is no such file")
    sys.argv = rest
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    runpy.run_path(script, run_name="__main__")


def main():
    parser = options()
    ours, rest = split(sys.argv[1:])
    args = parser.parse_args(ours)
    if args.shim:
        print(os.path.join(os.path.dirname(os.path.abspath(__file__)), "shim"))
    elif args.version:
        from ramet import __version__
        from ramet._core import version

        print(f"ramet {version}, with the interface of gevent {__version__}")
    elif not args.module and not rest:
        parser.error("a script is missing")
    else:
        dropin.install_as_gevent()
        if args.patch:
            patch(args.patch)
        run(args.module, rest)


if __name__ == "__main__":
    main()
