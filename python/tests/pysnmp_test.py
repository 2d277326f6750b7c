"""pysnmp, unmodified: its blocking calls, made by many greenlets, to an agent of the test's own."""
import contextlib
import warnings

import ramet
from lib.programs import get_all, need, nothing_left, until
from lib.tap import equal, main, raises, test
from ramet import monkey, socket

NAME = (1, 3, 6, 1, 2, 1, 1, 5, 0)


class Agent:
    """Answers requests for names when so many have come, each by the number at its end."""

    def __init__(self, hold):
        self.hold = hold
        self.held = []
        self.most = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = self.socket.getsockname()

    def answer(self, data, peer):
        decoder, encoder = need("pyasn1.codec.ber.decoder"), need("pyasn1.codec.ber.encoder")
        api = need("pysnmp.proto.api").v2c
        request, _ = decoder.decode(data, asn1Spec=api.Message())
        response = api.apiMessage.getResponse(request)
        pdu = api.apiMessage.getPDU(response)
        names = [name for name, _ in api.apiPDU.getVarBinds(api.apiMessage.getPDU(request))]
        api.apiPDU.setVarBinds(pdu, [(name, api.OctetString(f"name {name[-1]}")) for name in names])
        self.socket.sendto(encoder.encode(response), peer)

    def run(self):
        while True:
            self.held.append(self.socket.recvfrom(65536))
            self.most = max(self.most, len(self.held))
            if len(self.held) >= self.hold:
                while self.held:
                    self.answer(*self.held.pop())


@contextlib.contextmanager
def agent(hold):
    warnings.simplefilter("ignore", DeprecationWarning)  # for asyncore
    need("pysnmp.hlapi")
    monkey.patch_all()
    a = Agent(hold)
    g = ramet.spawn(a.run)
    yield a
    g.kill()
    a.socket.close()


def ask(agent, engine, n, **options):
    """What the agent says to a name with n at its end, or what went wrong."""
    hlapi = need("pysnmp.hlapi")
    target = hlapi.UdpTransportTarget(agent.address, **dict({"timeout": 30, "retries": 0}, **options))
    error, status, _, values = next(hlapi.getCmd(
        engine, hlapi.CommunityData("public"), target, hlapi.ContextData(),
        hlapi.ObjectType(hlapi.ObjectIdentity(NAME + (n,))), lookupMib=False))
    equal(int(status), 0)
    return str(error or values[0][1])


def ask_alone(agent, n, **options):
    engine = need("pysnmp.hlapi").SnmpEngine()
    try:
        return ask(agent, engine, n, **options)
    finally:
        engine.transportDispatcher.closeDispatcher()


@test
def twenty_requests_are_under_way_at_once():
    with agent(20) as a:
        answers = get_all([ramet.spawn(ask_alone, a, n) for n in range(20)])
        equal((answers, a.most), ([f"name {n}" for n in range(20)], 20))


@test
def an_agent_that_says_nothing_is_an_error_after_a_while():
    with agent(1000) as a:
        equal(ask_alone(a, 1, timeout=0.2), "No SNMP response received before timeout")


@test
def a_timeout_or_a_kill_ends_a_request():
    """It makes errors of its own of whatever is raised while it waits."""
    def limited():
        with ramet.Timeout(0.5):
            ask_alone(a, 1)
    with agent(1000) as a, nothing_left():
        error = need("pysnmp.error").PySnmpError
        assert "0.5 seconds" in str(raises(error, limited))
        g = ramet.spawn(ask_alone, a, 2)
        until(lambda: len(a.held) == 2)
        g.kill(timeout=20)
        assert "GreenletExit" in str(g.exception), g.exception
        a.held.clear()
        a.hold = 1
        equal(ask_alone(a, 3), "name 3")


main()
