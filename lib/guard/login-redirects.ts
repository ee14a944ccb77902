import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import {
  type ExecutionContext,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { OAuthError } from '../errors/oauth.error.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { HostFaults } from '../events/host-faults.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import { PublicUrls } from '../options/public-urls.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { isReturnPath } from '../options/return-path.js';
import { KeyRing } from '../sealing/key-ring.js';
import type { CheckedAuthRule } from '../tokens/auth-rule.js';
import { cookieNamed, headerOf } from '../tokens/session-cookie.js';
import { StepUpRefusal, wantedLogin } from '../tokens/step-up.js';
import { DemandedLogins } from './demanded-logins.js';
import { effectiveRule } from './declared-rules.js';
import { failureAnswer } from './failure-answer.js';
import { LoginDemand } from './login-demand.js';

/** Who comes back unknown so soon has logged in in vain. */
const LOOP_SEC = 10;

interface HttpRequest {
  readonly method?: string;
  readonly headers: IncomingMessage['headers'];
  readonly url?: string;
  readonly originalUrl?: string;
}

/** Sends people to log in where `@Auth({ onUnauthenticated: 'login' })` says so. */
@Injectable()
export class LoginRedirects implements OnApplicationBootstrap {
  readonly #demands: DemandedLogins;

  constructor(
    private readonly urls: PublicUrls,
    private readonly modules: ModulesContainer,
    private readonly faults: HostFaults,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    keyRing: KeyRing,
  ) {
    this.#demands = new DemandedLogins(keyRing);
  }

  /** @throws {@link OidcConfigError} where a handler wants a login that nothing could keep. */
  onApplicationBootstrap(): void {
    if (this.options.session !== undefined) return;
    const found = this.#demanding();
    if (found === undefined) return;
    throw new OidcConfigError(
      `@Auth({ onUnauthenticated: 'login' }) on ${found} sends browsers to log in, and without the option "session" nothing would keep them logged ` +
        'in. Set "session: {}" (and "broker"), or leave "onUnauthenticated" out.',
    );
  }

  /** A login in place of a 401, for a page that a person opened; `undefined` for every other request. */
  async of(
    context: ExecutionContext,
    refusal: OAuthError,
    rule: CheckedAuthRule,
  ): Promise<LoginDemand | undefined> {
    const { session } = this.options;
    if (session === undefined || refusal.getStatus() !== 401) return undefined;
    if (context.getType<string>() !== 'http') return undefined;
    const request = context.switchToHttp().getRequest<HttpRequest>();
    if (!isPageVisit(request)) return undefined;
    const own = request.originalUrl ?? request.url ?? '/';
    const path = isReturnPath(own) ? own : '/';
    const loginUrl = this.urls.loginUrl(path, await this.#wanted(refusal, rule));
    const marker = `${session.cookieName}.redirected`;
    const mark = createHash('sha256').update(path).digest('base64url').slice(0, 22);
    if (cookieNamed(request.headers, marker) === mark) {
      const { error, description } = refusal;
      const failure = { status: 401, error, description, retryUrl: loginUrl };
      return new LoginDemand(refusal, failureAnswer(failure, session, this.faults));
    }
    const secure = session.secure ? '; Secure' : '';
    const cookie = `${marker}=${mark}; Path=/; Max-Age=${LOOP_SEC}; HttpOnly; SameSite=Lax${secure}`;
    return new LoginDemand(refusal, {
      status: 302,
      headers: [
        ['Location', loginUrl],
        ['Set-Cookie', cookie],
        ['Cache-Control', 'no-store'],
        ['Vary', 'Cookie, Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Purpose'],
      ],
      body: '',
    });
  }

  /** All that the rule demands of the login, so that one login will do, at the provider that the session is of. */
  async #wanted(refusal: OAuthError, rule: CheckedAuthRule): Promise<Record<string, string>> {
    const isUnmet = refusal.error === 'insufficient_user_authentication';
    const wanted = isUnmet ? refusal : wantedLogin(rule);
    if (wanted === undefined) return {};
    const step_up = await this.#demands.seal(wanted);
    const { several } = this.options.providers;
    const provider = refusal instanceof StepUpRefusal ? refusal.provider : undefined;
    return several && provider !== undefined ? { step_up, provider } : { step_up };
  }

  #demanding(): string | undefined {
    const scanner = new MetadataScanner();
    const controllers = [...this.modules.values()].flatMap((one) => [...one.controllers.values()]);
    for (const { metatype: type } of controllers) {
      if (typeof type !== 'function') continue;
      for (const name of scanner.getAllMethodNames(type.prototype)) {
        const handler: unknown = Reflect.get(type.prototype, name);
        if (typeof handler !== 'function') continue;
        const rule = effectiveRule(handler, type);
        if (rule !== undefined && rule !== 'public' && rule.logsIn) return `${type.name}.${name}`;
      }
    }
    return undefined;
  }
}

/** A person opens a page in a tab: no fetch, no frame, no image, and no guess of the browser's at what will be opened next. */
export function isPageVisit({ method, headers }: HttpRequest): boolean {
  return method === 'GET' && opensPage({ headers });
}

/** The same for a page that another page's form opens. */
export function opensPage({ headers }: Pick<HttpRequest, 'headers'>): boolean {
  return (
    headerOf(headers, 'sec-fetch-mode') === 'navigate' &&
    headerOf(headers, 'sec-fetch-dest') === 'document' &&
    headers['sec-purpose'] === undefined
  );
}
