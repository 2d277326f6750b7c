// Talk to the server as node's own client does, on kept connections.
const http = require('http');
const agent = new http.Agent({keepAlive: true, maxSockets: 4});

function ask(n) {
  const body = 'x'.repeat(n * 100);
  return new Promise((resolve, reject) => {
    const request = http.request(process.argv[2] + '/echo', {agent, method: 'POST'}, answer => {
      let got = '';
      answer.on('data', part => { got += part; });
      answer.on('end', () => got === body ? resolve() : reject(new Error(`${got.length} of ${body.length}`)));
    });
    request.on('error', reject);
    request.write(body.slice(0, n)); // in chunks
    request.end(body.slice(n));
  });
}

Promise.all(Array.from({length: 200}, (_, n) => ask(n + 1))).then(() => {
  console.log('good');
  agent.destroy();
}, error => {
  console.log(error.message);
  process.exit(1);
});
