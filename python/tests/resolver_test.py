"""Names of hosts and services."""
import io
import socket as stdlib

import ramet
from lib.tap import equal, main, raises, test
from ramet import resolver, socket


def outcome(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except (OSError, TypeError, UnicodeError) as e:
        return type(e), e.args


@test
def results_are_the_standard_librarys():
    questions = [
        ("getaddrinfo", ("127.0.0.1", 80)), ("getaddrinfo", ("::1", "http")), ("getaddrinfo", (b"127.0.0.1", None)),
        ("getaddrinfo", (None, 80, socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)),
        ("getaddrinfo", ("localhost", "80", 0, socket.SOCK_STREAM)), ("getaddrinfo", ("127.0.0.1", "nosuchservice")),
        ("getaddrinfo", (None, None)), ("getaddrinfo", ("1.2.3.4", 80, socket.AF_INET6)), ("getaddrinfo", (5, 80)),
        ("getaddrinfo", ("1.2.3.4", 80.5)), ("gethostbyname", ("127.0.0.1",)), ("gethostbyname", ("localhost",)),
        ("gethostbyname", ("",)), ("gethostbyname", ("<broadcast>",)), ("gethostbyname", ("::1",)),
        ("gethostbyname_ex", ("localhost",)), ("gethostbyname_ex", ("127.0.0.1",)), ("gethostbyaddr", ("127.0.0.1",)),
        ("gethostbyaddr", ("localhost",)), ("getnameinfo", (("127.0.0.1", 80), 0)),
        ("getnameinfo", (("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)),
        ("getnameinfo", (("::1", 80, 0, 0), socket.NI_NUMERICSERV)), ("getnameinfo", (("127.0.0.1", 80, 0, 0), 0)),
        ("getnameinfo", (("localhost", 80), 0)), ("getnameinfo", ("127.0.0.1", 0)),
    ]
    for name, args in questions:
        ours, theirs = (outcome(getattr(m, name), *args) for m in (socket, stdlib))
        assert ours == theirs or (ours[0], theirs[0]) in [(TypeError, TypeError)], (name, args, ours, theirs)


@test
def kinds_are_enumerations():
    (family, kind, *_), = socket.getaddrinfo("127.0.0.1", 1, type=socket.SOCK_STREAM)
    equal((repr(family), repr(kind)), (repr(stdlib.AF_INET), repr(stdlib.SOCK_STREAM)))


@test
def names_that_are_none():
    for call in (lambda: socket.getaddrinfo("nosuch.invalid", 80), lambda: socket.gethostbyname("nosuch.invalid"),
                 lambda: socket.gethostbyname_ex("nosuch.invalid"), lambda: socket.gethostbyaddr("nosuch.invalid")):
        assert raises(socket.gaierror, call).args[0] in (socket.EAI_NONAME, socket.EAI_AGAIN)
    raises(UnicodeError, socket.getaddrinfo, "a" * 64 + "é.invalid", 80)
    raises(TypeError, socket.gethostbyname, "a\0b")
    equal(socket.getfqdn("nosuch.invalid"), "nosuch.invalid")


@test
def the_hub_has_one():
    hub = ramet.get_hub()
    assert isinstance(hub.resolver, resolver.AbstractResolver), hub.resolver

    class Mine(resolver.AbstractResolver):
        def getaddrinfo(self, *args):
            return [(2, 1, 6, "", ("192.0.2.1", args[1]))]

        def gethostbyname_ex(self, hostname, family=2):
            return hostname, [], ["192.0.2.2"]

    hub.resolver = Mine(hub)
    equal(socket.getaddrinfo("any", 7), [(stdlib.AF_INET, stdlib.SOCK_STREAM, 6, "", ("192.0.2.1", 7))])
    equal(hub.resolver.gethostbyname("any"), "192.0.2.2")
    raises(NotImplementedError, socket.gethostbyaddr, "any")


@test
def gevents_names_mean_ours():
    from ramet.resolver import ares, blocking, dnspython, thread
    for module in (ares, blocking, dnspython, thread):
        r = module.Resolver(hub=ramet.get_hub())
        equal(r.gethostbyname("127.0.0.1"), "127.0.0.1")
        equal(r.gethostbyname_ex("127.0.0.1")[2], ["127.0.0.1"])
        equal(r.getnameinfo(("127.0.0.1", 1), 3), ("127.0.0.1", "1"))
        equal(r.getaddrinfo("127.0.0.1", 1, type=1)[0][4], ("127.0.0.1", 1))
        r.close()
    for setting, module in (("thread", thread), ("ares,thread", ares), ("block", blocking), (["dnspython"], dnspython),
                            ("ramet.resolver.ares.Resolver", ares), ("gevent.resolver.ares.Resolver", ares),
                            ("nosuch.Resolver,block", blocking), (blocking.Resolver, blocking)):
        ramet.config.resolver = setting
        equal(ramet.config.resolver, module.Resolver)
    for setting in ("unknown", "nosuch.Resolver", []):
        raises(ImportError, setattr, ramet.config, "resolver", setting)


@test
def a_name_that_is_not_found_is_not_reported():
    told = io.StringIO()
    ramet.get_hub().exception_stream = told
    g = ramet.spawn(socket.gethostbyname, "no-such-name.invalid")
    g.join()
    assert isinstance(g.exception, OSError), g.exception
    equal(told.getvalue(), "")


if __name__ == "__main__":
    main()
