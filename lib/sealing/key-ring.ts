import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { JWTPayload } from 'jose';
import { Clock } from '../clock/clock.js';
import { warningLink, withLink } from '../errors/page-link.js';
import { SafeLogger } from '../errors/safe-logger.js';
import { jose } from '../libraries/jose.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { type Secret, repeatsItself } from '../options/secret.js';

const MIN_SECRET_LENGTH = 32;
const MAX_SEALED_LENGTH = 8192;
const KEY_BYTES = 32;

const PER_PROCESS =
  'Logins finish only on the instance that began them, and not after its restart. ' +
  'Set "encryptionKeys" to the same list on every instance.';

interface DerivedKey {
  readonly id: string;
  readonly key: Uint8Array;
}

function derive(secret: string, label: string): DerivedKey {
  const bytes = (info: string, length: number) =>
    Buffer.from(hkdfSync('sha256', secret, '', `nestjs-oidc-auth ${info}`, length));
  return { id: bytes(`${label} id`, 6).toString('base64url'), key: bytes(label, KEY_BYTES) };
}

/** Seals and opens values of one purpose (JWE, `dir` with A256GCM); another purpose's values do not open. */
export class Sealer {
  readonly #keys: readonly DerivedKey[];
  readonly #clock: Clock;

  constructor(secrets: readonly string[], label: string, clock: Clock) {
    this.#keys = secrets.map((secret) => derive(secret, label));
    this.#clock = clock;
  }

  /** Seals claims with the first key, for `lifetimeSec` seconds. The result holds no `|`. */
  async seal(claims: JWTPayload, lifetimeSec: number): Promise<string> {
    const [first] = this.#keys;
    if (first === undefined) throw new TypeError('A sealer needs a key');
    const { EncryptJWT } = await jose();
    const now = this.#clock.now();
    return new EncryptJWT(claims)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: first.id })
      .setExpirationTime(new Date(now.getTime() + lifetimeSec * 1000))
      .encrypt(first.key);
  }

  /** The claims that were sealed, or `undefined` when the text was altered, expired or sealed by somebody else. */
  async open(sealed: string): Promise<JWTPayload | undefined> {
    if (sealed.length > MAX_SEALED_LENGTH || !isCanonical(sealed)) return undefined;
    const { jwtDecrypt } = await jose();
    try {
      const { payload } = await jwtDecrypt(sealed, ({ kid }) => keyNamed(this.#keys, kid), {
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
        requiredClaims: ['exp'],
        currentDate: this.#clock.now(),
      });
      return payload;
    } catch {
      return undefined;
    }
  }
}

/** Encrypted text of a database row: opens only where it was written. */
export interface OpenedText {
  readonly text: string;
  /** Whether the first key encrypted it; else it should be written anew. */
  readonly current: boolean;
}

/** Encrypts fields of rows (JWE, `dir` with A256GCM); row and field are authenticated, so moved ciphertext does not open. */
export class RowSealer {
  readonly #keys: readonly DerivedKey[];

  constructor(secrets: readonly string[], label: string) {
    this.#keys = secrets.map((secret) => derive(secret, label));
  }

  /** @param place names row and field, e.g. `session/4f…/content`. */
  async seal(text: string, place: string): Promise<string> {
    const [first] = this.#keys;
    if (first === undefined) throw new TypeError('A sealer needs a key');
    const { CompactEncrypt } = await jose();
    return new CompactEncrypt(Buffer.from(text))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: first.id, place })
      .encrypt(first.key);
  }

  /** `undefined` when it was sealed with another key, in another place, or was altered. */
  async open(sealed: string, place: string): Promise<OpenedText | undefined> {
    const { compactDecrypt } = await jose();
    try {
      const { plaintext, protectedHeader } = await compactDecrypt(
        sealed,
        ({ kid }) => keyNamed(this.#keys, kid),
        { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] },
      );
      if (protectedHeader['place'] !== place) return undefined;
      const current = protectedHeader.kid === this.#keys[0]?.id;
      return { text: Buffer.from(plaintext).toString('utf8'), current };
    } catch {
      return undefined;
    }
  }
}

/** Message authentication codes (HMAC-SHA-256, RFC 2104) of one purpose: made with the first key, taken from all. */
export class Mac {
  readonly #keys: readonly DerivedKey[];

  constructor(secrets: readonly string[], label: string) {
    this.#keys = secrets.map((secret) => derive(secret, label));
  }

  /** 32 bytes. */
  of(message: string | Uint8Array): Buffer {
    const [first] = this.#keys;
    if (first === undefined) throw new TypeError('A message authentication code needs a key');
    return createHmac('sha256', first.key).update(message).digest();
  }

  /** Whether one of the keys made this code for this message; compared in constant time. */
  verify(message: string | Uint8Array, code: Uint8Array): boolean {
    if (code.byteLength !== KEY_BYTES) return false;
    return this.#keys.some(({ key }) =>
      timingSafeEqual(createHmac('sha256', key).update(message).digest(), code),
    );
  }
}

function keyNamed(keys: readonly DerivedKey[], kid: string | undefined): Uint8Array {
  const found = keys.find(({ id }) => id === kid);
  if (found === undefined) throw new TypeError('Unknown key');
  return found.key;
}

/** Base64url has spare bits at the end of a part; only one spelling counts. */
function isCanonical(sealed: string): boolean {
  return sealed
    .split('.')
    .every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);
}

/**
 * The keys that seal what leaves this process and comes back: `encryptionKeys`, else the client secret, else random
 * ones. Each purpose has a key of its own (HKDF-SHA-256, RFC 5869).
 */
@Injectable()
export class KeyRing {
  readonly #secrets: readonly string[];
  readonly #clock: Clock;
  /** Where the keys come from; `random` ones open nothing after a restart. */
  readonly origin: 'encryptionKeys' | 'clientSecret' | 'random';
  /** What is missing for keys that last; `undefined` when nothing is. */
  readonly missing: string | undefined;

  constructor(@Inject(RESOLVED_OPTIONS) options: ResolvedOptions, clock: Clock) {
    this.#clock = clock;
    const weakness = weaknessOf(options.clientSecret);
    const given = options.encryptionKeys.length > 0;
    this.origin = given ? 'encryptionKeys' : weakness === undefined ? 'clientSecret' : 'random';
    this.missing = given ? undefined : weakness;
    this.#secrets = secretsOf(options, this.origin);
    if (this.missing !== undefined && options.routes.login !== undefined) {
      const reason = `"encryptionKeys" is not set, and ${this.missing}.`;
      const link = warningLink('log-logins-finish-only-on-the-instance-that-began-them');
      new SafeLogger().warn(withLink(`${reason} ${PER_PROCESS}`, link));
    }
  }

  /** @param label the purpose; it is part of the derivation and must not change between versions. */
  sealer(label: string): Sealer {
    return new Sealer(this.#secrets, label, this.#clock);
  }

  /** For fields of rows. @param label as for {@link sealer}. */
  rowSealer(label: string): RowSealer {
    return new RowSealer(this.#secrets, label);
  }

  /** For what we hand out and want to recognise. @param label as for {@link sealer}. */
  mac(label: string): Mac {
    return new Mac(this.#secrets, label);
  }
}

/**
 * Why no keys can be derived from the client secret; `undefined` when they can. Login handles are public, and who has one could
 * try secrets on it for ever.
 */
function weaknessOf(clientSecret: Secret | undefined): string | undefined {
  if (clientSecret === undefined) return 'there is no "clientSecret" to derive keys from';
  const secret = clientSecret.reveal();
  if (secret.length < MIN_SECRET_LENGTH) {
    return `"clientSecret" has fewer than ${MIN_SECRET_LENGTH} characters, too few to derive keys from`;
  }
  if (repeatsItself(secret)) {
    return '"clientSecret" repeats itself, so that keys derived from it could be guessed';
  }
  return undefined;
}

function secretsOf(
  { encryptionKeys, clientSecret }: ResolvedOptions,
  origin: KeyRing['origin'],
): string[] {
  if (origin === 'encryptionKeys') return encryptionKeys.map((key) => key.reveal());
  if (origin === 'clientSecret' && clientSecret !== undefined) return [clientSecret.reveal()];
  return [randomBytes(KEY_BYTES).toString('base64url')];
}
