import type { ReplacedGeneration } from '../contract/broker-store.js';

/** Two instances' clocks may differ by this much. What was replaced later than that lies in no past: a clock was set back. */
const CLOCKS_DIFFER_MS = 10_000;

/** Whether whoever repeats a refresh token that was replaced still gets its successor. */
export function isGraced({ at }: ReplacedGeneration, now: Date, graceSec: number): boolean {
  const ageMs = now.getTime() - at.getTime();
  return ageMs >= -CLOCKS_DIFFER_MS && Math.max(0, ageMs) < graceSec * 1000;
}
