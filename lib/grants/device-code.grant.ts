import { hash } from 'node:crypto';
import type { Clock } from '../clock/clock.js';
import { OAuthError, invalidGrant } from '../errors/oauth.error.js';
import type { DeviceAuthorization } from '../providers/device-login.js';
import type { ChosenProvider, ProviderChoice } from '../login/chosen-provider.js';
import type { Providers } from '../providers/providers.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { LoginClient } from '../login/login-client.js';
import type { LoginFinisher } from '../login/login-finisher.js';
import { counted } from '../telemetry/telemetry.js';
import { loginScope } from '../tokens/scopes.js';
import type { TokenResponse } from '../tokens/token-response.js';

const DEFAULT_INTERVAL_SEC = 5;
/** How much earlier than the interval a poll may come: clients count from an answer, and networks are uneven. */
const EARLY_MS = 500;
const CAPACITY = 10_000;

/** What a device login begins with. */
export interface DeviceRequest extends ProviderChoice {
  /** Space separated; replaces the provider's scopes. */
  readonly scope?: string | undefined;
}

interface Poller {
  readonly intervalMs: number;
  /** Monotonic; `undefined` before the first poll. */
  readonly polledAtMs: number | undefined;
}

function slowDown(cause?: unknown): OAuthError {
  return new OAuthError('slow_down', 'Poll less often', { cause });
}

/** 503, because the Python client takes that for "use the browser", and any other answer for a fault. */
export function noDeviceLogins(option: 'grants.device' | 'routes.device'): OAuthError {
  const cause = `the option "${option}" is false`;
  return new OAuthError('temporarily_unavailable', 'There are no device logins here', { cause });
}

/** Device logins (RFC 8628). */
export class DeviceCodeGrant {
  /** By SHA-256 of the device code; the oldest goes when it is full. */
  readonly #pollers = new Map<string, Poller>();

  constructor(
    private readonly providers: Providers,
    private readonly chosen: Pick<ChosenProvider, 'of'>,
    private readonly finisher: Pick<LoginFinisher, 'prepare' | 'concludeDevice'>,
    private readonly clock: Clock,
    private readonly options: ResolvedOptions,
  ) {}

  /** @throws {@link OAuthError} 503 where device logins are off; clients of the wire contract then take their browser. */
  async start({ scope, ...choice }: DeviceRequest): Promise<DeviceAuthorization> {
    if (!this.options.grants.device) throw noDeviceLogins('grants.device');
    const { provider } = await this.chosen.of(choice);
    const authorization = await provider.startDeviceLogin(
      loginScope(provider.options, scope, provider.options.offlineAccess),
    );
    const device_code = this.providers.mark(provider, authorization.device_code);
    this.#remember(hash('sha256', device_code, 'base64'), {
      intervalMs: authorization.interval * 1000,
      polledAtMs: undefined,
    });
    return { ...authorization, device_code };
  }

  /** One poll. Faster than the interval, but for half a second, is not passed on. */
  async redeem(deviceCode: string, client: LoginClient = {}): Promise<TokenResponse> {
    this.#checkInterval(hash('sha256', deviceCode, 'base64'));
    await this.#prepare();
    const marked = await this.providers.ofMarked(deviceCode);
    if (marked === undefined) throw invalidGrant('device_code of no provider that is known here');
    const { provider, value } = marked;
    const attributes = { 'oidc.grant': 'device_code', 'oidc.provider': provider.name };
    return counted('oidc.logins', attributes, async () => {
      const answer = await provider.pollDeviceLogin(value);
      return this.finisher.concludeDevice(answer, provider, { deviceCode, client });
    });
  }

  /** A store that is down must not cost the grant, and polling clients give up on a 503. */
  async #prepare(): Promise<void> {
    try {
      await this.finisher.prepare();
    } catch (error) {
      throw error instanceof OAuthError ? slowDown(error) : error;
    }
  }

  #checkInterval(key: string): void {
    const now = this.clock.monotonicMs();
    const { intervalMs = DEFAULT_INTERVAL_SEC * 1000, polledAtMs } = this.#pollers.get(key) ?? {};
    if (polledAtMs !== undefined && now - polledAtMs < intervalMs - EARLY_MS) throw slowDown();
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
