// Signs and posts. Each line of standard input is one message:
//
//   peer, url       the scheme, and where to post
//   id, at          the message's id, and its time in seconds
//   body            what is signed, in base64
//   send            what is sent instead, in base64
//   secrets         the keys that sign
//   check           the key that the package is asked to verify with
//   fold            "lines": a header line for each key; "comma": those lines
//                   as a proxy folds them into one
//   chunked         send without Content-Length
//
// and is answered by a line with the status, and whether the package itself
// would have accepted what was sent. A line with jwt makes or reads a token.

import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import jwt from 'jsonwebtoken';
import { peers, refusal } from './peers.mjs';

const agent = new Agent({ keepAlive: true });

function post(url, headers, body, chunked) {
  return new Promise((resolve, reject) => {
    const length = chunked ? {} : { 'Content-Length': body.length };
    const out = request(
      url,
      { method: 'POST', agent, headers: { ...headers, ...length }, signal: AbortSignal.timeout(10_000) },
      (response) => response.resume().on('end', () => resolve(response.statusCode)).on('error', reject),
    );
    out.on('error', reject);
    if (chunked) out.write(body.subarray(0, body.length / 2));
    out.end(chunked ? body.subarray(body.length / 2) : body);
  });
}

async function exchange(m) {
  if (m.jwt?.value) return { token: jwt.sign(m.jwt.value, m.jwt.secret) };
  if (m.jwt) return { value: jwt.verify(m.jwt.token, m.jwt.secret, { algorithms: ['HS256'] }) };

  const peer = peers[m.peer];
  const body = Buffer.from(m.body, 'base64');
  const sent = m.send === undefined ? body : Buffer.from(m.send, 'base64');
  const tags = await Promise.all(m.secrets.map((secret) => peer.tag(body, m.id, m.at, secret)));
  let tag = tags.length === 1 ? tags[0] : peer.join(tags);
  if (m.fold === 'lines') tag = tags;
  if (m.fold === 'comma') tag = tags.join(', ');
  const headers = peer.headers(tag, m.id, m.at);

  // What a Node server makes of these headers.
  const arrived = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [value].flat().join(', ')]),
  );
  const theirs = await refusal(() => peer.verify(arrived, sent, m.check));
  return { theirs, status: await post(m.url, headers, sent, m.chunked) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await exchange(JSON.parse(line)).catch((err) => ({ error: String(err.stack) }));
  console.log(JSON.stringify(answer));
}
agent.destroy();
