import type { Revocations } from '../sessions/revocations.js';
import type { SigningKeys } from '../keys/signing-keys.js';
import type { Clock } from '../clock/clock.js';
import { describeError } from '../errors/describe-error.js';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { SafeLogger } from '../errors/safe-logger.js';
import type { PeerIssuers } from '../federation/peer-issuers.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { KeyRing } from '../sealing/key-ring.js';
import type { StoreAccess } from '../store/store-access.js';

const PURGE_BATCH = 500;
const PAUSE_MS = 50;
/** Rows are kept this long beyond their end, for clocks that differ. */
const PURGE_MARGIN_MS = 60_000;

/** A turn under way at shutdown gets this long to end. */
const SHUTDOWN_LIMIT_MS = 4000;

/**
 * What broker mode does without being asked: pulls revocations, keys and trusted issuers every few seconds, and
 * removes expired rows. Each waits for its own last turn alone, so that one that hangs holds up no other.
 */
export class BrokerUpkeep {
  readonly #logger = new SafeLogger();
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly keys: SigningKeys,
    private readonly revocations: Revocations,
    private readonly peers: PeerIssuers,
    private readonly store: StoreAccess,
    private readonly keyRing: KeyRing,
    private readonly clock: Clock,
    private readonly broker: ResolvedBrokerOptions,
  ) {}

  /** @throws {@link OidcConfigError} without keys that could read the store again. */
  start(): void {
    if (this.store.lasting) this.#checkKeys();
    const pulls = [
      () => this.revocations.pull(),
      () => this.keys.look(),
      () => this.keys.tidyUp(),
      () => this.peers.refresh(),
    ];
    const turns = pulls.map((pull) => this.#repeat(pull, this.broker.revocationPollSec, 'at once'));
    const { purgeIntervalSec } = this.broker;
    if (purgeIntervalSec > 0) {
      turns.push(this.#repeat(() => this.purge(), purgeIntervalSec, 'later'));
    }
    this.#running = Promise.all(turns);
  }

  /** Begins no more turns, and gives those under way a few seconds to end. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.clock.atMost(SHUTDOWN_LIMIT_MS, this.#running);
  }

  /** What is kept beyond this process must be readable beyond it. @throws {@link OidcConfigError} */
  #checkKeys(): void {
    if (this.keyRing.missing !== undefined) {
      throw new OidcConfigError(
        `Option "encryptionKeys" is missing, and ${this.keyRing.missing}: nobody could read the sessions and keys in ` +
          '"broker.store" after a restart. Set "encryptionKeys" to a list of strings of 32 characters and more, e.g. the output of ' +
          '`openssl rand -base64 32`, or use "memory://".',
      );
    }
    if (this.keyRing.origin === 'clientSecret') {
      this.#logger.warn(
        'Sessions and signing keys are encrypted with keys derived from "clientSecret": when it changes, all sessions end unless the ' +
          'former one is listed in "encryptionKeys". Better set "encryptionKeys" now.',
      );
    }
  }

  /** Looks for what other instances did. */
  async pull(): Promise<void> {
    await Promise.all([this.keys.refresh(), this.revocations.pull(), this.peers.refresh()]);
  }

  /** Removes expired rows in small batches, until none are left. @returns how many. */
  async purge(): Promise<number> {
    const before = new Date(this.clock.now().getTime() - PURGE_MARGIN_MS);
    let removed = 0;
    for (let batch = PURGE_BATCH; batch >= PURGE_BATCH && !this.#stop.signal.aborted;) {
      batch = await this.store.ask((store) => store.purgeExpired(before, PURGE_BATCH), {
        repeat: true,
      });
      removed += batch;
      await this.#pause(PAUSE_MS);
    }
    return removed;
  }

  async #repeat(
    turn: () => Promise<unknown>,
    everySec: number,
    first: 'at once' | 'later',
  ): Promise<void> {
    if (first === 'later') await this.#pause(jittered(everySec));
    while (!this.#stop.signal.aborted) {
      await turn().catch((error: unknown) => this.#report(error));
      await this.#pause(jittered(everySec));
    }
  }

  /** Failures of the store and of peers were reported where they happened. */
  #report(error: unknown): void {
    if (error instanceof OAuthError) return;
    this.#logger.error(`Upkeep failed: ${describeError(error)}`);
  }

  async #pause(ms: number): Promise<void> {
    await this.clock.sleep(ms, { signal: this.#stop.signal, ref: false });
  }
}

/** A little less each time, so that instances that start together do not stay together. */
function jittered(seconds: number): number {
  return seconds * 1000 * (0.85 + Math.random() * 0.15);
}
