#!/usr/bin/python3
"""stunnel4: a TLS server with a thread for each connection, which locks by OpenSSL's rwlocks."""
import asyncio
import pathlib
import ssl
import subprocess
import tempfile

import program
from program import Most, Program, at_once, backend, equal, free_port, http_get, needs, test

CLIENTS = 200


@test
def two_hundred_tls_clients_on_one_os_thread():
    stunnel, openssl = needs("stunnel4", "openssl")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ramet-test-") as folder:
        pem, conf = pathlib.Path(folder) / "cert.pem", pathlib.Path(folder) / "stunnel.conf"
        subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", pem, "-out",
                        pathlib.Path(folder) / "crt", "-subj", "/CN=localhost", "-days", "2"],
                       check=True, capture_output=True)
        pem.write_text(pem.read_text() + (pathlib.Path(folder) / "crt").read_text())
        context = ssl.create_default_context(cafile=pem)
        context.check_hostname = False

        async def load():
            async with backend(0.1) as target:
                conf.write_text(f"foreground = yes\npid =\nsyslog = no\ndebug = 4\n[web]\n"
                                f"accept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{target}\ncert = {pem}\n")
                with Program([stunnel, conf]) as p:
                    await asyncio.to_thread(p.serves, port)
                    async with Most(p) as most:
                        answers = await at_once(CLIENTS, lambda _: http_get(port, ssl=context))
                    equal(answers, [(200, b"x" * 1000)] * CLIENTS)
                    equal(most.threads, 1)
                    equal(await asyncio.to_thread(p.stop), 0)
                    assert p.report()["created"] >= CLIENTS
        asyncio.run(load())


program.main()
