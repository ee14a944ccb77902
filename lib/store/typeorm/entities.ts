import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';

/** Rows as they are in the tables; points in time are milliseconds since 1970, the same in every database and time zone. */
export interface SessionRow {
  id: string;
  loginHash: string;
  provider: string;
  subjectHash: string;
  providerSubjectHash: string;
  providerSessionHash: string | null;
  createdAt: number;
  usedAt: number;
  endsAt: number;
  expiresAt: number;
  generation: number;
  refreshHash: string | null;
  /** JSON: `[[generation, milliseconds], …]` */
  replaced: string;
  sealed: string;
  /** Of an ended session: the id of its end. */
  leaseId: string | null;
  leaseUntil: number | null;
  revokedAt: number | null;
  cookieHash: string | null;
}

export interface RevocationRow {
  /** `<kind>:<id>` */
  id: string;
  revokedAt: number;
  expiresAt: number;
}

export interface SigningKeyRow {
  sequence: number;
  kid: string;
  algorithm: string;
  sealed: string;
  createdAt: number;
  signsFrom: number;
  retiredAt: number | null;
}

export interface PeerKeysRow {
  issuerHash: string;
  issuer: string;
  jwks: string;
  fetchedAt: number;
}

/** Drivers give 64-bit integers as text. */
const asNumber = {
  to: (value: unknown): unknown => value,
  from: (value: unknown): unknown => (typeof value === 'string' ? Number(value) : value),
};

const time = (name: string): EntitySchemaColumnOptions => ({
  name,
  type: 'bigint',
  transformer: asNumber,
});
const text = (name: string, length: number): EntitySchemaColumnOptions => ({
  name,
  type: 'varchar',
  length,
});
const hash = (name: string) => text(name, 64);
const optional = (column: EntitySchemaColumnOptions): EntitySchemaColumnOptions => ({
  ...column,
  nullable: true,
});

/** Names of tables and columns are written out, so that a host's naming strategy does not change them. */
export const sessionEntity = new EntitySchema<SessionRow>({
  name: 'OidcSession',
  tableName: 'oidc_session',
  columns: {
    id: { ...text('id', 32), primary: true },
    loginHash: hash('login_hash'),
    provider: text('provider', 100),
    subjectHash: hash('subject_hash'),
    providerSubjectHash: hash('provider_subject_hash'),
    providerSessionHash: optional(hash('provider_session_hash')),
    createdAt: time('created_at'),
    usedAt: time('used_at'),
    endsAt: time('ends_at'),
    expiresAt: time('expires_at'),
    generation: { name: 'generation', type: 'int' },
    refreshHash: optional(hash('refresh_hash')),
    replaced: { name: 'replaced', type: 'text' },
    sealed: { name: 'sealed', type: 'text' },
    leaseId: optional(text('lease_id', 32)),
    leaseUntil: optional(time('lease_until')),
    revokedAt: optional(time('revoked_at')),
    cookieHash: optional(hash('cookie_hash')),
  },
  indices: [
    { columns: ['loginHash'], unique: true },
    { columns: ['subjectHash'] },
    { columns: ['providerSubjectHash'] },
    { columns: ['providerSessionHash'] },
    { columns: ['expiresAt'] },
    { columns: ['revokedAt'] },
  ],
});

export const revocationEntity = new EntitySchema<RevocationRow>({
  name: 'OidcRevocation',
  tableName: 'oidc_revocation',
  columns: {
    id: { ...text('id', 80), primary: true },
    revokedAt: time('revoked_at'),
    expiresAt: time('expires_at'),
  },
  indices: [{ columns: ['revokedAt'] }, { columns: ['expiresAt'] }],
});

export const signingKeyEntity = new EntitySchema<SigningKeyRow>({
  name: 'OidcSigningKey',
  tableName: 'oidc_signing_key',
  columns: {
    sequence: { name: 'sequence', type: 'int', primary: true },
    kid: text('kid', 64),
    algorithm: text('algorithm', 10),
    sealed: { name: 'sealed', type: 'text' },
    createdAt: time('created_at'),
    signsFrom: time('signs_from'),
    retiredAt: optional(time('retired_at')),
  },
});

export const peerKeysEntity = new EntitySchema<PeerKeysRow>({
  name: 'OidcPeerKeys',
  tableName: 'oidc_peer_keys',
  columns: {
    issuerHash: { ...hash('issuer_hash'), primary: true },
    issuer: { name: 'issuer', type: 'text' },
    jwks: { name: 'jwks', type: 'text' },
    fetchedAt: time('fetched_at'),
  },
});

/** The entities of broker mode: add them to `entities` of your DataSource, where `autoLoadEntities` is off. */
export const brokerEntities = [
  sessionEntity,
  revocationEntity,
  signingKeyEntity,
  peerKeysEntity,
] as const;
