import { compactJws } from './compact-jws.js';
import { vectors, type TokenVector, type VectorKit } from './token-vector.js';

/** JV-9: payloads that are no object, no UTF-8, or not what their claims should be. */
export function payloadVectors(kit: VectorKit): TokenVector[] {
  const raw = (payload: string | Buffer): string => compactJws(kit.header, payload, kit.signer);
  const text = JSON.stringify(kit.claims);
  const open = text.slice(0, -1);

  return [
    ...vectors('JV-9', 'refuse', {
      'a payload that is a list': raw(`[${text}]`),
      'a payload that is a string': raw(JSON.stringify(text)),
      'a payload that is a number': raw('1'),
      'a payload that is null': raw('null'),
      'a payload that is true': raw('true'),
      'an empty payload': raw(''),
      'an empty object': raw('{}'),
      'half a payload': raw(text.slice(0, text.length / 2)),
      'a payload with text behind': raw(`${text}x`),
      'two payloads': raw(`${text}${text}`),
      'bad UTF-8': raw(
        Buffer.concat([Buffer.from(`${open},"x":"`), Buffer.of(0xc3, 0x28), Buffer.from('"}')]),
      ),
      'UTF-16': raw(Buffer.from(text, 'utf16le')),
      'JSON with a comment': raw(`${open}/* */}`),
      NaN: kit.tokenWithRaw('exp', 'NaN'),
      'sub a number': kit.token({ sub: 1 }),
      'sub a list': kit.token({ sub: ['alice'] }),
      'sub an object': kit.token({ sub: { $ne: '' } }),
      'sub null': kit.token({ sub: null }),
      'sub true': kit.token({ sub: true }),
      ...mistypedIds(kit),
      'nested 1,200 deep': deep(kit, 1200),
      'nested 2,500 deep': kit.tokenWithRaw('deep', `${'{"a":'.repeat(1200)}1${'}'.repeat(1200)}`),
      'nested 4,200 deep': deep(kit, 4200),
      'nested deep beside much that is flat': kit.tokenWithRaw(
        'deep',
        `[[1,2],{"a":{"b":[]}},${'[0,'.repeat(1200)}1${']'.repeat(1200)}]`,
      ),
    }),
    ...vectors('JV-9', 'accept', {
      'groups a string': kit.token({ groups: 'x' }),
      'groups with numbers': kit.token({ groups: [1, null, {}] }),
      'roles an object': kit.token({ roles: { admin: true } }),
      'realm_access a string': kit.token({ realm_access: 'x' }),
      'realm_access.roles a string': kit.token({ realm_access: { roles: 'admins' } }),
      'resource_access a string in a member': kit.token({ resource_access: { a: 'x' } }),
      'resource_access null': kit.token({ resource_access: null }),
      'a __proto__ member': kit.tokenWithRaw('__proto__', '{"admin":true,"roles":["admins"]}'),
      'a constructor member': kit.tokenWithRaw('constructor', '{"prototype":{"admin":true}}'),
      'nested 1,000 deep': deep(kit, 1000),
      'text with 4,200 brackets': kit.token({ deep: '[{'.repeat(2100) }),
      'a list of 2,000 lists': kit.token({ wide: Array.from({ length: 2000 }, () => []) }),
    }),
    ...vectors('JV-9', 'either', {
      'no sub': kit.token({ sub: undefined }),
      'sub empty': kit.token({ sub: '' }),
      'sub of 5 kB': kit.token({ sub: 's'.repeat(5000) }),
      'sub with control characters': kit.token({ sub: 'a\r\nb\0\u2028' }),
      'sub with a lone surrogate': kit.tokenWithRaw('sub', String.raw`"\ud800"`),
      'aud with a number beside ours': kit.token({ aud: [kit.source.audience, 1] }),
      'sub twice': raw(`${open},"sub":"somebody-else"}`),
      'iss twice': raw(`${open},"iss":"https://evil.example"}`),
      'preferred_username a number': kit.token({ preferred_username: 1 }),
      'email an object': kit.token({ email: {} }),
      'scope a number': kit.token({ scope: 1 }),
      'scope a list': kit.token({ scope: ['myscope'] }),
      'scp an object': kit.token({ scp: {} }),
      'a byte order mark': raw(`\ufeff${text}`),
      'white space around': raw(` \n${text}\n `),
    }),
  ];
}

function deep(kit: VectorKit, levels: number): string {
  return kit.tokenWithRaw('deep', `${'['.repeat(levels)}${']'.repeat(levels)}`);
}

/** Ids that are no text, in really signed tokens. */
function mistypedIds(kit: VectorKit): Record<string, string> {
  const ids = ['jti', 'sid', 'azp', 'client_id'];
  const odd: readonly unknown[] = [1, null, true, {}, ['x'], { toString: 'x' }];
  return Object.fromEntries(
    ids.flatMap((id) =>
      odd.map((value) => [`${id} ${JSON.stringify(value)}`, kit.token({ [id]: value })]),
    ),
  );
}

const claimNames = (
  'iss aud sub exp nbf iat jti azp client_id typ scope scp roles groups realm_access resource_access ' +
  'preferred_username email email_verified sid nonce events cnf act __proto__ constructor toString'
).split(' ');

/** JSON texts, since some are no JavaScript values. */
const oddValues = [
  'null',
  'true',
  'false',
  '0',
  '-1',
  '1.5',
  '1e400',
  '-1e400',
  '1e-400',
  '9007199254740993',
  '""',
  '" "',
  '"x"',
  String.raw`"\u0000"`,
  String.raw`"\ud800"`,
  '"__proto__"',
  '[]',
  '[null]',
  '[[]]',
  '{}',
  '{"roles":"x"}',
  '{"roles":[{}]}',
  '{"a":{"roles":[1]}}',
  '{"__proto__":{"a":1}}',
  '{"length":1}',
  '{"toString":1}',
  '{"toJSON":1}',
  `"${'x'.repeat(2000)}"`,
  `${'['.repeat(200)}${']'.repeat(200)}`,
];

/**
 * Endless variations of a good payload, really signed, the same ones for the same seed. A verifier may
 * accept or refuse each, and do nothing else. Use an EdDSA or ES256 source: RSA signs slowly.
 *
 * @example `for (const token of fuzzedTokens(kit, 10_000)) await verifyOrRefuse(token);`
 */
export function* fuzzedTokens(kit: VectorKit, count: number, seed = 1): Generator<string> {
  const random = mulberry32(seed);
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? '';

  for (let made = 0; made < count; made += 1) {
    const members = new Map(
      Object.entries(kit.claims)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [name, JSON.stringify(value)]),
    );
    const changes = 1 + Math.floor(random() * 4);
    for (let change = 0; change < changes; change += 1) {
      const name = pick(claimNames);
      if (random() < 0.2) members.delete(name);
      else members.set(name, pick(oddValues));
    }
    const text = [...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',');
    yield compactJws(kit.header, `{${text}}`, kit.signer);
  }
}

/** A small random number generator with a seed. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
