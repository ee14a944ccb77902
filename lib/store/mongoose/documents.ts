import type {
  BrokerSession,
  Revocation,
  SessionState,
  StoredPeerKeys,
  StoredSigningKey,
} from '../../contract/broker-store.js';
import type {
  PeerKeysDocument,
  RevocationDocument,
  SessionDocument,
  SigningKeyDocument,
} from './collections.js';

/** What a refresh writes. */
export function toStateMembers(state: SessionState) {
  const { usedAt, expiresAt, generation, refreshHash, replaced, sealed } = state;
  return {
    usedAt,
    expiresAt,
    generation,
    replaced: replaced.map(({ generation: number, at }) => ({ generation: number, at })),
    sealed,
    ...(refreshHash === undefined ? {} : { refreshHash }),
  };
}

export function toSessionDocument(session: BrokerSession): SessionDocument {
  const { providerSessionHash, leaseId, leaseUntil, cookieHash } = session;
  return {
    ...toStateMembers(session),
    _id: session.id,
    loginHash: session.loginHash,
    provider: session.provider,
    subjectHash: session.subjectHash,
    providerSubjectHash: session.providerSubjectHash,
    createdAt: session.createdAt,
    endsAt: session.endsAt,
    ...(providerSessionHash === undefined ? {} : { providerSessionHash }),
    ...(leaseId === undefined ? {} : { leaseId }),
    ...(leaseUntil === undefined ? {} : { leaseUntil }),
    ...(cookieHash === undefined ? {} : { cookieHash }),
  };
}

export function toSession(document: SessionDocument): BrokerSession {
  return {
    id: document._id,
    loginHash: document.loginHash,
    provider: document.provider,
    subjectHash: document.subjectHash,
    providerSubjectHash: document.providerSubjectHash,
    providerSessionHash: document.providerSessionHash,
    createdAt: document.createdAt,
    usedAt: document.usedAt,
    endsAt: document.endsAt,
    expiresAt: document.expiresAt,
    generation: document.generation,
    refreshHash: document.refreshHash,
    replaced: document.replaced.map(({ generation, at }) => ({ generation, at })),
    sealed: document.sealed,
    leaseId: document.leaseId,
    leaseUntil: document.leaseUntil,
    ...(document.cookieHash === undefined ? {} : { cookieHash: document.cookieHash }),
  };
}

export function toRevocation({ _id, revokedAt, expiresAt }: RevocationDocument): Revocation {
  const [kind, id = ''] = _id.split(':');
  return {
    kind: kind === 'token' || kind === 'subject' ? kind : 'session',
    id,
    at: revokedAt,
    expiresAt,
  };
}

export function toSigningKeyDocument(key: StoredSigningKey): SigningKeyDocument {
  const { retiredAt } = key;
  return {
    _id: key.sequence,
    kid: key.kid,
    algorithm: key.algorithm,
    sealed: key.sealed,
    createdAt: key.createdAt,
    signsFrom: key.signsFrom,
    ...(retiredAt === undefined ? {} : { retiredAt }),
  };
}

export function toSigningKey(document: SigningKeyDocument): StoredSigningKey {
  return {
    sequence: document._id,
    kid: document.kid,
    algorithm: document.algorithm,
    sealed: document.sealed,
    createdAt: document.createdAt,
    signsFrom: document.signsFrom,
    retiredAt: document.retiredAt,
  };
}

export function toPeerKeys({ _id, issuer, jwks, fetchedAt }: PeerKeysDocument): StoredPeerKeys {
  return { issuer, issuerHash: _id, jwks, fetchedAt };
}
