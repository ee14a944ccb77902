import { sign } from 'node:crypto';

import type { SigningKey } from './signing-keys.js';

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const VERSION_TAG = 0xa0;

const sha256WithRsa = Buffer.from('06092a864886f70d01010b0500', 'hex'); // 1.2.840.113549.1.1.11, NULL
const commonName = Buffer.from('0603550403', 'hex'); // 2.5.4.3

/** An X.509 certificate (DER) of an RSA key by itself (RFC 5280 §4.1), as an attacker puts it into `x5c`. */
export function selfSignedCertificate(key: SigningKey, name: string): Buffer {
  const algorithm = der(SEQUENCE, sha256WithRsa);
  const nameAttribute = der(SEQUENCE, commonName, der(UTF8_STRING, Buffer.from(name)));
  const distinguishedName = der(SEQUENCE, der(SET, nameAttribute));
  const validity = der(SEQUENCE, utcTime('200101000000Z'), utcTime('491231235959Z'));

  const toBeSigned = der(
    SEQUENCE,
    der(VERSION_TAG, der(INTEGER, Buffer.of(2))), // v3
    der(INTEGER, Buffer.of(1)),
    algorithm,
    distinguishedName,
    validity,
    distinguishedName,
    key.publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = sign('sha256', toBeSigned, key.privateKey);
  return der(SEQUENCE, toBeSigned, algorithm, der(BIT_STRING, Buffer.of(0), signature));
}

function utcTime(text: string): Buffer {
  return der(UTC_TIME, Buffer.from(text));
}

/** Tag, length, value (X.690 §8.1). */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  if (value.length < 128) return Buffer.concat([Buffer.of(tag, value.length), value]);
  const length = Buffer.from(value.length.toString(16).padStart(4, '0'), 'hex');
  return Buffer.concat([Buffer.of(tag, 0x80 + length.length), length, value]);
}
