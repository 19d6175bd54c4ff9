// The schemes as the official packages read and write them.
//
// A peer has
//   tag(body, id, at, secret)    one tag, as the header holds it
//   join(tags)                   the tags of several keys, where the header takes them
//   headers(tag, id, at)         all headers of a message
//   header                       the name of the header that holds the tag
//   verify(headers, body, secret)
//
// A body is a Buffer, a time is in seconds, and the names of headers given to
// verify are in lower case. Verify is to be called through refusal.

import { createHmac, createPrivateKey, createPublicKey, sign, verify, webcrypto } from 'node:crypto';
import * as octokit from '@octokit/webhooks-methods';
import { LogLevel, Paddle } from '@paddle/paddle-node-sdk';
import '@shopify/shopify-api/adapters/node';
import { shopifyApi } from '@shopify/shopify-api';
import slack from '@slack/bolt/dist/receivers/verify-request.js'; // bolt as a whole needs Node 20
import * as standard from 'standardwebhooks';
import Stripe from 'stripe';
import * as svix from 'svix';

globalThis.crypto ??= webcrypto; // Shopify's package expects it there, and Node 18 has it elsewhere

// refusal runs f, which verifies, and returns whether the message is accepted. A
// package refuses with false or with an error of its own; any other error is a
// mistake, and is thrown.
export async function refusal(f) {
  try {
    return (await f()) === true;
  } catch (err) {
    const refused =
      err instanceof standard.WebhookVerificationError ||
      err instanceof svix.WebhookVerificationError ||
      err instanceof Stripe.errors.StripeSignatureVerificationError ||
      err.message === '[Paddle] Invalid webhook signature';
    if (!refused) throw err;
    return false;
  }
}

// For the providers whose package only verifies.
const hmac = (secret, encoding, ...parts) => {
  const mac = createHmac('sha256', secret);
  for (const part of parts) mac.update(part);
  return mac.digest(encoding);
};

// Both write the same three headers, under different names.
const standardLike = (prefix, tag, verify) => ({
  header: `${prefix}-signature`,
  tag,
  join: (tags) => tags.join(' '),
  headers: (tag, id, at) => ({
    [`${prefix}-id`]: id,
    [`${prefix}-timestamp`]: String(at),
    [`${prefix}-signature`]: tag,
  }),
  verify,
});

// An Ed25519 key as the specification writes it, for node:crypto.
function pair(secret) {
  const key = Buffer.from(secret.slice('whsk_'.length), 'base64');
  const x = key.subarray(-32).toString('base64url');
  if (secret.startsWith('whpk_')) {
    return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
  }
  const d = key.subarray(0, 32).toString('base64url');
  return createPrivateKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', d, x } });
}

const covered = (id, at, body) => Buffer.concat([Buffer.from(`${id}.${at}.`), body]);

const paddle = new Paddle('unused', { logLevel: LogLevel.none });

export const peers = {
  'standard-webhooks': standardLike(
    'webhook',
    (body, id, at, secret) => new standard.Webhook(secret).sign(id, new Date(at * 1000), body),
    (headers, body, secret) => {
      new standard.Webhook(secret).verify(body, headers);
      return true;
    },
  ),

  // The package has no v1a; the arithmetic here is Node's own.
  'standard-webhooks-v1a': standardLike(
    'webhook',
    (body, id, at, secret) =>
      `v1a,${sign(null, covered(id, at, body), pair(secret)).toString('base64')}`,
    (headers, body, secret) => {
      const text = covered(headers['webhook-id'], headers['webhook-timestamp'], body);
      return (headers['webhook-signature'] ?? '').split(' ').some((value) => {
        const [version, tag] = value.split(',');
        return version === 'v1a' && verify(null, text, pair(secret), Buffer.from(tag, 'base64'));
      });
    },
  ),

  svix: standardLike(
    'svix',
    (body, id, at, secret) => new svix.Webhook(secret).sign(id, new Date(at * 1000), body),
    (headers, body, secret) => {
      new svix.Webhook(secret).verify(body, headers);
      return true;
    },
  ),

  stripe: {
    header: 'Stripe-Signature',
    tag: (body, id, at, secret) =>
      Stripe.webhooks.generateTestHeaderString({ payload: body.toString(), secret, timestamp: at }),
    join: ([first, ...rest]) =>
      [first, ...rest.map((tag) => tag.slice(tag.indexOf('v1=')))].join(','),
    headers: (tag) => ({ 'Stripe-Signature': tag }),
    verify: (headers, body, secret) => {
      Stripe.webhooks.constructEvent(body, headers['stripe-signature'], secret);
      return true;
    },
  },

  github: {
    header: 'X-Hub-Signature-256',
    tag: (body, id, at, secret) => octokit.sign(secret, body.toString()),
    headers: (tag) => ({ 'X-Hub-Signature-256': tag }),
    verify: (headers, body, secret) => {
      const tag = headers['x-hub-signature-256'];
      return tag !== undefined && octokit.verify(secret, body.toString(), tag);
    },
  },

  slack: {
    header: 'X-Slack-Signature',
    tag: (body, id, at, secret) => `v0=${hmac(secret, 'hex', `v0:${at}:`, body)}`,
    headers: (tag, id, at) => ({
      'X-Slack-Request-Timestamp': String(at),
      'X-Slack-Signature': tag,
    }),
    verify: (headers, body, secret) =>
      slack.isValidSlackRequest({ signingSecret: secret, body: body.toString(), headers }),
  },

  shopify: {
    header: 'X-Shopify-Hmac-Sha256',
    tag: (body, id, at, secret) => hmac(secret, 'base64', body),
    headers: (tag) => ({
      'X-Shopify-Hmac-Sha256': tag,
      'X-Shopify-Topic': 'orders/create',
      'X-Shopify-Shop-Domain': 'news.myshopify.com',
      'X-Shopify-Api-Version': '2026-01',
      'X-Shopify-Webhook-Id': 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
    }),
    verify: async (headers, body, secret) => {
      const shopify = shopifyApi({
        apiKey: 'unused',
        apiSecretKey: secret,
        apiVersion: '2026-01',
        hostName: 'localhost',
        isEmbeddedApp: false,
        logger: { log: async () => {} }, // standard output is taken
      });
      const rawRequest = { method: 'POST', url: '/', headers };
      const result = await shopify.webhooks.validate({ rawBody: body.toString(), rawRequest });
      if (!result.valid && result.reason !== 'invalid_hmac' && result.reason !== 'missing_hmac') {
        throw new Error(`shopify: ${result.reason}`);
      }
      return result.valid;
    },
  },

  paddle: {
    header: 'Paddle-Signature',
    tag: (body, id, at, secret) => `ts=${at};h1=${hmac(secret, 'hex', `${at}:`, body)}`,
    join: ([first, ...rest]) =>
      [first, ...rest.map((tag) => tag.slice(tag.indexOf('h1=')))].join(';'),
    headers: (tag) => ({ 'Paddle-Signature': tag }),
    verify: (headers, body, secret) =>
      paddle.webhooks.isSignatureValid(body.toString(), secret, headers['paddle-signature'] ?? ''),
  },
};
