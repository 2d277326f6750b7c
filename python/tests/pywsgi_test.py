"""The WSGI server: what applications are given and may do, what clients may send, and what is written of it."""
import io
import logging
import pickle
import ssl as stdlib_ssl
import subprocess
import tempfile

import ramet
from lib.tap import Skip, equal, main, raises, test
from ramet import pywsgi, socket
from ramet.pywsgi import (Environ, Input, LoggingLogAdapter, SecureEnviron, WSGIHandler, WSGISecureEnviron,
                          WSGIServer)

HERE = ('127.0.0.1', 0)
GET = b'GET / HTTP/1.1\r\nHost: h\r\n\r\n'
CLOSE = b'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'
LAST = b'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'


class Long(WSGIHandler):
    """A handler whose requests all take the way through Python."""

    def read_request(self, raw_requestline):
        return super().read_request(raw_requestline)


class Serving:
    """A server of an application, with its logs as texts."""

    def __init__(self, app, handler_class=None, **kwargs):
        self.log, self.errors = io.StringIO(), io.StringIO()
        kwargs.setdefault('log', self.log)
        kwargs.setdefault('error_log', self.errors)
        ramet.get_hub().exception_stream = self.errors
        self.server = WSGIServer(HERE, app, handler_class=handler_class, **kwargs)

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *args):
        self.server.stop()

    def connect(self):
        s = socket.socket()
        s.settimeout(20)
        s.connect(self.server.address)
        return s

    def ask(self, data):
        """All that is answered until the connection ends."""
        with self.connect() as s:
            s.sendall(data)
            answer = b''
            while True:
                more = s.recv(65536)
                if not more:
                    return answer
                answer += more


def both_ways(function):
    """The test with answers from C, and with those from Python."""
    def run():
        for handler_class in (WSGIHandler, Long):
            function(lambda app, **kwargs: Serving(app, handler_class, **kwargs))
    run.__name__ = function.__name__
    return test(run)


def answering(status='200 OK', headers=(), body=(b'x',)):
    def app(environ, start_response):
        start_response(status, list(headers))
        return list(body) if isinstance(body, tuple) else body() if callable(body) else body
    return app


def split(answer):
    """(status line, headers, body) of an answer."""
    head, body = answer.split(b'\r\n\r\n', 1)
    line, *fields = head.split(b'\r\n')
    return line, dict(f.split(b': ', 1) for f in fields), body


def date_of(headers):
    return headers.pop(b'Date').endswith(b' GMT')


@both_ways
def the_environ_says_what_the_request_says(serving):
    seen = []

    def app(environ, start_response):
        seen.append(environ)
        return answering()(environ, start_response)
    with serving(app, environ={'MINE': 1}) as s:
        s.ask(b'GET /a%20b%zz;x/c?q=1%20 HTTP/1.1\r\nHost: h:1\r\nX-A: 1\r\nx-a: 2\r\nCookie: a\r\nCookie: b\r\n'
              b'X_B: 3\r\nContent-Type: t/p\r\nConnection: close\r\n\r\n')
        s.ask(b'GET http://other:9/z HTTP/1.0\r\nHost: h\r\n\r\n')
        port = str(s.server.server_port)
    e, other = seen
    want = {'CONTENT_TYPE': 't/p', 'GATEWAY_INTERFACE': 'CGI/1.1', 'HTTP_COOKIE': 'a; b', 'HTTP_HOST': 'h:1',
            'HTTP_X_A': '1,2', 'PATH_INFO': '/a b%zz;x/c', 'QUERY_STRING': 'q=1%20', 'REMOTE_ADDR': '127.0.0.1',
            'REQUEST_METHOD': 'GET', 'SCRIPT_NAME': '', 'SERVER_NAME': 'localhost', 'SERVER_PORT': port,
            'SERVER_PROTOCOL': 'HTTP/1.1', 'wsgi.input_terminated': True, 'wsgi.multiprocess': False,
            'wsgi.multithread': False, 'wsgi.run_once': False, 'wsgi.url_scheme': 'http', 'wsgi.version': (1, 0),
            'MINE': 1}
    equal({k: e[k] for k in want}, want)
    assert 'HTTP_X_B' not in e and int(e['REMOTE_PORT']) > 0 and type(e) is dict
    equal(e['wsgi.input'].read(), b'')
    equal((other['PATH_INFO'], other['HTTP_HOST'], other['SERVER_PROTOCOL']), ('/z', 'other:9', 'HTTP/1.0'))
    assert e is not other


@both_ways
def answers_have_a_length_a_date_and_what_the_connection_needs(serving):
    cases = [
        (answering(body=(b'ab', b'', b'c')), LAST, {b'Content-Length': b'3', b'Connection': b'close'}, b'abc'),
        (answering(body=()), LAST, {b'Content-Length': b'0', b'Connection': b'close'}, b''),
        (answering(headers=[('x-y', 'z')]), b'GET / HTTP/1.0\r\n\r\n',
         {b'Content-Length': b'1', b'Connection': b'close', b'x-y': b'z'}, b'x'),
        (answering(body=lambda: iter([b'x', b'', b'yz'])), LAST,
         {b'Transfer-Encoding': b'chunked', b'Connection': b'close'}, b'1\r\nx\r\n2\r\nyz\r\n0\r\n\r\n'),
        (answering(body=lambda: iter([b'x', b'yz'])), b'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
         {b'Connection': b'close'}, b'xyz'),
        (answering(headers=[('Connection', 'close')]), GET, {b'Connection': b'close', b'Content-Length': b'1'}, b'x'),
        (answering('204 None', body=()), LAST, {b'Connection': b'close'}, b''),
        (answering(body=(b'a' * 100000,)), LAST, {b'Content-Length': b'100000', b'Connection': b'close'},
         b'a' * 100000),
        (answering(), b'HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
         {b'Content-Length': b'1', b'Connection': b'close'}, b''),
        (answering(headers=[('Transfer-Encoding', 'chunked')]), LAST,
         {b'Content-Length': b'1', b'Connection': b'close'}, b'x'),
    ]
    for number, (app, request, headers, body) in enumerate(cases):
        with serving(app) as s:
            line, got, rest = split(s.ask(request))
            assert line.startswith(b'HTTP/1.1 20') and date_of(got), (number, line)
            equal((number, got, rest), (number, headers, body))


@both_ways
def a_length_that_is_not_kept_ends_the_connection_and_no_more_is_sent(serving):
    for length, body in (('2', b'x'), ('1', b'x')):
        with serving(answering(headers=[('Content-Length', length)], body=(b'x', b'yz')[:2 - (length == '2')])) as s:
            equal(split(s.ask(GET))[2], body)


@both_ways
def connections_are_kept_and_requests_may_come_all_at_once(serving):
    def app(environ, start_response):
        start_response('200 OK', [])
        return [environ['PATH_INFO'].encode(), environ['wsgi.input'].read()]
    with serving(app) as s:
        answer = s.ask(b'GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc'
                       b'GET /3 HTTP/1.1\r\nHost: h\r\n\r\nGET /4 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'
                       b'GET /5 HTTP/1.0\r\n\r\n')
        bodies = [part.split(b'\r\n\r\n')[1] for part in answer.split(b'HTTP/1.1 200 OK')[1:]]
        equal(bodies, [b'/1', b'/2abc', b'/3', b'/4', b'/5'])


@both_ways
def a_body_that_is_not_read_is_not_the_next_request(serving):
    with serving(answering()) as s:
        answer = s.ask(b'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET /'
                       b'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n' + LAST)
        equal(answer.count(b'200 OK'), 3)


def reading(how):
    def app(environ, start_response):
        start_response('200 OK', [])
        return [repr(how(environ['wsgi.input'])).encode()]
    return app


@test
def bodies_are_read_in_all_ways_in_chunks_or_not():
    plain = b'POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 7\r\n\r\na\nbc\n\nd'
    chunked = b'POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n' \
              b'2;x\r\na\n\r\n3\r\nbc\n\r\n2\r\n\nd\r\n0\r\nT: x\r\n\r\n'
    ways = [(lambda i: i.read(), b'a\nbc\n\nd'), (lambda i: [i.read(2), i.read(0), i.read(100), i.read(1)],
                                               [b'a\n', b'', b'bc\n\nd', b'']),
            (lambda i: i.readlines(), [b'a\n', b'bc\n', b'\n', b'd']), (list, [b'a\n', b'bc\n', b'\n', b'd']),
            (lambda i: [i.readline(1), i.readline(), i.readline(2), i.read(-1)], [b'a', b'\n', b'bc', b'\n\nd'])]
    for request in (plain, chunked):
        for how, want in ways:
            with Serving(reading(how)) as s:
                equal(split(s.ask(request))[2], repr(want).encode())


@test
def chunks_that_are_bad_are_refused():
    for chunks in (b'Z\r\nabc\r\n0\r\n\r\n', b'3\r\nabcX\r\n0\r\n\r\n', b'0\r\nContent-Length: 1\r\n\r\n', b'-1\r\n'):
        with Serving(reading(lambda i: i.read())) as s:
            answer = s.ask(b'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n' + chunks)
            equal(answer.split(b'\r\n')[0], b'HTTP/1.1 400 Bad Request')
            equal(answer.count(b'HTTP/1.1'), 1)


@test
def a_client_is_told_to_continue_when_the_body_is_read_and_only_then():
    request = b'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n'
    with Serving(reading(lambda i: i.read())) as s:
        with s.connect() as c:
            c.sendall(request)
            equal(c.recv(100), b'HTTP/1.1 100 Continue\r\n\r\n')
            c.sendall(b'abc')
            assert c.recv(1000).endswith(b"b'abc'")
    with Serving(answering()) as s:
        line, headers, body = split(s.ask(request))
        equal((line, headers[b'Connection'], body), (b'HTTP/1.1 200 OK', b'close', b'x'))


@test
def requests_that_are_none_are_refused():
    cases = [(b'GET /\r\n\r\n', 400), (b'X\r\n\r\n', 400), (b'GET / HTTP/1.1\r\n\r\n', 400),
             (b'GET / HTTP/1.1\r\nHost: h\r\nbad\r\n\r\n', 400), (b'GET / HTTP/2.0\r\nHost: h\r\n\r\n', 505),
             (b'GET /%s HTTP/1.1\r\nHost: h\r\n\r\n' % (b'a' * 9000), 414),
             (b'GET / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n', 400),
             (b'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400),
             (b'GET / HTTP/1.1\r\nHost: h\r\n' + b'A: b\r\n' * 200 + b'\r\n', 431)]
    for handler_class in (WSGIHandler, Long):
        with Serving(answering(), handler_class) as s:
            for request, status in cases:
                answer = s.ask(request)
                equal((request[:50], answer[:13]), (request[:50], b'HTTP/1.1 %d ' % status))
                assert b'Connection: close' in answer
            assert '"GET / HTTP/2.0" 505' in s.log.getvalue(), s.log.getvalue()


@both_ways
def what_applications_do_wrong_is_a_500_and_in_the_log(serving):
    def twice(environ, start_response):
        start_response('200 OK', [])
        start_response('200 OK', [])
    cases = [(lambda e, s: 1 / 0, 'ZeroDivisionError'), (lambda e, s: [b'x'], 'did not call start_response'),
             (answering(headers=[('X', 'a\r\nb')]), 'ValueError'), (answering(headers=[('X\n', 'a')]), 'ValueError'),
             (answering('200 OK\nX: y'), 'ValueError'), (answering(headers=[('X', 1)]), 'UnicodeError'),
             (answering(headers=[('X', '\u20ac')]), 'UnicodeError'), (answering('304 Same'), 'must have no body'),
             (twice, 'TypeError')]
    for number, (app, text) in enumerate(cases):
        with serving(app) as s:
            line, headers, body = split(s.ask(GET))
            equal((number, line, body), (number, b'HTTP/1.1 500 Internal Server Error', b'Internal Server Error'))
            equal(headers[b'Connection'], b'close')
            assert text in s.errors.getvalue(), (number, s.errors.getvalue())
            assert 'REMOTE_ADDR' in s.errors.getvalue() and 'wsgi.version' not in s.errors.getvalue()


@both_ways
def what_the_client_upgrades_has_no_end(serving):
    ends = []

    def app(environ, start_response):
        ends.append(environ['wsgi.input_terminated'])
        start_response('200 OK', [])
        return []
    with serving(app) as s:
        s.ask(CLOSE)
        s.ask(b'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: x\r\n\r\n')
    equal(ends, [True, False])


@test
def what_has_no_write_is_taken_for_a_logger():
    class Logger:
        def __init__(self):
            self.told = []

        def log(self, level, message):
            self.told.append((level, message))

    log, errors = Logger(), Logger()
    server = WSGIServer(HERE, answering(), log=log, error_log=errors)
    server.log.write('a\n')
    server.error_log.write('b\n')
    equal((log.told, errors.told), ([(20, 'a')], [(40, 'b')]))
    assert server.log.told is log.told


@test
def the_class_of_environs_can_be_changed_later():
    seen = []

    def app(environ, start_response):
        seen.append(type(environ))
        start_response('200 OK', [])
        return []
    with Serving(app) as s:
        s.ask(CLOSE)
        s.server.environ_class = SecureEnviron
        s.ask(CLOSE)
    equal(seen, [dict, SecureEnviron])


@both_ways
def write_and_exc_info_do_as_pep_3333_says(serving):
    def app(environ, start_response):
        write = start_response('200 OK', [('X', '1')])
        write(b'a')
        write(b'b')
        return [b'c']

    def replaced(environ, start_response):
        start_response('200 OK', [])
        try:
            raise ValueError
        except ValueError as e:
            start_response('503 Later', [('X', '2')], (type(e), e, e.__traceback__))
        return [b'x']
    with serving(app) as s:
        line, headers, body = split(s.ask(LAST))
        equal((headers[b'X'], body), (b'1', b'1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n'))
    with serving(replaced) as s:
        line, headers, body = split(s.ask(LAST))
        equal((line, headers[b'X'], body), (b'HTTP/1.1 503 Later', b'2', b'x'))


@test
def the_result_is_closed_and_what_it_yields_is_sent_at_once():
    class Result:
        closed = False

        def __iter__(self):
            yield b'first'
            ramet.sleep(60)

        def close(self):
            Result.closed = True
    with Serving(answering(body=Result()), spawn=2) as s:
        with s.connect() as c:
            c.sendall(GET)
            answer = c.recv(1000)
            assert b'first' in answer or b'first' in c.recv(1000)
            s.server.stop(timeout=0.01)
    assert Result.closed


@test
def another_protocol_is_spoken_after_an_upgrade():
    def app(environ, start_response):
        write = start_response('101 Switching', [('Upgrade', 'echo'), ('Connection', 'Upgrade')])
        write(b'')
        while True:
            line = environ['wsgi.input'].readline()
            if not line:
                return []
            write(line)
    with Serving(app) as s:
        with s.connect() as c:
            c.sendall(b'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly\n')
            got = b''
            while not got.endswith(b'early\n'):
                got += c.recv(1000)
            assert got.startswith(b'HTTP/1.1 101 Switching\r\nUpgrade: echo\r\nConnection: Upgrade\r\n'), got
            c.sendall(b'late\n')
            equal(c.recv(100), b'late\n')


@test
def what_comes_after_an_upgrade_is_read_as_other_bodies_are():
    def app(environ, start_response):
        write = start_response('101 Switching', [('Upgrade', 'echo'), ('Connection', 'Upgrade')])
        source = environ['wsgi.input']
        write(next(iter(source)))
        write(b'|'.join(source.readlines()))
        return list(source)
    with Serving(app) as s:
        with s.connect() as c:
            c.sendall(b'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\na\nb\nc')
            c.shutdown(socket.SHUT_WR)
            got = b''.join(iter(lambda: c.recv(1000), b''))
            equal(got.partition(b'\r\n\r\n')[2], b'a\nb\n|c')


@test
def what_a_handler_class_overrides_is_called():
    class Handler(WSGIHandler):
        def get_environ(self):
            return dict(super().get_environ(), mine=self.headers['X-A'], line=self.requestline)

        def log_request(self):
            lines.append((self.status, self.response_length, self.environ['mine']))
    lines = []

    def app(environ, start_response):
        start_response('200 OK', [])
        return [repr((environ['mine'], environ['line'])).encode()]
    with Serving(app, Handler) as s:
        body = split(s.ask(b'GET / HTTP/1.0\r\nX-A: b\r\n\r\n'))[2]
        equal(body, b"('b', 'GET / HTTP/1.0')")
    equal((len(lines), lines[0][0], lines[0][2]), (1, b'200 OK', 'b'))


@both_ways
def a_line_is_logged_for_each_request(serving):
    with serving(answering()) as s:
        answer = s.ask(LAST)
        ramet.sleep(0.01)
        words = s.log.getvalue().split()
        equal(words[:3] + words[5:10], ['127.0.0.1', '-', '-', '"GET', '/', 'HTTP/1.1"', '200', str(len(answer))])


@test
def logs_are_none_or_loggers_or_have_write():
    records = []

    class Handler(logging.Handler):
        def emit(self, record):
            records.append((record.levelno, record.getMessage()))
    logger = logging.Logger('x')
    logger.addHandler(Handler())
    with Serving(answering(), log=logger) as s:
        s.ask(LAST)
        ramet.sleep(0.01)
    equal(len(records), 1)
    assert records[0][0] == 20 and not records[0][1].endswith('\n')
    adapter = LoggingLogAdapter(logger, 10)
    adapter.writelines(['a\n', 'b'])
    equal(records[1:], [(10, 'a'), (10, 'b')])
    equal(adapter.name, 'x')
    server = WSGIServer(HERE, answering(), log=None, error_log=None)
    server.log.write('nothing')


@test
def environs_hide_their_values():
    e = WSGISecureEnviron(REMOTE_ADDR=1, PASSWORD='secret')
    equal(str(e), "{'REMOTE_ADDR': 1, (hidden keys: 1)}")
    equal(type(e.copy()), WSGISecureEnviron)
    e = SecureEnviron(A=1, B=2)
    assert 'keys: 2' in repr(e) and '1' not in repr(e).split('at')[0]
    e.whitelist_keys = ('A',)
    equal(repr(e), "{'A': 1, 'B': '<MASKED>'}")
    e.secure_repr = False
    equal(repr(e), "{'A': 1, 'B': 2}")
    equal(pickle.loads(pickle.dumps(Environ(a=1))), {'a': 1})


@test
def input_reads_files_too():
    equal(Input(io.BytesIO(b'abcdef'), 3).read(), b'abc')
    equal(list(Input(io.BytesIO(b'4\r\na\nbc\r\n0\r\n\r\n'), None, chunked_input=True)), [b'a\n', b'bc'])
    raises(IOError, Input(io.BytesIO(b'ab'), 3).read)


@test
def clients_that_leave_are_no_errors():
    def app(environ, start_response):
        ramet.sleep(0.02)
        start_response('200 OK', [])
        return [b'x' * 1000000]
    with Serving(app) as s:
        for data in (b'', b'GET / HT', GET):
            for _ in range(5):
                c = s.connect()
                c.sendall(data)
                c.close()
        ramet.sleep(0.1)
        equal(s.errors.getvalue(), '')
        assert s.ask(LAST).endswith(b'x')


@test
def the_same_over_tls():
    from ramet import ssl
    with tempfile.TemporaryDirectory() as d:
        try:
            subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', d + '/k', '-out',
                            d + '/c', '-subj', '/CN=localhost', '-days', '2'], check=True, capture_output=True)
        except FileNotFoundError:
            raise Skip('no openssl')
        context = ssl.SSLContext(stdlib_ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(d + '/c', d + '/k')
    client = ssl.SSLContext(stdlib_ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, stdlib_ssl.CERT_NONE

    def app(environ, start_response):
        start_response('200 OK', [])
        return [environ['wsgi.url_scheme'].encode()]
    with Serving(app, ssl_context=context) as s:
        c = client.wrap_socket(s.connect())
        c.sendall(GET + LAST)
        answer = b''
        while answer.count(b'\r\n\r\nhttps') < 2:
            more = c.recv(1000)
            assert more, answer
            answer += more
        c.close()


@both_ways
def an_application_that_is_killed_is_answered_for(serving):
    def app(environ, start_response):
        raise ramet.GreenletExit
    with serving(app) as s:
        status, headers, _ = split(s.ask(GET + GET))
    equal((status, headers[b'Connection']), (b'HTTP/1.1 500 Internal Server Error', b'close'))
    equal(s.errors.getvalue(), '')


@both_ways
def who_says_nothing_in_time_is_left(serving):
    """By a server that gives its sockets a time limit."""
    with serving(answering()) as s:
        handle = s.server.handle
        s.server.set_handle(lambda sock, address: (sock.settimeout(0.05), handle(sock, address)))
        equal(s.ask(GET).count(b'HTTP/1.1 200'), 1)
        equal(s.ask(b''), b'')
    equal(s.errors.getvalue(), '')


@both_ways
def a_request_that_is_refused_is_in_the_error_log(serving):
    with serving(answering()) as s:
        assert s.ask(b'GET / HTTP/1.1\r\nHost : h\r\n\r\n').startswith(b'HTTP/1.1 400')
    assert s.errors.getvalue().endswith(": Invalid request: Bad Request: 'GET / HTTP/1.1'\n"), s.errors.getvalue()


class Refusing(WSGIHandler):
    def read_request(self, raw_requestline):
        super().read_request(raw_requestline)
        if self.path == '/false':
            return False
        raise {'/value': ValueError, '/other': KeyError}[self.path]('why')


@test
def what_read_request_refuses_is_logged_by_its_line():
    for path, errors in ('/false', ''), ('/value', 'Invalid request: why'), ('/other', "Invalid request: 'why'"):
        with Serving(answering(), Refusing) as s:
            answer = s.ask(b'POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody' % path.encode())
        assert answer.startswith(b'HTTP/1.1 400 Bad Request\r\n'), answer
        assert f'"POST {path} HTTP/1.1" 400 ' in s.log.getvalue(), s.log.getvalue()
        assert errors in s.errors.getvalue(), s.errors.getvalue()


@test
def a_line_that_is_too_long_is_refused_before_its_end():
    with Serving(answering()) as s:
        assert s.ask(b'GET /' + b'a' * pywsgi.MAX_REQUEST_LINE).startswith(b'HTTP/1.1 414')


@test
def a_line_may_be_as_long_as_is_said():
    pywsgi.MAX_REQUEST_LINE = 30
    with Serving(answering()) as s:
        assert s.ask(b'GET /%s HTTP/1.0\r\n\r\n' % (b'a' * 16)).startswith(b'HTTP/1.1 200')
        assert s.ask(b'GET /%s HTTP/1.0\r\n\r\n' % (b'a' * 17)).startswith(b'HTTP/1.1 414')


@test
def a_handler_may_read_the_first_line_by_itself():
    class Handler(WSGIHandler):
        def read_requestline(self):
            begin = self.rfile.read(4)
            if begin == b'<who':
                self.socket.sendall(b'me')
                return None
            line = begin + self.rfile.readline()
            return line.decode('latin-1') if b'text' in line else line

    def application(environ, start_response):
        start_response('200 OK', [])
        return [environ['PATH_INFO'].encode(), environ['wsgi.input'].read()]

    post = b'POST /%s HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc'
    with Serving(application, handler_class=Handler) as s:
        equal(s.ask(b'<whoareyou>'), b'me')
        answer = s.ask(post % b'one' + post % b'text' + LAST)
        equal(answer.count(b'HTTP/1.1 200 OK'), 3)
        assert b'/oneabc' in answer and b'/textabc' in answer, answer
        assert s.ask(b'nothing\r\n\r\n').startswith(b'HTTP/1.1 400')


main()
