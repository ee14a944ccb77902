import { describeError } from '../errors/describe-error.js';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { withoutDetails } from '../errors/shown-value.js';
import type { OidcEvents } from '../events/oidc-events.js';
import type { BrokerHealthParts } from './broker-health.js';
import { type Diagnosed, Diagnostics } from './diagnostics.js';
import { Notes } from './notes.js';

/** Store, signing keys and trusted issuers too. */
export class BrokerDiagnostics extends Diagnostics {
  protected readonly takesTokens = false;
  #storeProblem: string | undefined;
  #clocksDiffer: number | undefined;

  constructor(
    diagnosed: Diagnosed & { readonly events: OidcEvents },
    private readonly parts: BrokerHealthParts,
  ) {
    super(diagnosed);
    diagnosed.events.on('clocks-differ', ({ aheadSec }) => (this.#clocksDiffer = aheadSec));
  }

  /** Takes down why the store cannot be used, instead of letting it stop start-up. */
  async watch(start: Promise<void>): Promise<void> {
    try {
      await start;
    } catch (error) {
      if (!(error instanceof OidcConfigError)) throw error;
      this.#storeProblem = error.message;
    }
  }

  protected async further(): Promise<readonly Notes[]> {
    return [await this.#ofStore(), this.#ofEncryption(), this.#ofClocks(), await this.#ofPeers()];
  }

  async #ofStore(): Promise<Notes> {
    const notes = new Notes('store');
    const { store, ofSessions } = this.parts;
    if (this.#storeProblem !== undefined) {
      notes.find('store-unusable', this.#storeProblem);
      return notes;
    }
    try {
      await ofSessions.keys.look();
    } catch (error) {
      notes.find(
        'store-unreachable',
        describeError(error instanceof OAuthError ? error.cause : error),
      );
      return notes;
    }
    notes.note(store.lasting ? 'it answers' : 'sessions are in memory, and end with this process');
    const { unreadable } = ofSessions.keys;
    if (unreadable > 0) {
      const seen = `${unreadable} signing keys were encrypted with keys that "encryptionKeys" does not list`;
      notes.find('other-encryption-keys', seen);
    }
    return notes;
  }

  #ofEncryption(): Notes {
    const notes = new Notes('encryptionKeys');
    const { keyRing } = this.diagnosed;
    if (keyRing.missing === undefined) return notes;
    const { lasting } = this.parts.store;
    notes.find(
      'encryption-keys-missing',
      `${keyRing.missing}: nothing can be read after a restart`,
      {
        severity: lasting ? 'error' : 'warning',
      },
    );
    return notes;
  }

  #ofClocks(): Notes {
    const notes = new Notes('clocks');
    const aheadSec = this.#clocksDiffer;
    if (aheadSec === undefined) return notes;
    const way = aheadSec > 0 ? 'ahead of' : 'behind';
    notes.find('clocks-differ', `another instance was ${Math.abs(aheadSec)} s ${way} this one`);
    return notes;
  }

  async #ofPeers(): Promise<Notes> {
    const notes = new Notes('trusted issuers');
    const { peers } = this.parts;
    const sources = peers.sources();
    await Promise.all(sources.map(([, keys]) => keys.look(0)));
    for (const [issuer, { state }] of sources) {
      if (state.known && !state.failing) notes.note(`${withoutDetails(issuer)} answers`);
      else notes.find('peer-unreachable', `${withoutDetails(issuer)} gives no usable key set`);
    }
    return notes;
  }
}
