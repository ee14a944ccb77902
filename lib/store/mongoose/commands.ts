import type { mongo } from 'mongoose';

export const ABSENT = { $exists: false } as const;
const DUPLICATE_KEY = 11_000;

/** Only such a text reaches a filter: an object there would be an operator. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{32,64}$/.test(value);
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === DUPLICATE_KEY;
}

/** `false` when a unique member holds that value already. */
export function inserted<Document extends { _id: string | number }>(
  collection: mongo.Collection<Document>,
  document: mongo.OptionalUnlessRequiredId<Document>,
): Promise<boolean> {
  return written(() => collection.insertOne(document));
}

/** `false` when a unique member stood in the way; an upsert hears that too when another one was faster. */
export async function written(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (isDuplicate(error)) return false;
    throw error;
  }
}

export function alive(now: Date) {
  return { revokedAt: ABSENT, expiresAt: { $gt: now } };
}
