"""What the loops do, for Prometheus: greenlets by state, switches, how long the loop was kept from turning, ...

    from ramet import metrics, pywsgi
    pywsgi.WSGIServer(('127.0.0.1', 9100), metrics.app, log=None).start()

Figures of the program's own are the package prometheus_client's business: its generate_latest() and text() may follow
each other in one answer.
"""
from ramet import _core

__all__ = ['CONTENT_TYPE', 'app', 'text']

CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'


def text():
    """The figures of all loops of the process, as ramet_metrics(3) names them, in Prometheus' text format."""
    return _core.metrics().decode('utf-8', 'replace')


def app(environ, start_response):
    """A WSGI application that answers with them, whatever the path."""
    if environ['REQUEST_METHOD'] not in ('GET', 'HEAD'):
        start_response('405 Method Not Allowed', [('Allow', 'GET, HEAD'), ('Content-Length', '0')])
        return [b'']
    body = _core.metrics()
    start_response('200 OK', [('Content-Type', CONTENT_TYPE), ('Content-Length', str(len(body))),
                              ('Cache-Control', 'no-store')])
    return [b'' if environ['REQUEST_METHOD'] == 'HEAD' else body]
