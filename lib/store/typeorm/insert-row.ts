import type { ObjectLiteral, Repository, UpdateResult } from 'typeorm';
import { isUniqueViolation, repeated } from './driver-errors.js';

const MOST_TRIES = 5;

/** `false` when a unique column holds that value already; a statement by itself, so nothing else is undone by it. */
export async function inserted<Row extends ObjectLiteral>(
  repository: Repository<Row>,
  row: Row,
): Promise<boolean> {
  try {
    await repeated(() => repository.createQueryBuilder().insert().values(row).execute());
    return true;
  } catch (error) {
    if (isUniqueViolation(error)) return false;
    throw error;
  }
}

/** Writes a row, or over the one that is there. That one may be deleted after it stood in the way, so both are tried again. */
export async function upserted<Row extends ObjectLiteral>(
  repository: Repository<Row>,
  row: Row,
  update: () => Promise<UpdateResult>,
): Promise<void> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    if (await inserted(repository, row)) return;
    if ((await repeated(update)).affected !== 0) return;
  }
  throw new Error('A row could not be written');
}
