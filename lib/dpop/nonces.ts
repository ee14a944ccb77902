import { type Clock, epochSeconds } from '../clock/clock.js';
import type { KeyRing, Mac } from '../sealing/key-ring.js';

/** How long a nonce counts, in seconds. */
const LIFETIME_SEC = 30;
/** From then on a client is told the next one with each answer. */
const RENEWED_AFTER_SEC = 15;
/** All who ask in it get the same. */
const STEP_SEC = 5;

const TIME_BYTES = 6;

/**
 * Nonces for proofs (RFC 9449 §8): a time with a message authentication code, so that nothing is kept of them, and every instance with the same keys
 * knows them.
 */
export class DpopNonces {
  readonly #mac: Mac;
  #current: { readonly step: number; readonly nonce: string } | undefined;

  constructor(
    keyRing: KeyRing,
    private readonly clock: Clock,
    private readonly toleranceSec: number,
  ) {
    this.#mac = keyRing.mac('DPoP nonce');
  }

  /** The one to use now. */
  fresh(): string {
    const step = Math.floor(epochSeconds(this.clock) / STEP_SEC) * STEP_SEC;
    if (this.#current?.step === step) return this.#current.nonce;
    const time = Buffer.alloc(TIME_BYTES);
    time.writeUIntBE(step, 0, TIME_BYTES);
    const nonce = Buffer.concat([time, this.#mac.of(time)]).toString('base64url');
    this.#current = { step, nonce };
    return nonce;
  }

  /** How a nonce stands: the next one should follow soon, or it does not count (any more). */
  stateOf(nonce: unknown): 'good' | 'ageing' | 'over' {
    const bytes = typeof nonce === 'string' ? Buffer.from(nonce, 'base64url') : Buffer.alloc(0);
    const time = bytes.subarray(0, TIME_BYTES);
    if (bytes.toString('base64url') !== nonce) return 'over';
    if (!this.#mac.verify(time, bytes.subarray(TIME_BYTES))) return 'over';
    const ageSec = epochSeconds(this.clock) - time.readUIntBE(0, TIME_BYTES);
    if (ageSec < -this.toleranceSec || ageSec > LIFETIME_SEC) return 'over';
    return ageSec > RENEWED_AFTER_SEC ? 'ageing' : 'good';
  }
}
