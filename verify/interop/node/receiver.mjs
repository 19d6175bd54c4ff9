// Verifies what is posted to /PEER?secret=SECRET. It writes {"port":N} when it
// listens, and ends when its standard input does.

import { createServer } from 'node:http';
import { peers, refusal } from './peers.mjs';

const server = createServer(async (request, response) => {
  try {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const url = new URL(request.url, 'http://localhost');
    const peer = peers[url.pathname.slice(1)];
    const secret = url.searchParams.get('secret');
    const accepted = await refusal(() => peer.verify(request.headers, Buffer.concat(chunks), secret));
    response.writeHead(accepted ? 200 : 401).end();
  } catch (err) {
    console.error(err);
    response.writeHead(500).end();
  }
});

server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.resume().on('end', () => {
  server.close();
  server.closeAllConnections();
});
