import { vectors, type TokenVector, type VectorKit } from './token-vector.js';

/** JV-6: issuers and audiences that are nearly right. */
export function issuerVectors(kit: VectorKit): TokenVector[] {
  const { issuer } = kit.source;
  const { host, hostname, protocol } = new URL(issuer);
  const iss = (value: unknown): string => kit.token({ iss: value });

  return vectors('JV-6', 'refuse', {
    'no iss': iss(undefined),
    'iss empty': iss(''),
    'iss null': iss(null),
    'iss a number': iss(1),
    'iss a list with the issuer': iss([issuer]),
    'iss a list with another and the issuer': iss([`${issuer}.example`, issuer]),
    'iss an object': iss({ 0: issuer, length: 1 }),
    'iss a prefix': iss(issuer.slice(0, -1)),
    'iss with more behind': iss(`${issuer}.evil.example`),
    'iss with a trailing slash more or less': iss(
      issuer.endsWith('/') ? issuer.slice(0, -1) : `${issuer}/`,
    ),
    'iss with two trailing slashes': iss(`${issuer}//`),
    'iss in upper case': iss(issuer.toUpperCase()),
    'iss with an upper-case scheme': iss(issuer.replace(protocol, protocol.toUpperCase())),
    'iss with another scheme': iss(
      issuer.replace(protocol, protocol === 'https:' ? 'http:' : 'https:'),
    ),
    'iss with userinfo': iss(issuer.replace(host, `user@${host}`)),
    'iss with the issuer as userinfo': iss(issuer.replace(host, `${hostname}@evil.example`)),
    'iss with a query': iss(`${issuer}?a=b`),
    'iss with a fragment': iss(`${issuer}#a`),
    'iss with a space in front': iss(` ${issuer}`),
    'iss with a line break': iss(`${issuer}\n`),
    'iss with a null byte': iss(`${issuer}\0`),
    'iss with a path upwards': iss(`${issuer}/x/..`),
    'iss of somebody else': iss('https://evil.example'),
    'iss __proto__': iss('__proto__'),
  });
}

/** JV-6: audiences, where one is demanded. */
export function audienceVectors(kit: VectorKit): TokenVector[] {
  const { audience, clientId } = kit.source;
  const aud = (value: unknown): string => kit.token({ aud: value });

  return [
    ...vectors('JV-6', 'refuse', {
      'no aud': aud(undefined),
      'aud empty': aud(''),
      'aud null': aud(null),
      'aud a number': aud(1),
      'aud an empty list': aud([]),
      'aud an object': aud({ 0: audience, length: 1 }),
      'aud a prefix': aud(audience.slice(0, -1)),
      'aud with more behind': aud(`${audience}-2`),
      'aud with more in front': aud(`x-${audience}`),
      'aud in upper case': aud(audience.toUpperCase()),
      'aud among words': aud(`other ${audience}`),
      'aud with a comma': aud(`${audience},other`),
      'aud of somebody else': aud('other-audience'),
      'aud list of others': aud(['other-audience', `${audience}/`]),
      'aud list in a list': aud([[audience]]),
      'aud the client id, as in an ID token': aud(clientId),
    }),
    ...vectors('JV-6', 'accept', {
      'aud a list of one': aud([audience]),
      'aud among others': aud(['other-audience', audience]),
    }),
  ];
}

/** JV-6 with `audience: false`: the party that the token was issued to decides, in a fixed order. */
export function partyVectors(kit: VectorKit): TokenVector[] {
  const { clientId } = kit.source;
  const none = {
    aud: undefined,
    azp: undefined,
    client_id: undefined,
    appid: undefined,
    cid: undefined,
  };
  const party = (claims: Record<string, unknown>): string => kit.token({ ...none, ...claims });

  return [
    ...vectors('JV-6', 'refuse', {
      'no party': party({}),
      'azp another client': party({ azp: 'other-client' }),
      'azp another client, client_id ours': party({ azp: 'other-client', client_id: clientId }),
      'client_id another client': party({ client_id: 'other-client' }),
      'client_id another client, appid ours': party({ client_id: 'other-client', appid: clientId }),
      'appid another client': party({ appid: 'other-client' }),
      'cid another client': party({ cid: 'other-client' }),
      'azp a list': party({ azp: [clientId] }),
      'azp in upper case': party({ azp: clientId.toUpperCase() }),
      'azp with more behind': party({ azp: `${clientId}-2` }),
      'only aud ours': party({ aud: clientId }),
    }),
    ...vectors('JV-6', 'accept', {
      'azp ours': party({ azp: clientId }),
      'client_id ours': party({ client_id: clientId }),
      'appid ours': party({ appid: clientId }),
      'cid ours': party({ cid: clientId }),
      'azp ours, client_id another client': party({ azp: clientId, client_id: 'other-client' }),
    }),
  ];
}

/** JV-7: times. The accepted ones are a second inside the tolerance, so the verifier's clock should stand. */
export function timeVectors(kit: VectorKit): TokenVector[] {
  const { nowSec: now, toleranceSec: tolerance, maxTokenAgeSec } = kit;
  const times = (claims: Record<string, unknown>): string => kit.token(claims);

  const refused: Record<string, string> = {
    'no exp': times({ exp: undefined }),
    'exp past the tolerance': times({ exp: now - tolerance - 1 }),
    'exp long ago': times({ exp: 1 }),
    'exp zero': times({ exp: 0 }),
    'exp negative': times({ exp: -1 }),
    'exp too far ahead': times({ exp: now + maxTokenAgeSec + tolerance + 60 }),
    'exp in milliseconds': times({ exp: (now + 300) * 1000 }),
    'exp 1e400': kit.tokenWithRaw('exp', '1e400'),
    'exp 1e308': kit.tokenWithRaw('exp', '1e308'),
    'iat past the tolerance': times({ iat: now + tolerance + 1 }),
    'iat 1e400': kit.tokenWithRaw('iat', '1e400'),
    'nbf past the tolerance': times({ nbf: now + tolerance + 1 }),
    'nbf 1e400': kit.tokenWithRaw('nbf', '1e400'),
  };
  for (const claim of ['exp', 'iat', 'nbf']) {
    const good = claim === 'exp' ? now + 300 : now; // right, but for its type
    refused[`${claim} a string`] = times({ [claim]: String(good) });
    refused[`${claim} a date`] = times({ [claim]: new Date(good * 1000).toISOString() });
    refused[`${claim} null`] = times({ [claim]: null });
    refused[`${claim} true`] = times({ [claim]: true });
    refused[`${claim} a list`] = times({ [claim]: [good] });
    refused[`${claim} an object`] = times({ [claim]: { good } });
  }
  return [
    ...vectors('JV-7', 'refuse', refused),
    ...vectors('JV-7', 'accept', {
      'exp inside the tolerance': times({ exp: now - tolerance + 1 }),
      'iat inside the tolerance': times({ iat: now + tolerance - 1 }),
      'nbf inside the tolerance': times({ nbf: now + tolerance - 1 }),
      'exp with a fraction': times({ exp: now + 300.5 }),
    }),
    ...vectors('JV-7', 'either', {
      'no iat': times({ iat: undefined }),
      'iat negative': times({ iat: -1 }),
      'nbf negative': times({ nbf: -1 }),
      'exp at the end of the tolerance': times({ exp: now - tolerance }),
    }),
  ];
}
