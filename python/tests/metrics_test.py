"""The module metrics: the page that Prometheus asks for."""
import urllib.request

from lib.tap import equal, main, test

import ramet
from ramet import metrics, pywsgi
from ramet.event import Event


def figures(text):
    """{series: value}"""
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if not line.startswith("#")}


@test
def greenlets_are_counted_by_state():
    event = Event()
    before = figures(metrics.text())
    gs = [ramet.spawn(event.wait) for _ in range(3)]
    ramet.sleep(0)
    seen = figures(metrics.text())
    waiting = 'ramet_ramets{loop="1",state="waiting"}'
    equal(seen[waiting] - before.get(waiting, 0) >= 3, True)
    equal(seen['ramet_spawned_total{loop="1"}'] - before['ramet_spawned_total{loop="1"}'] >= 3, True)
    assert seen['ramet_loop_lag_seconds_count{loop="1"}'] > 0, seen
    assert "# TYPE ramet_loop_lag_seconds histogram\n" in metrics.text()
    event.set()
    ramet.joinall(gs)


@test
def a_server_answers_with_them():
    server = pywsgi.WSGIServer(("127.0.0.1", 0), metrics.app, log=None)
    server.start()
    url = f"http://127.0.0.1:{server.server_port}/metrics"
    with ramet.get_hub().threadpool.apply(urllib.request.urlopen, (url,)) as answer:
        equal((answer.status, answer.headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        assert "ramet_stalls_total" in answer.read().decode()
    server.stop()


@test
def only_reading_is_allowed():
    seen = []

    def start(status, headers):
        seen.append((status, dict(headers)))
    equal(metrics.app({"REQUEST_METHOD": "POST"}, start), [b""])
    equal(metrics.app({"REQUEST_METHOD": "HEAD"}, start), [b""])
    equal([status for status, _ in seen], ["405 Method Not Allowed", "200 OK"])
    equal((seen[0][1]["Allow"], int(seen[1][1]["Content-Length"]) > 1000), ("GET, HEAD", True))


main()
