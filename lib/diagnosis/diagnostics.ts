import type { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import type { Clock } from '../clock/clock.js';
import { describeError } from '../errors/describe-error.js';
import type { GuardedFetch } from '../http/guarded-fetch.js';
import type { PublicUrls } from '../options/public-urls.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { Providers } from '../providers/providers.js';
import type { KeyRing } from '../sealing/key-ring.js';
import { examineFront } from './examine-front.js';
import { examineProvider } from './examine-provider.js';
import { loginsOfHandlers } from './examine-step-up.js';
import { type Diagnosis } from './finding.js';
import { Notes, diagnosisOf } from './notes.js';

/** What `OidcService.diagnose()` takes. */
export interface DiagnosisRequest {
  /** An access token of the provider (with several, of the default one), to be looked at in passthrough mode. It need not be valid any more. */
  readonly accessToken?: string;
}

/** What a diagnosis of either mode looks at. */
export interface Diagnosed {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly providers: Providers;
  readonly http: GuardedFetch;
  readonly keyRing: KeyRing;
  readonly urls: PublicUrls;
  readonly adapterHost: HttpAdapterHost;
  readonly modules: ModulesContainer;
}

/** Looks at everything that the application lives on, for what does not work. */
export abstract class Diagnostics {
  constructor(protected readonly diagnosed: Diagnosed) {}

  /** Never throws. */
  async diagnose({ accessToken }: DiagnosisRequest = {}): Promise<Diagnosis> {
    const [providers, front, further] = await Promise.all([
      this.#ofProviders(accessToken),
      this.#ofFront(),
      this.further(),
    ]);
    return diagnosisOf([...providers, front, ...further]);
  }

  /** Whether the guard takes the providers' tokens. */
  protected abstract readonly takesTokens: boolean;

  /** What only this mode has. */
  protected abstract further(): Promise<readonly Notes[]>;

  async #ofProviders(accessToken: string | undefined): Promise<readonly Notes[]> {
    const { providers, clock, modules } = this.diagnosed;
    const logins = loginsOfHandlers(modules);
    try {
      const all = await providers.all();
      const fallback = await providers.wanted(undefined);
      return await Promise.all(
        all.map(({ name, options }) =>
          examineProvider({
            options,
            clock,
            redirectUris: this.#redirectUris(name),
            takesTokens: this.takesTokens,
            logins,
            accessToken: name === fallback.name ? accessToken : undefined,
          }),
        ),
      );
    } catch (error) {
      const notes = new Notes('providers');
      notes.find('providers-unknown', describeError(error));
      return [notes];
    }
  }

  /** Where browsers come back to: our own callback, and the pages that the host lists. */
  #redirectUris(provider: string): readonly string[] {
    const { options, urls } = this.diagnosed;
    if (options.routes.login === undefined) return [];
    const own = urls.callback(provider);
    const listed = options.allowedRedirectUris.filter((uri) => /^https?:/.test(uri));
    return own === undefined ? listed : [own, ...listed];
  }

  async #ofFront(): Promise<Notes> {
    const { urls, http, adapterHost, options } = this.diagnosed;
    const { publicUrl } = options;
    if (publicUrl === undefined) return new Notes('publicUrl');
    const { httpAdapter } = adapterHost;
    return examineFront({
      publicUrl,
      route: urls.url('userinfo'),
      http,
      server: httpAdapter?.getHttpServer(),
    });
  }
}
