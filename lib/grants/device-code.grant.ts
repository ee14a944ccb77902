import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { OAuthError } from '../errors/oauth.error.js';
import { type DeviceAuthorization, IdentityProvider } from '../idp/identity-provider.js';
import type { TokenAnswer } from '../idp/token-answer.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { LoginFinisher } from './login-finisher.js';
import { loginScope } from './scopes.js';

const DEFAULT_INTERVAL_SEC = 5;
const CAPACITY = 10_000;

interface Poller {
  readonly intervalMs: number;
  /** Monotonic; `undefined` before the first poll. */
  readonly polledAtMs: number | undefined;
}

function slowDown(): OAuthError {
  return new OAuthError('slow_down', 'Poll less often');
}

/** Device logins (RFC 8628). */
@Injectable()
export class DeviceCodeGrant {
  /** By SHA-256 of the device code; the oldest goes when it is full. */
  readonly #pollers = new Map<string, Poller>();

  constructor(
    private readonly provider: IdentityProvider,
    private readonly finisher: LoginFinisher,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  async start(scope: string | undefined): Promise<DeviceAuthorization> {
    const authorization = await this.provider.startDeviceLogin(
      loginScope(this.options, scope, this.options.offlineAccess),
    );
    this.#remember(hash('sha256', authorization.device_code, 'base64'), {
      intervalMs: authorization.interval * 1000,
      polledAtMs: undefined,
    });
    return authorization;
  }

  /** One poll. Faster than the interval is not passed on. */
  async redeem(deviceCode: string): Promise<TokenAnswer> {
    this.#checkInterval(hash('sha256', deviceCode, 'base64'));
    const answer = await this.provider.pollDeviceLogin(deviceCode);
    await this.finisher.admit(answer, 'device_code');
    return answer;
  }

  #checkInterval(key: string): void {
    const now = this.clock.monotonicMs();
    const { intervalMs = DEFAULT_INTERVAL_SEC * 1000, polledAtMs } = this.#pollers.get(key) ?? {};
    if (polledAtMs !== undefined && now - polledAtMs < intervalMs) throw slowDown();
    this.#remember(key, { intervalMs, polledAtMs: now });
  }

  #remember(key: string, poller: Poller): void {
    this.#pollers.delete(key);
    this.#pollers.set(key, poller);
    if (this.#pollers.size <= CAPACITY) return;
    const [oldest] = this.#pollers.keys();
    if (oldest !== undefined) this.#pollers.delete(oldest);
  }
}
