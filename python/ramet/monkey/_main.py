"""gevent.monkey - run a program with the standard library patched

usage: python -m gevent.monkey [OPTIONS] [--module] (script|module) [ITS OPTIONS]

Without options all is patched, as by patch_all().  --no-NAME leaves a part out; --NAME patches only the parts that are
named so.  --module: what follows names a module, not a file.  --verbose says what is patched.  The parts are:
"""
import inspect
import pprint
import runpy
import sys

__all__ = ['main']


def _parts():
    from ramet import monkey
    names = [n for n in inspect.signature(monkey.patch_all).parameters if n not in ('kwargs', 'aggressive', 'Event')]
    return [name for name in names if hasattr(monkey, f'patch_{name}')]


def _read(argv):
    """(arguments of patch_all, whether --verbose, what runs it, what is left)"""
    args, verbose, run_name = {}, False, 'run_path'
    parts = _parts()
    while argv and argv[0].startswith('--'):
        option = argv[0][2:]
        name = option[3:] if option.startswith('no-') else option
        if option == 'verbose':
            verbose = True
        elif option == 'module':
            run_name = 'run_module'
        elif name in parts:
            args[name] = option == name
        else:
            sys.exit(f"{__doc__}{', '.join(parts)}\n\nCannot patch {option!r}")
        del argv[0]
    if any(args.values()):
        for name in parts:
            args.setdefault(name, False)
    return args, verbose, run_name, argv


def _tell(args):
    print("gevent.monkey.patch_all({})".format(", ".join(f"{k}={v!r}" for k, v in args.items())))
    print(f"sys.version={sys.version.strip()}")
    for name, value in (("sys.path", sys.path), ("sys.modules", sorted(sys.modules))):
        print(f"{name}={pprint.pformat(value)}")


def main():
    """Patch, then run the program."""
    from ramet import monkey
    args, verbose, run_name, argv = _read(sys.argv[1:])
    if verbose:
        _tell(args)
    monkey.patch_all(**args)
    if not argv:
        print(f"{__doc__}{', '.join(_parts())}")
        return
    sys.argv[:] = argv
    if run_name == 'run_module':
        runpy.run_module(argv[0], run_name='__main__', alter_sys=True)
    else:
        import os
        if os.path.isfile(argv[0]):
            sys.path[0:1] = [os.path.dirname(os.path.abspath(argv[0]))]
        runpy.run_path(argv[0], run_name='__main__')
