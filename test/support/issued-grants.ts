import { createHash, randomBytes } from 'node:crypto';

import { registerSecret } from './canary-secrets.js';
import type { TestUser } from './users.js';

/** What a user granted: the ground of every token. */
export interface Grant {
  readonly user: TestUser;
  readonly scope: string;
  readonly nonce?: string | undefined;
}

export interface CodeGrant extends Grant {
  readonly redirectUri: string;
  readonly codeChallenge?: string | undefined;
}

export type RefreshTokenState = 'live' | 'used' | 'revoked' | 'unknown';

interface Family {
  readonly grant: Grant;
  revoked: boolean;
}

interface Device {
  readonly userCode: string;
  readonly scope: string;
  state: 'pending' | 'denied' | TestUser;
}

/** What the misbehaving provider has given out: codes, refresh tokens by family, device codes. */
export class IssuedGrants {
  readonly #codes = new Map<string, CodeGrant>();
  readonly #refreshTokens = new Map<string, { readonly family: Family; used: boolean }>();
  readonly #devices = new Map<string, Device>();

  addCode(grant: CodeGrant): string {
    const code = unguessable('authorization code');
    this.#codes.set(code, grant);
    return code;
  }

  /** A code works once, with its own redirect URI and verifier. */
  redeemCode(form: Readonly<Record<string, string>>): Grant | undefined {
    const code = form['code'] ?? '';
    const grant = this.#codes.get(code);
    this.#codes.delete(code);
    if (grant?.redirectUri !== form['redirect_uri']) return undefined;
    return grant && verifierFits(grant.codeChallenge, form['code_verifier']) ? grant : undefined;
  }

  addRefreshToken(grant: Grant): string {
    return this.#addTo({ grant, revoked: false });
  }

  /** Rotation: the old token counts as used, its successor comes back; a used one ends the family. */
  rotate(token: string): { grant: Grant; next: string } | undefined {
    const entry = this.#refreshTokens.get(token);
    if (entry === undefined || entry.family.revoked) return undefined;
    if (entry.used) {
      entry.family.revoked = true;
      return undefined;
    }
    entry.used = true;
    return { grant: entry.family.grant, next: this.#addTo(entry.family) };
  }

  /** No rotation: the same token works again. */
  reuse(token: string): { grant: Grant; next: undefined } | undefined {
    const entry = this.#refreshTokens.get(token);
    if (entry === undefined || entry.family.revoked) return undefined;
    return { grant: entry.family.grant, next: undefined };
  }

  revoke(token: string): void {
    const entry = this.#refreshTokens.get(token);
    if (entry !== undefined) entry.family.revoked = true;
  }

  revokeAll(): void {
    for (const { family } of this.#refreshTokens.values()) family.revoked = true;
  }

  stateOf(token: string): RefreshTokenState {
    const entry = this.#refreshTokens.get(token);
    if (entry === undefined) return 'unknown';
    if (entry.family.revoked) return 'revoked';
    return entry.used ? 'used' : 'live';
  }

  addDevice(scope: string): { deviceCode: string; userCode: string } {
    const deviceCode = unguessable('device code');
    const userCode = randomBytes(4).toString('hex').toUpperCase();
    this.#devices.set(deviceCode, { userCode, scope, state: 'pending' });
    return { deviceCode, userCode };
  }

  /** What the person with the user code decided. */
  decideDevice(userCode: string, decision: 'denied' | TestUser): void {
    const device = [...this.#devices.values()].find((entry) => entry.userCode === userCode);
    if (device === undefined) throw new Error(`No device waits with the code ${userCode}`);
    device.state = decision;
  }

  /** The grant of an approved device, once; else the error of RFC 8628 §3.5. */
  redeemDevice(deviceCode: string): Grant | string {
    const device = this.#devices.get(deviceCode);
    if (device === undefined) return 'invalid_grant';
    if (device.state === 'pending') return 'authorization_pending';
    this.#devices.delete(deviceCode);
    return device.state === 'denied'
      ? 'access_denied'
      : { user: device.state, scope: device.scope };
  }

  #addTo(family: Family): string {
    const token = unguessable('refresh token');
    this.#refreshTokens.set(token, { family, used: false });
    return token;
  }
}

/** A random value that is a canary at once. */
export function unguessable(kind: string): string {
  const value = randomBytes(24).toString('base64url');
  registerSecret(value, kind);
  return value;
}

/** RFC 7636 §4.6, S256 only. */
function verifierFits(challenge: string | undefined, verifier = ''): boolean {
  if (challenge === undefined) return true;
  return createHash('sha256').update(verifier).digest('base64url') === challenge;
}
