import type { Revocation, StoredPeerKeys, StoredSigningKey } from '../../contract/broker-store.js';
import type { PeerKeysRow, RevocationRow, SigningKeyRow } from './entities.js';

export function toRevocationRow({ kind, id, at, expiresAt }: Revocation): RevocationRow {
  return {
    id: `${kind}:${id}`,
    revokedAt: at.getTime(),
    expiresAt: expiresAt.getTime(),
  };
}

/** What a list of revocations takes from a table, straight from the driver: some give 64-bit integers as text. */
export interface ListedRow {
  readonly id: string;
  readonly revokedAt: number | string;
  readonly expiresAt: number | string;
}

export function timeOf(listed: number | string): Date {
  return new Date(Number(listed));
}

export function toRevocation(row: ListedRow): Revocation {
  const [kind, id = ''] = row.id.split(':');
  return {
    kind: kind === 'token' || kind === 'subject' ? kind : 'session',
    id,
    at: timeOf(row.revokedAt),
    expiresAt: timeOf(row.expiresAt),
  };
}

export function toSigningKeyRow(key: StoredSigningKey): SigningKeyRow {
  return {
    sequence: key.sequence,
    kid: key.kid,
    algorithm: key.algorithm,
    sealed: key.sealed,
    createdAt: key.createdAt.getTime(),
    signsFrom: key.signsFrom.getTime(),
    retiredAt: key.retiredAt?.getTime() ?? null,
  };
}

export function toSigningKey(row: SigningKeyRow): StoredSigningKey {
  return {
    sequence: row.sequence,
    kid: row.kid,
    algorithm: row.algorithm,
    sealed: row.sealed,
    createdAt: new Date(row.createdAt),
    signsFrom: new Date(row.signsFrom),
    retiredAt: row.retiredAt === null ? undefined : new Date(row.retiredAt),
  };
}

export function toPeerKeysRow({
  issuer,
  issuerHash,
  jwks,
  fetchedAt,
}: StoredPeerKeys): PeerKeysRow {
  return { issuerHash, issuer, jwks, fetchedAt: fetchedAt.getTime() };
}

export function toPeerKeys({ issuer, issuerHash, jwks, fetchedAt }: PeerKeysRow): StoredPeerKeys {
  return { issuer, issuerHash, jwks, fetchedAt: new Date(fetchedAt) };
}
