"""A client of the Debug Adapter Protocol: just what a test asks a debugger."""
import json

LIMIT = 30  # seconds without an answer


class Client:
    """Talks to an adapter by two binary files."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.number = 0
        self.events = []  # that nobody has waited for yet
        self.output = ""  # what the program has printed, where the adapter tells

    def send(self, command, **arguments):
        """The number of the request."""
        self.number += 1
        body = json.dumps({"seq": self.number, "type": "request", "command": command, "arguments": arguments}).encode()
        self.writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.writer.flush()
        return self.number

    def read(self):
        size = 0
        while True:
            line = self.reader.readline()
            if not line:
                raise EOFError("the adapter has hung up")
            if not line.strip():
                break
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                size = int(value)
        message = json.loads(self.reader.read(size))
        assert message.get("success", True), message
        if message["type"] == "event":
            self.events.append(message)
            if message["event"] == "output":
                self.output += message["body"].get("output", "")
        return message

    def answer(self, number):
        """What was answered to that request."""
        while True:
            message = self.read()
            if message["type"] == "response" and message["request_seq"] == number:
                return message.get("body") or {}

    def ask(self, command, **arguments):
        return self.answer(self.send(command, **arguments))

    def event(self, *names):
        """The body of the next event of that name."""
        while True:
            for i, e in enumerate(self.events):
                if e["event"] in names:
                    return self.events.pop(i).get("body") or {}
            self.read()

    # ---- what a debugger's user does -------------------------------------------------

    def begin(self, how, path, lines, **arguments):
        """how: attach or launch; stop at those lines of the file."""
        self.ask("initialize", clientID="test", adapterID="debugpy", pathFormat="path", linesStartAt1=True)
        number = self.send(how, **arguments)
        self.event("initialized")
        set_ = self.ask("setBreakpoints", source={"path": path}, breakpoints=[{"line": n} for n in lines])
        assert all(b["verified"] for b in set_["breakpoints"]), set_
        self.ask("configurationDone")
        self.answer(number)

    def stop(self):
        """It has stopped: (the thread, its stack as (function, line), what is local to the innermost function)."""
        thread = self.event("stopped")["threadId"]
        frames = self.ask("stackTrace", threadId=thread)["stackFrames"]
        scopes = self.ask("scopes", frameId=frames[0]["id"])["scopes"]
        local = next(s for s in scopes if s["name"] == "Locals")
        found = self.ask("variables", variablesReference=local["variablesReference"])["variables"]
        return thread, [(f["name"], f["line"]) for f in frames], {v["name"]: v["value"] for v in found}

    def go(self, command, thread):
        """continue, next, stepIn, stepOut"""
        self.ask(command, threadId=thread)
