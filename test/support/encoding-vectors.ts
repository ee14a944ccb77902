import { deflateRawSync } from 'node:zlib';

import { CompactEncrypt } from 'jose';

import { compactJws, encodePart, type JsonMembers } from './compact-jws.js';
import { vectors, type TokenVector, type VectorKit } from './token-vector.js';

/** JV-5: must-understand headers, encryption, compression, other serialisations and loose base64url. */
export async function encodingVectors(kit: VectorKit): Promise<TokenVector[]> {
  return [
    ...vectors('JV-5', 'refuse', criticalHeaders(kit)),
    ...vectors('JV-5', 'refuse', otherShapes(kit)),
    ...vectors('JV-5', 'refuse', looseEncodings(kit)),
    ...vectors('JV-5', 'refuse', brokenHeaders(kit)),
    ...vectors('JV-5', 'refuse', await encryptedTokens(kit)),
    ...vectors('JV-5', 'either', ambiguousTokens(kit)),
  ];
}

function criticalHeaders(kit: VectorKit): Record<string, string> {
  const withHeader = (header: JsonMembers): string => kit.token({}, header);
  return {
    'crit with an unknown name': withHeader({ crit: ['x-unknown'], 'x-unknown': true }),
    'crit with a name that is absent': withHeader({ crit: ['x-unknown'] }),
    'crit empty': withHeader({ crit: [] }),
    'crit a string': withHeader({ crit: 'exp', exp: 1 }),
    'crit null': withHeader({ crit: null }),
    'crit with a number': withHeader({ crit: [1] }),
    'crit with a registered name': withHeader({ crit: ['alg'] }),
    'crit exp': withHeader({ crit: ['exp'], exp: kit.nowSec + 300 }),
    'b64 false with crit': withHeader({ crit: ['b64'], b64: false }),
    'b64 false without crit': withHeader({ b64: false }),
    'b64 true with crit twice': withHeader({ crit: ['b64', 'b64'], b64: true }),
    'b64 a string': withHeader({ crit: ['b64'], b64: 'false' }),
    'zip over a plain payload': withHeader({ zip: 'DEF' }),
    'zip over a deflated payload': compactJws(
      { ...kit.header, zip: 'DEF' },
      deflateRawSync(JSON.stringify(kit.claims)),
      kit.signer,
    ),
  };
}

function otherShapes(kit: VectorKit): Record<string, string> {
  const genuine = kit.token();
  const [header = '', payload = '', signature = ''] = genuine.split('.');
  const nested = compactJws({ ...kit.header, cty: 'JWT' }, genuine, kit.signer);
  return {
    'flattened JSON serialisation': JSON.stringify({ protected: header, payload, signature }),
    'general JSON serialisation': JSON.stringify({
      payload,
      signatures: [{ protected: header, signature }],
    }),
    'a detached payload': `${header}..${signature}`,
    'a token inside a token': nested,
    'two parts': `${header}.${payload}`,
    'two parts and a dot': `${header}.${payload}.`,
    'four parts': `${genuine}.${signature}`,
    'a dot in front': `.${genuine}`,
    'a dot behind': `${genuine}.`,
    'only dots': '..',
    'one part': header,
    'no token at all': 'not-a-token',
    'a genuine token of more than 12 KiB': kit.token({ filler: 'x'.repeat(8_900) }),
  };
}

function looseEncodings(kit: VectorKit): Record<string, string> {
  const genuine = kit.token();
  const parts = genuine.split('.');
  const [header = '', payload = '', signature = ''] = parts;
  const standard = parts.map((part) => Buffer.from(part, 'base64url').toString('base64'));
  const resigned = (first: string, second: string): string =>
    `${first}.${second}.${kit.signer.sign(`${first}.${second}`).toString('base64url')}`;

  return {
    'padding behind the signature': `${genuine}==`,
    'padding behind the payload': `${header}.${payload}=.${signature}`,
    'padding behind the payload, signed so': resigned(header, `${payload}=`),
    'standard base64': standard.join('.'),
    'standard base64, signed so': resigned(
      Buffer.from(JSON.stringify({ ...kit.header, note: '>>>???' })).toString('base64'),
      Buffer.from(JSON.stringify({ ...kit.claims, note: '>>>???' })).toString('base64'),
    ),
    'a space in front': ` ${genuine}`,
    'a space behind': `${genuine} `,
    'a space in the payload, signed so': resigned(
      header,
      `${payload.slice(0, 8)} ${payload.slice(8)}`,
    ),
    'a line break behind': `${genuine}\n`,
    'CR LF behind': `${genuine}\r\n`,
    'a line break in the signature': `${header}.${payload}.${signature.slice(0, 40)}\n${signature.slice(40)}`,
    'a line break in the payload, signed so': resigned(
      header,
      `${payload.slice(0, 8)}\n${payload.slice(8)}`,
    ),
    'a tab behind the header': `${header}\t.${payload}.${signature}`,
    'a null byte behind': `${genuine}\0`,
    'a letter outside ASCII behind': `${genuine}ä`,
    'a character outside the alphabet in the signature': `${header}.${payload}.!${signature.slice(1)}`,
    'other unused bits in the last character of the signature': `${header}.${payload}.${otherLastBits(signature)}`,
    'other unused bits in the last character of the payload, signed so': resigned(
      header,
      otherLastBits(spareBits('claims', kit.claims)),
    ),
    'other unused bits in the last character of the header, signed so': resigned(
      otherLastBits(spareBits('header', kit.header)),
      payload,
    ),
    'two tokens with a comma': `${genuine},${genuine}`,
    'two tokens with a space': `${genuine} ${genuine}`,
  };
}

function brokenHeaders(kit: VectorKit): Record<string, string> {
  const withRaw = (header: string | Buffer): string => compactJws(header, kit.claims, kit.signer);
  const text = JSON.stringify(kit.header);
  return {
    'a header that is a list': withRaw('[]'),
    'a header that is a string': withRaw('"RS256"'),
    'a header that is null': withRaw('null'),
    'a header that is empty': withRaw(''),
    'a header without members': withRaw('{}'),
    'a header that is no JSON': withRaw(text.slice(0, -1)),
    'a header with text behind': withRaw(`${text}x`),
    'a header with bad UTF-8': withRaw(
      Buffer.concat([
        Buffer.from(`${text.slice(0, -1)},"x":"`),
        Buffer.of(0xff, 0xfe),
        Buffer.from('"}'),
      ]),
    ),
  };
}

/** Nothing is to be decrypted, whatever key an attacker encrypted to. */
async function encryptedTokens(kit: VectorKit): Promise<Record<string, string>> {
  const genuine = new TextEncoder().encode(kit.token());
  const encrypt = (header: { alg: string; enc: string; [name: string]: unknown }): CompactEncrypt =>
    new CompactEncrypt(genuine).setProtectedHeader({ cty: 'JWT', ...header });
  const direct = new TextEncoder().encode(kit.source.clientSecret?.slice(0, 32).padEnd(32, 'x'));
  const key = direct.length === 32 ? direct : new Uint8Array(32);
  const rsa = kit.published('RS256');
  const endless = {
    alg: 'PBES2-HS256+A128KW',
    enc: 'A256GCM',
    p2s: 'c2FsdHNhbHQ',
    p2c: 2_147_483_647,
  };
  const junk = Buffer.alloc(24, 7).toString('base64url');

  return {
    'a JWE (dir)': await encrypt({ alg: 'dir', enc: 'A256GCM' }).encrypt(key),
    'a compressed JWE': [
      encodePart({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' }),
      '',
      junk,
      junk,
      junk,
    ].join('.'),
    'a JWE with endless key derivation (PBES2)': [encodePart(endless), junk, junk, junk, junk].join(
      '.',
    ),
    ...(rsa === undefined
      ? {}
      : {
          'a JWE to the published RSA key': await encrypt({
            alg: 'RSA-OAEP-256',
            enc: 'A256GCM',
            kid: rsa.kid,
          }).encrypt(rsa.publicKey),
        }),
  };
}

function ambiguousTokens(kit: VectorKit): Record<string, string> {
  const text = JSON.stringify(kit.header);
  return {
    'an unknown header member': kit.token({}, { 'x-unknown': true }),
    'crit b64 with b64 true': kit.token({}, { crit: ['b64'], b64: true }),
    'alg twice, none first': compactJws(`{"alg":"none",${text.slice(1)}`, kit.claims, kit.signer),
    'a header with a byte order mark': compactJws(`\ufeff${text}`, kit.claims, kit.signer),
    'a header with white space': compactJws(` ${text} `, kit.claims, kit.signer),
  };
}

/** One part of a token, filled up until its last character has bits to spare. */
function spareBits(name: string, members: JsonMembers): string {
  const parts = ['', 'x', 'xx'].map((fill) => encodePart({ ...members, [`${name}-fill`]: fill }));
  return parts.find((part) => part.length % 4 !== 0) ?? '';
}

/** The same bytes in another spelling; the last character must have bits to spare. */
function otherLastBits(text: string): string {
  const bytes = Buffer.from(text, 'base64url');
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const candidates = Array.from(alphabet, (last) => `${text.slice(0, -1)}${last}`);
  const other = candidates.find(
    (one) => one !== text && bytes.equals(Buffer.from(one, 'base64url')),
  );
  if (other === undefined) throw new Error('No bits to spare');
  return other;
}
