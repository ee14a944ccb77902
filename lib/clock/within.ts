import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What `work` gives, if it takes no longer than that; else it is left to itself, and what becomes of it concerns nobody.
 *
 * @throws Error `timed out`, and what `work` throws.
 */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const end = new AbortController();
  const late = sleep(ms, undefined, { signal: end.signal, ref: false }).then(() => {
    throw new Error('timed out');
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    end.abort();
    work.catch(() => undefined);
  }
}
