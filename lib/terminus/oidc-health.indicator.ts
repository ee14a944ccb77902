import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { OidcService } from '../service/oidc.service.js';

/** What the session of an indicator can say; Terminus 11 knows no `degraded`. */
interface Saying {
  up(data: Record<string, unknown>): HealthIndicatorResult;
  degraded?(data: Record<string, unknown>): HealthIndicatorResult;
  down(data: Record<string, unknown>): HealthIndicatorResult;
}

/**
 * Tells `@nestjs/terminus` what `OidcService.health()` tells: `up`, `degraded` (on Terminus 11 `up` with `degraded: true`), `down`, with
 * the same for each provider, the store, the signing keys and the trusted issuers. List it in the providers of the module that has the
 * health controller, beside `TerminusModule`.
 *
 * @example `this.health.check([() => this.oidc.isHealthy()])`
 */
@Injectable()
export class OidcHealthIndicator {
  readonly #oidc: OidcService;
  readonly #indicators: HealthIndicatorService;

  constructor(oidc: OidcService, indicators: HealthIndicatorService) {
    this.#oidc = oidc;
    this.#indicators = indicators;
  }

  /** @param key the name in the answer. @defaultValue `'oidc'` */
  async isHealthy(key = 'oidc'): Promise<HealthIndicatorResult> {
    const { status, ...parts } = await this.#oidc.health();
    const session: Saying = this.#indicators.check(key);
    if (status !== 'degraded') return session[status](parts);
    return session.degraded?.(parts) ?? session.up({ ...parts, degraded: true });
  }
}
