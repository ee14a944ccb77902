import { isDeepStrictEqual } from 'node:util';
import { SafeLogger } from '../errors/safe-logger.js';
import type { EventSink } from '../events/oidc-events.js';
import type { ClaimsMapper } from '../options/broker-options.js';
import { isRecord } from '../options/value-rules.js';
import { cleanClaims } from '../tokens/clean-claims.js';
import { textList } from '../tokens/text-list.js';
import { type CollectedClaims, DISPLAY_CLAIMS, ROLE_CLAIMS } from './collected-claims.js';

/** What a token of ours needs to mean what it says; a host's own claims do not touch it. */
const RESERVED: readonly string[] =
  'iss sub aud exp nbf iat jti sid idp idp_iss scope scp client_id azp appid cid typ token_use events nonce at_hash c_hash cnf act may_act'.split(
    ' ',
  );

const OURS: readonly string[] = [...DISPLAY_CLAIMS, 'roles'];

/** What the host's `mapClaims` adds to minted tokens. */
export class MappedClaims {
  readonly #logger = new SafeLogger();
  readonly #warned = new Set<string>();

  constructor(
    private readonly mapper: ClaimsMapper | undefined,
    private readonly events: EventSink,
    private readonly provider: string,
  ) {}

  /**
   * What the mapper adds or changes. What it only hands on of our own claims (roles, user name, address) stays as we put it together, and
   * a claim that makes roles as their one source says it, so that handing everything on gives nobody more rights.
   *
   * @throws TypeError when the mapper gives no object.
   */
  async of({ all, roleSource }: CollectedClaims): Promise<Readonly<Record<string, unknown>>> {
    const given: unknown = (await this.mapper?.(Object.freeze({ ...all }))) ?? {};
    if (!isRecord(given)) {
      this.#logger.error('"broker.mapClaims" must return an object of claims');
      throw new TypeError('broker.mapClaims gave no object');
    }
    const handsOn = (name: string): boolean =>
      Object.hasOwn(all, name) && isDeepStrictEqual(given[name], all[name]);
    const kept = (name: string): unknown => {
      if (!handsOn(name)) return given[name];
      const goesWithEmail = Object.hasOwn(given, 'email') && !handsOn('email');
      if (name === 'email_verified' && goesWithEmail) return given[name];
      if (OURS.includes(name)) return undefined;
      return ROLE_CLAIMS.includes(name) ? roleSource?.[name] : given[name];
    };
    const names = Object.keys(given).filter((name) => given[name] !== undefined);
    this.#warn(names.filter((name) => RESERVED.includes(name) && !handsOn(name)));
    const entries = names
      .filter((name) => !RESERVED.includes(name))
      .map((name): [string, unknown] => [name, kept(name)])
      .filter(([, value]) => value !== undefined);
    return this.#cleaned(Object.fromEntries(entries));
  }

  #cleaned(mapped: Record<string, unknown>): Record<string, unknown> {
    cleanClaims(mapped, (claim, came) => {
      const { provider } = this;
      this.events.emit('claim-mistyped', { provider, source: 'broker.mapClaims', claim, came });
    });
    return Object.hasOwn(mapped, 'roles')
      ? { ...mapped, roles: textList(mapped['roles']) }
      : mapped;
  }

  #warn(reserved: readonly string[]): void {
    for (const name of reserved) {
      if (this.#warned.has(name)) continue;
      this.#warned.add(name);
      this.#logger.warn(
        `"broker.mapClaims" gives "${name}", which a host cannot set; it is left out`,
      );
    }
  }
}
