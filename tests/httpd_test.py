#!/usr/bin/python3
"""Use the web server of examples/httpd as its users do: by curl, and by a browser.

usage: tests/httpd_test.py FOLDER [NAME...]

FOLDER holds the examples as built; NAMEs are tests, all without.  The output is
TAP.  TEST_TIMEOUT=n gives n times the time.  TEST_PICTURES=FOLDER keeps pictures
of the page there.
"""
import base64
import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import prometheus
import tap

LIMIT = 60 * float(os.environ.get("TEST_TIMEOUT", 1))  # seconds for anything that is waited for
FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/dev/examples").resolve()
PAGES = pathlib.Path(__file__).resolve().parent.parent / "examples/httpd/www"
CHROMIUM = shutil.which("chromium")
CURL = shutil.which("curl")


def equal(got, want):
    assert got == want, f"{got!r} is not {want!r}"


def until(attempt, what):
    end = time.monotonic() + LIMIT
    while not (result := attempt()):
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)
    return result


class Server:
    """The example, on a port that the kernel chooses, or on one that it has chosen before."""

    def __init__(self, port=0):
        self.process = subprocess.Popen([FOLDER / "httpd", f"http://127.0.0.1:{port}", PAGES],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert select.select([self.process.stdout], [], [], LIMIT)[0], "httpd does not say its port"
        self.port = int(re.fullmatch(r"port (\d+)\n", self.process.stdout.readline())[1])
        self.url = f"http://127.0.0.1:{self.port}/"

    def stop(self):
        """As a service manager does it; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(LIMIT)
        finally:
            self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def server():
    s = Server()
    try:
        yield s
        equal(s.process.poll(), None)
    finally:
        s.kill()


def curl(*args):
    return subprocess.run([CURL, "--silent", "--show-error", "--max-time", str(int(LIMIT)), *args], check=True,
                          stdout=subprocess.PIPE).stdout


# ---- the browser -----------------------------------------------------------------


class Browser:
    """Chromium, spoken to by its DevTools protocol through a pair of pipes: JSON with a NUL after it."""

    def __init__(self, profile):
        command_out, command_in = os.pipe()
        answer_out, answer_in = os.pipe()
        self.answers, self.commands = answer_out, command_in
        os.set_inheritable(command_out, True)
        os.set_inheritable(answer_in, True)
        # It expects them as descriptors 3 and 4.
        script = f'exec 3<&{command_out} 4>&{answer_in} && exec "$@"'
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", script, "sh", CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions", "--disable-background-networking",
             "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False,
            start_new_session=True)
        os.close(command_out)
        os.close(answer_in)
        self.buffer = b""
        self.last = 0
        self.errors = []

    def _message(self):
        end = time.monotonic() + LIMIT
        while b"\0" not in self.buffer:
            left = end - time.monotonic()
            assert left > 0 and select.select([self.answers], [], [], left)[0], "the browser says nothing"
            more = os.read(self.answers, 1 << 20)
            assert more, "the browser has ended"
            self.buffer += more
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def _note(self, message):
        method, params = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown" \
                or method == "Log.entryAdded" and params["entry"]["level"] == "error" \
                or method == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.errors.append(json.dumps(params))

    def do(self, method, session=None, **params):
        self.last += 1
        command = {"id": self.last, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        while (message := self._message()).get("id") != self.last:
            self._note(message)
        assert "error" not in message, message
        return message["result"]

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.commands)
        os.close(self.answers)


class Page:
    def __init__(self, browser, url, width=1000, height=700):
        self.browser = browser
        target = browser.do("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page"):
            self.do(f"{domain}.enable")
        self.size(width, height)
        self.do("Page.navigate", url=url)

    def do(self, method, **params):
        return self.browser.do(method, self.session, **params)

    def size(self, width, height):
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def value(self, expression):
        result = self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def until(self, expression):
        until(lambda: self.value(expression), expression)

    def call_oneself(self, name):
        self.until('document.getElementById("name") !== null && document.readyState === "complete"')
        self.value(f'$("name").value = {json.dumps(name)}; $("name").dispatchEvent(new Event("change"))')
        self.until('$("state").textContent === "connected"')
        self.until(f'[...$("who").children].some(li => li.textContent === {json.dumps(name)})')

    def say(self, text):
        self.value(f'$("text").value = {json.dumps(text)}; $("form").requestSubmit()')

    def hear(self, name, text):
        self.until(f'[...$("said").children].some(p => p.textContent === {json.dumps(name + text)})')

    def picture(self, name, scheme):
        if folder := os.environ.get("TEST_PICTURES"):
            self.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            data = self.do("Page.captureScreenshot")["data"]
            (pathlib.Path(folder) / f"{name}_{scheme}.png").write_bytes(base64.b64decode(data))


@contextlib.contextmanager
def browser():
    with tempfile.TemporaryDirectory(prefix="ramet-httpd-", ignore_cleanup_errors=True) as profile:
        b = Browser(profile)
        try:
            yield b
        finally:
            b.close()


# ---- by curl ---------------------------------------------------------------------


@tap.test
def the_figures_are_json():
    if not CURL:
        return "there is no curl"
    with server() as s:
        first = json.loads(curl(s.url + "api/status"))
        second = json.loads(curl(s.url + "api/status"))
    equal((first["requests"], second["requests"], first["chatting"]), (1, 2, 0))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first["time"]), first
    assert second["bytes_out"] > first["bytes_out"], (first, second)
    return None


@tap.test
def prometheus_reads_the_metrics():
    if not CURL:
        return "there is no curl"
    with server() as s:
        curl(s.url + "api/status")
        found = prometheus.check(curl(s.url + "metrics").decode())
    equal(found["httpd_status_total"], [({}, 1)])
    equal(found["ramet_ramets"][2], ({"loop": "1", "state": "running"}, 1))
    return None


@tap.test
def files_come_whole_in_parts_and_compressed():
    if not CURL:
        return "there is no curl"
    page = (PAGES / "index.html").read_bytes()
    with server() as s:
        equal(curl(s.url), page)
        equal(curl("--range", "100-199", s.url), page[100:200])
        equal(curl("--range", "-50", s.url + "index.html"), page[-50:])
        equal(curl("--compressed", s.url), page)
        assert len(curl("--header", "Accept-Encoding: gzip", s.url)) < len(page) / 2
        equal(curl("--output", "/dev/null", "--write-out", "%{http_code}", s.url + "none"), b"404")
    return None


@tap.test
def sigterm_ends_it():
    s = Server()
    with urllib.request.urlopen(s.url, timeout=LIMIT) as answer:  # it serves
        equal(answer.status, 200)
    equal(s.stop(), 0)


# ---- by the browser --------------------------------------------------------------


def in_browser(test):
    def run():
        if not CHROMIUM:
            return "there is no chromium"
        with server() as s, browser() as b:
            test(s, b)
            equal(b.errors, [])
        return None
    run.__name__ = test.__name__
    return tap.test(run)


@in_browser
def what_one_page_says_another_hears(s, b):
    ada, bob = Page(b, s.url), Page(b, s.url)
    ada.call_oneself("Ada")
    bob.call_oneself("Bob")
    ada.say("Hello, Bob")
    bob.hear("Ada", "Hello, Bob")
    bob.say("gr\u00fc\u00df dich \u2603")
    for page in (ada, bob):
        page.hear("Bob", "gr\u00fc\u00df dich \u2603")
        equal(page.value('[...$("who").children].map(li => li.textContent).join()'), "Ada,Bob")
    equal(ada.value('document.querySelectorAll("#said .mine").length'), 1)
    ada.picture("wide", "light")
    ada.picture("wide", "dark")
    ada.size(360, 640)
    ada.picture("narrow", "light")
    ada.picture("narrow", "dark")


@in_browser
def who_leaves_is_no_longer_listed(s, b):
    ada, bob = Page(b, s.url), Page(b, s.url)
    ada.call_oneself("Ada")
    bob.call_oneself("Bob")
    ada.until('$("who").children.length === 2')
    bob.do("Page.navigate", url="about:blank")
    ada.until('$("who").textContent === "Ada"')


@in_browser
def what_is_said_is_text(s, b):
    ada = Page(b, s.url)
    ada.call_oneself("<b>Ada</b>")
    ada.say("<img src=x onerror=alert(1)>")
    ada.hear("<b>Ada</b>", "<img src=x onerror=alert(1)>")
    equal(ada.value('document.querySelectorAll("#said img, #said b b, #who b").length'), 0)


@in_browser
def it_fits_narrow_screens_and_has_labels(s, b):
    page = Page(b, s.url, 320, 560)
    page.call_oneself("Ada")
    page.say("w" * 300)
    page.hear("Ada", "w" * 300)
    equal(page.value("document.documentElement.scrollWidth <= innerWidth"), True)
    equal(page.value("document.documentElement.scrollHeight <= innerHeight"), True)
    equal(page.value('[...document.querySelectorAll("input")].every(i => i.labels.length === 1)'), True)
    equal(page.value('document.querySelectorAll("script[src], link[rel=stylesheet], img").length'), 0)


@tap.test
def pages_come_back_when_the_server_does():
    if not CHROMIUM:
        return "there is no chromium"
    first = Server()
    with contextlib.ExitStack() as stack:
        stack.callback(first.kill)
        b = stack.enter_context(browser())
        page = Page(b, first.url)
        page.call_oneself("Ada")
        equal(b.errors, [])
        equal(first.stop(), 0)
        page.until('$("send").disabled && $("state").textContent.startsWith("not connected")')
        second = Server(first.port)
        stack.callback(second.kill)
        page.until('$("state").textContent === "connected"')
        page.say("back again")
        page.hear("Ada", "back again")
    return None


if __name__ == "__main__":
    sys.exit(tap.run(sys.argv[2:]))
