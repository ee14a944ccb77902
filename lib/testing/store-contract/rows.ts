import { createHash, randomBytes } from 'node:crypto';

import type {
  BrokerSession,
  LeaseRequest,
  SessionState,
  StoredPeerKeys,
  StoredSigningKey,
} from '../../contract/broker-store.js';

/** The time at which all stores are tested; with milliseconds that not every column type would keep. */
export const NOW = new Date('2030-05-06T07:08:09.123Z');

export function after(seconds: number, time = NOW): Date {
  return new Date(time.getTime() + seconds * 1000);
}

export function anId(): string {
  return randomBytes(16).toString('hex');
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A session that was made now, for an hour; every hash is its own. */
export function aSession(members: Partial<BrokerSession> = {}): BrokerSession {
  return {
    id: anId(),
    loginHash: hashOf(anId()),
    provider: 'default',
    subjectHash: hashOf(anId()),
    providerSubjectHash: hashOf(anId()),
    providerSessionHash: hashOf(anId()),
    createdAt: NOW,
    usedAt: NOW,
    endsAt: after(7200),
    expiresAt: after(3600),
    generation: 1,
    refreshHash: hashOf(anId()),
    replaced: [],
    sealed: `sealed-${anId()}`,
    leaseId: undefined,
    leaseUntil: undefined,
    ...members,
  };
}

/** What a refresh writes, ten seconds later. */
export function aState(members: Partial<SessionState> = {}): SessionState {
  return {
    usedAt: after(10),
    expiresAt: after(3610),
    generation: 2,
    refreshHash: hashOf(anId()),
    replaced: [{ generation: 1, at: after(10) }],
    sealed: `sealed-${anId()}`,
    ...members,
  };
}

export function aSigningKey(members: Partial<StoredSigningKey> = {}): StoredSigningKey {
  return {
    sequence: 1,
    kid: `Kid_${randomBytes(30).toString('base64url')}`,
    algorithm: 'RS256',
    sealed: `sealed-${anId()}`,
    createdAt: NOW,
    signsFrom: after(5400),
    retiredAt: undefined,
    ...members,
  };
}

/** How many try at once where exactly one may win. */
export const MANY = 50;

export function times<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

/** A wish for the lease of a session in its first generation, for 15 seconds. */
export function lease(members: Partial<LeaseRequest> = {}): LeaseRequest {
  return {
    leaseId: anId(),
    now: NOW,
    until: after(15, members.now ?? NOW),
    generation: 1,
    ...members,
  };
}

export function keysOf(issuer: string, jwks: string, fetchedAt = NOW): StoredPeerKeys {
  return { issuer, issuerHash: hashOf(issuer), jwks, fetchedAt };
}

export function idsOf(listed: readonly { readonly id: string }[]): string[] {
  return listed.map(({ id }) => id).toSorted();
}
