import { createPrivateKey, createPublicKey } from 'node:crypto';

import type { JWK } from 'jose';

import { isRecord } from '../../lib/options/value-rules.js';
import { KeyRing } from '../../lib/sealing/key-ring.js';
import type { BrokerStore } from '../../lib/contract/broker-store.js';
import type { TestApp } from './app.js';
import { BROKER_AUDIENCE } from './broker-app.js';
import { TEST_CLIENT_ID, TEST_CLIENT_SECRET } from './provider-options.js';
import type { SigningKey } from './signing-keys.js';
import type { VectorSource } from './token-vector.js';

function asJwk(text: string): JWK {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || typeof value['kty'] !== 'string') throw new Error('No JWK');
  return { ...value, kty: value['kty'] };
}

/** The private signing key of an application, as nobody but a test gets it. */
export async function ownSigningKey({ app }: TestApp, store: BrokerStore): Promise<SigningKey> {
  const [stored] = await store.listSigningKeys();
  if (stored === undefined) throw new Error('The application has no key yet');
  const sealer = app.get(KeyRing, { strict: false }).rowSealer('signing key');
  const opened = await sealer.open(stored.sealed, `signing-key/${stored.sequence}/private`);
  const jwk = asJwk(opened?.text ?? '');
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...publicPart } = jwk;
  const { kid, algorithm } = stored;
  if (algorithm !== 'RS256' && algorithm !== 'ES256' && algorithm !== 'EdDSA') {
    throw new Error(`Unexpected algorithm ${algorithm}`);
  }
  return {
    alg: algorithm,
    kid,
    privateKey: createPrivateKey({ key: jwk, format: 'jwk' }),
    publicKey: createPublicKey({ key: publicPart, format: 'jwk' }),
    publicJwk: { ...publicPart, kid, use: 'sig', alg: algorithm },
    privateJwk: { ...jwk, kid, use: 'sig', alg: algorithm },
  };
}

/** What hostile tokens in the name of this application need to be made from, really signed with its own key. */
export async function ownVectorSource(
  app: TestApp,
  { store, now }: { store: BrokerStore; now: () => Date },
): Promise<VectorSource> {
  return {
    issuer: app.url,
    audience: BROKER_AUDIENCE,
    clientId: TEST_CLIENT_ID,
    clientSecret: TEST_CLIENT_SECRET,
    keys: [await ownSigningKey(app, store)],
    kind: 'own',
    now,
  };
}
