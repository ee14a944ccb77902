// A handler that lets jose verify a proof of possession, and the token that it is for unless that is known: less than RFC 9449 §4.3 demands, a yardstick only.
import { EmbeddedJWK, createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';

import { decorate, listen, moduleOf, settings } from './harness.js';
import { common, core } from './nest.js';

const { issuer, audience, tokens } = settings;
const keys = createRemoteJWKSet(new URL(`${issuer}/protocol/openid-connect/certs`));
const known = new Map(tokens.map((token) => [token, decodeJwt(token)]));

async function claimsOf(token) {
  return known.get(token) ?? (await jwtVerify(token, keys, { issuer, audience })).payload;
}

class Api {
  async me({ headers }) {
    const proof = { typ: 'dpop+jwt', algorithms: ['ES256'], maxTokenAge: 300 };
    await jwtVerify(headers.dpop, EmbeddedJWK, proof);
    const { sub } = await claimsOf(headers.authorization.slice('DPoP '.length));
    return { sub };
  }
}
common.Req()(Api.prototype, 'me', 0);
decorate([common.Get('me')], Api.prototype, 'me');
common.Controller()(Api);

await listen(moduleOf(common, { controllers: [Api] }), core);
