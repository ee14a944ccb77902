import { hkdfSync, randomBytes } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { EncryptJWT, type JWTPayload, jwtDecrypt } from 'jose';
import { Clock } from '../clock/clock.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';

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
    const now = this.#clock.now();
    return new EncryptJWT(claims)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: first.id })
      .setExpirationTime(new Date(now.getTime() + lifetimeSec * 1000))
      .encrypt(first.key);
  }

  /** The claims that were sealed, or `undefined` when the text was altered, expired or sealed by somebody else. */
  async open(sealed: string): Promise<JWTPayload | undefined> {
    if (sealed.length > MAX_SEALED_LENGTH || !isCanonical(sealed)) return undefined;
    try {
      const { payload } = await jwtDecrypt(sealed, ({ kid }) => this.#key(kid), {
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

  #key(kid: string | undefined): Uint8Array {
    const found = this.#keys.find(({ id }) => id === kid);
    if (found === undefined) throw new TypeError('Unknown key');
    return found.key;
  }
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

  constructor(@Inject(RESOLVED_OPTIONS) options: ResolvedOptions, clock: Clock) {
    this.#clock = clock;
    this.#secrets = secretsOf(options);
  }

  /** @param label the purpose; it is part of the derivation and must not change between versions. */
  sealer(label: string): Sealer {
    return new Sealer(this.#secrets, label, this.#clock);
  }
}

function secretsOf({ encryptionKeys, clientSecret, routes }: ResolvedOptions): string[] {
  if (encryptionKeys.length > 0) return encryptionKeys.map((key) => key.reveal());
  const secret = clientSecret?.reveal() ?? '';
  // A short secret could be guessed from the handles, which everybody sees.
  if (secret.length >= MIN_SECRET_LENGTH) return [secret];
  if (routes.login !== undefined) {
    const reason =
      secret === ''
        ? 'There is neither "encryptionKeys" nor "clientSecret".'
        : `"clientSecret" has fewer than ${MIN_SECRET_LENGTH} characters, too few to derive keys from.`;
    new Logger('OidcAuth').warn(`${reason} ${PER_PROCESS}`);
  }
  return [randomBytes(KEY_BYTES).toString('base64url')];
}
