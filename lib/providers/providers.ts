import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { BackOff } from '../clock/back-off.js';
import { Clock } from '../clock/clock.js';
import { describeError } from '../errors/describe-error.js';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { printable } from '../errors/printable.js';
import { Reason } from '../errors/reason.js';
import { HostFaults } from '../events/host-faults.js';
import { OidcEvents } from '../events/oidc-events.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import { isRecord } from '../options/value-rules.js';
import { type TokenResponse, toTokenResponse } from '../tokens/token-response.js';
import {
  type Introspection,
  type IssuerMarks,
  type TokenIssuer,
  TokenIssuers,
} from '../tokens/verification-keys.js';
import { chosenEntry } from './chosen-entry.js';
import type { IdentityProvider } from './identity-provider.js';
import { readMarks } from './logout-token-marks.js';
import type { TokenAnswer } from './token-answer.js';
import { type Entries, EntryMaker } from './provider-entries.js';

/** Whether a value looks like one that went out in a provider's name, be it there or not. */
export function looksMarked(value: string): boolean {
  return /^[a-z0-9][a-z0-9_-]{0,31}~/.test(value);
}

/** The identity providers, by name and by issuer; those of a function come and go while the application runs. */
@Injectable()
export class Providers
  extends TokenIssuers
  implements OnApplicationBootstrap, BeforeApplicationShutdown
{
  readonly #end = new AbortController();
  readonly #maker: EntryMaker;
  #entries: Entries | undefined;
  /** Of requests that come before the function of the option `providers` has answered once. */
  readonly #retry: BackOff;
  #reading: Promise<void> | undefined;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(Clock) private readonly clock: Clock,
    private readonly events: OidcEvents,
    faults: HostFaults,
  ) {
    super();
    this.#maker = new EntryMaker(options, clock, events, faults);
    this.#retry = new BackOff(clock, { firstMs: 500, longestMs: 5000 });
    const { source, list } = options.providers;
    if (!source) this.#entries = this.#maker.ofList(list);
  }

  /** Whether there can be more than one, so that names go out with what belongs to one of them. */
  get several(): boolean {
    return this.options.providers.several;
  }

  /** @throws {@link OAuthError} 503 while the function of the option `providers` has given none. */
  async all(): Promise<readonly IdentityProvider[]> {
    if (this.#entries === undefined)
      await this.#retry.run(() => this.#ask()).catch(() => undefined); // sent as an event
    return this.known();
  }

  /** Those that are known now; asks nobody. @throws {@link OAuthError} as {@link all}. */
  known(): readonly IdentityProvider[] {
    if (this.#entries !== undefined) return this.peekAll();
    const text = 'The identity providers are not known yet';
    throw new OAuthError('temporarily_unavailable', text, { cause: 'providers' });
  }

  /** The provider of that name, `undefined` when there is none (any more). @throws {@link OAuthError} as {@link all}. */
  async find(name: string): Promise<IdentityProvider | undefined> {
    return (await this.all()).find((provider) => provider.name === name);
  }

  /** Those that are known now, none while nobody knows; asks nobody. */
  peekAll(): readonly IdentityProvider[] {
    return [...(this.#entries?.values() ?? [])].map(({ provider }) => provider);
  }

  /** The provider of that name among those that are known now; asks nobody. */
  peek(name: string): IdentityProvider | undefined {
    return this.#entries?.get(name)?.provider;
  }

  /**
   * The provider that a request names, else the one that requests without a name mean.
   *
   * @throws {@link OAuthError} 400 `invalid_request` for a name that nobody has; 503 as {@link all}.
   */
  async wanted(name: string | undefined): Promise<IdentityProvider> {
    const all = await this.all();
    const wanted = name ?? this.options.providers.defaultName ?? all[0]?.name;
    const found = all.find(({ name: one }) => one === wanted);
    if (found) return found;
    const expected = all.map((provider) => provider.name);
    const cause = new Reason('provider is unknown', {
      expected,
      came: name ?? 'none',
      option: '"providers", "defaultProvider"',
    });
    throw new OAuthError('invalid_request', 'There is no such identity provider here', { cause });
  }

  /**
   * A value that goes out and comes back: with its provider's name before it, where there is more than one or it is not `default`. Of
   * those that come and go, also a hash of issuer and client: another one may come under the name, and must not get it.
   */
  mark({ name, identity }: IdentityProvider, value: string): string {
    if (this.options.providers.source !== undefined) return `${name}~${identity}~${value}`;
    return this.several || name !== DEFAULT_PROVIDER ? `${name}~${value}` : value;
  }

  /** The provider's own tokens, in our members; the refresh token comes back to us alone. */
  toTokenResponse(provider: IdentityProvider, answer: TokenAnswer, nowSec: number): TokenResponse {
    const { refreshToken } = answer;
    if (refreshToken === undefined) return toTokenResponse(answer, nowSec);
    const marked = { ...answer, refreshToken: this.mark(provider, refreshToken) };
    return toTokenResponse(marked, nowSec);
  }

  /**
   * Whose a value is that {@link mark} wrote, and what it was. One without a name is of the provider named `default`, from the time when
   * it was the only one. What looks like a name of another one that is not there any more goes to nobody.
   *
   * @returns `undefined` when there is no such provider (any more). @throws {@link OAuthError} as {@link all}.
   */
  async ofMarked(
    marked: string,
  ): Promise<{ provider: IdentityProvider; value: string } | undefined> {
    const all = await this.all();
    const found = all.find((one) => marked.startsWith(this.mark(one, '')));
    const mark = found && this.mark(found, '');
    if (found && mark) return { provider: found, value: marked.slice(mark.length) };
    if (found === undefined && looksMarked(marked)) return undefined;
    const bare =
      all.find(({ name }) => name === DEFAULT_PROVIDER) ?? (this.several ? undefined : all[0]);
    return bare && { provider: bare, value: marked };
  }

  /**
   * The provider that a logout token says to be of; it holds nothing against it yet. Where no provider fits, the default one, which will
   * refuse it.
   *
   * @throws {@link OAuthError} 503 as {@link all}.
   */
  async ofLogoutToken(logoutToken: string): Promise<IdentityProvider> {
    const all = await this.all();
    const fallback = await this.wanted(undefined);
    if (all.length === 1) return fallback;
    const { iss, audiences } = readMarks(logoutToken);
    const mine = all.filter(({ options }) => audiences.includes(options.clientId));
    const asked = await Promise.all(
      mine.map(async (provider) => {
        // Only those that can have written it are asked for their metadata.
        const issuer = iss === undefined ? undefined : provider.named(iss).catch(() => undefined);
        return (await issuer) === undefined ? undefined : provider;
      }),
    );
    return asked.find((provider) => provider !== undefined) ?? fallback;
  }

  async named(iss: string, marks?: () => IssuerMarks): Promise<TokenIssuer | undefined> {
    const known = this.#entries === undefined ? await this.all() : this.peekAll();
    return chosenEntry(known, iss, marks);
  }

  /** The only one whose opaque tokens look like that: a token that could be of two goes to neither. */
  override async introspectionOf(token: string): Promise<Introspection | undefined> {
    const found = (await this.all()).filter((one) => one.introspection?.matches(token) === true);
    return found.length === 1 ? found[0]?.introspection : undefined;
  }

  /** All scopes that logins may ask for, with any of those that are known now. */
  scopes(): readonly string[] {
    return [...new Set(this.known().flatMap(({ options }) => options.allowedScopes))];
  }

  /** The issuers of all that can be asked. @throws {@link OAuthError} 502, 503 when none can. */
  async issuers(): Promise<readonly string[]> {
    const answers = await Promise.allSettled((await this.all()).map((one) => one.issuers()));
    const found = answers.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
    const failed = answers.find((one) => one.status === 'rejected');
    if (found.length === 0 && failed !== undefined) throw failed.reason;
    return [...new Set(found)];
  }

  override names(): readonly string[] {
    return [...new Set(this.peekAll().flatMap((provider) => provider.names()))];
  }

  /** Asks the function of the option `providers` again, if it is one. Calls at the same time share one question. */
  async refresh(): Promise<void> {
    await this.#ask().catch(() => undefined); // sent as an event
  }

  onApplicationBootstrap(): void {
    if (this.options.providers.source !== undefined) void this.#keepReading();
  }

  beforeApplicationShutdown(): void {
    this.#end.abort();
    for (const { http } of this.#entries?.values() ?? []) http.beforeApplicationShutdown();
  }

  async #keepReading(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await this.refresh();
      const ms = this.options.providers.pollSec * 1000 * (0.85 + Math.random() * 0.15);
      await this.clock.sleep(ms, { signal, ref: false });
    }
  }

  #ask(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #read(): Promise<void> {
    const { source } = this.options.providers;
    if (source === undefined) return;
    try {
      const given = await this.clock.within(this.options.timeoutMs, Promise.resolve().then(source));
      if (!isRecord(given)) throw new OidcConfigError('Option "providers" gave no object.');
      const before = this.#entries;
      this.#entries = this.#maker.ofMap(given, before);
      const now = new Set(this.#entries.values());
      for (const entry of before?.values() ?? []) if (!now.has(entry)) entry.provider.retire();
    } catch (error) {
      const reason =
        error instanceof OidcConfigError ? printable(error.message) : describeError(error);
      this.events.emit('providers-failed', { provider: DEFAULT_PROVIDER, reason });
      throw error;
    }
  }
}
