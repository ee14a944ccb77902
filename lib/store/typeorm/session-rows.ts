import type {
  BrokerSession,
  ReplacedGeneration,
  SessionState,
} from '../../contract/broker-store.js';
import type { SessionRow } from './entities.js';

function written(replaced: readonly ReplacedGeneration[]): string {
  return JSON.stringify(replaced.map(({ generation, at }) => [generation, at.getTime()]));
}

function read(replaced: string): ReplacedGeneration[] {
  const pairs: [generation: number, at: number][] = JSON.parse(replaced);
  return pairs.map(([generation, at]) => ({ generation, at: new Date(at) }));
}

/** What a refresh writes. */
export function toStateColumns(state: SessionState) {
  return {
    usedAt: state.usedAt.getTime(),
    expiresAt: state.expiresAt.getTime(),
    generation: state.generation,
    refreshHash: state.refreshHash ?? null,
    replaced: written(state.replaced),
    sealed: state.sealed,
  };
}

export function toSessionRow(session: BrokerSession): SessionRow {
  return {
    ...toStateColumns(session),
    id: session.id,
    loginHash: session.loginHash,
    provider: session.provider,
    subjectHash: session.subjectHash,
    providerSubjectHash: session.providerSubjectHash,
    providerSessionHash: session.providerSessionHash ?? null,
    createdAt: session.createdAt.getTime(),
    endsAt: session.endsAt.getTime(),
    leaseId: session.leaseId ?? null,
    leaseUntil: session.leaseUntil?.getTime() ?? null,
    revokedAt: null,
    cookieHash: session.cookieHash ?? null,
  };
}

export function toSession(row: SessionRow): BrokerSession {
  return {
    id: row.id,
    loginHash: row.loginHash,
    provider: row.provider,
    subjectHash: row.subjectHash,
    providerSubjectHash: row.providerSubjectHash,
    providerSessionHash: row.providerSessionHash ?? undefined,
    createdAt: new Date(row.createdAt),
    usedAt: new Date(row.usedAt),
    endsAt: new Date(row.endsAt),
    expiresAt: new Date(row.expiresAt),
    generation: row.generation,
    refreshHash: row.refreshHash ?? undefined,
    replaced: read(row.replaced),
    sealed: row.sealed,
    leaseId: row.leaseId ?? undefined,
    leaseUntil: row.leaseUntil === null ? undefined : new Date(row.leaseUntil),
    ...(row.cookieHash === null ? {} : { cookieHash: row.cookieHash }),
  };
}
