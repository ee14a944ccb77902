import type { Connection, mongo } from 'mongoose';

/** Documents as they are in the collections. What is `undefined` in the contract is absent here. */
export interface SessionDocument {
  _id: string;
  loginHash: string;
  provider: string;
  subjectHash: string;
  providerSubjectHash: string;
  providerSessionHash?: string;
  createdAt: Date;
  usedAt: Date;
  endsAt: Date;
  expiresAt: Date;
  generation: number;
  refreshHash?: string;
  replaced: { generation: number; at: Date }[];
  sealed: string;
  leaseId?: string;
  leaseUntil?: Date;
  revokedAt?: Date;
  endingId?: string;
  cookieHash?: string;
}

export interface RevocationDocument {
  /** `<kind>:<id>` */
  _id: string;
  revokedAt: Date;
  expiresAt: Date;
}

export interface SigningKeyDocument {
  /** The sequence number. */
  _id: number;
  kid: string;
  algorithm: string;
  sealed: string;
  createdAt: Date;
  signsFrom: Date;
  retiredAt?: Date;
}

export interface PeerKeysDocument {
  /** The hash of the issuer. */
  _id: string;
  issuer: string;
  jwks: string;
  fetchedAt: Date;
}

/**
 * Acknowledged by the majority, read from the primary, with plain numbers, whatever the connection's defaults are: a refresh
 * must see the one before, also after a failover.
 */
const DURABLE = {
  readPreference: 'primary',
  readConcern: { level: 'majority' },
  writeConcern: { w: 'majority' },
  promoteValues: true,
} as const;

/** The collections of broker mode. */
export interface BrokerCollections {
  readonly sessions: mongo.Collection<SessionDocument>;
  readonly revocations: mongo.Collection<RevocationDocument>;
  readonly signingKeys: mongo.Collection<SigningKeyDocument>;
  readonly peerKeys: mongo.Collection<PeerKeysDocument>;
}

/**
 * Straight from the connection's driver: the host's global plugins, casts and buffers do not touch them.
 *
 * @throws Error while the connection was never made.
 */
export function collectionsOf({ db }: Connection): BrokerCollections {
  if (db === undefined) throw new Error('The connection is not open');
  return {
    sessions: db.collection('oidc_sessions', DURABLE),
    revocations: db.collection('oidc_revocations', DURABLE),
    signingKeys: db.collection('oidc_signing_keys', DURABLE),
    peerKeys: db.collection('oidc_peer_keys', DURABLE),
  };
}

/** Makes the indexes; the first one is what makes a login single-use. Any number of instances may do so at once. */
export async function makeIndexes({ sessions, revocations }: BrokerCollections): Promise<void> {
  await sessions.createIndex({ loginHash: 1 }, { unique: true });
  for (const member of [
    'subjectHash',
    'providerSubjectHash',
    'providerSessionHash',
    'expiresAt',
    'revokedAt',
  ]) {
    await sessions.createIndex({ [member]: 1 });
  }
  for (const member of ['expiresAt', 'revokedAt']) await revocations.createIndex({ [member]: 1 });
}
