// node.js - the HTTP server of node.
"use strict";
const hello = Buffer.from("Hello, world\n");
const server = require("http").createServer((request, response) => {
  response.writeHead(200, {"Content-Type": "text/plain", "Content-Length": hello.length});
  response.end(hello);
});
server.keepAliveTimeout = 60000;
server.listen(0, "127.0.0.1", 4096, () => console.log(server.address().port));
