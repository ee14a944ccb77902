import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type CallHandler,
  type ExecutionContext,
  type FactoryProvider,
  type NestInterceptor,
  Scope,
} from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import type { Observable } from 'rxjs';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import type { Identity } from '../tokens/identity.js';
import { callerOf } from './caller.js';

/**
 * Who the caller is, for services that handlers call: inject it, and read it while a guarded handler, its pipes or what they
 * call run. It is no request-scoped provider: it makes nothing request-scoped. Elsewhere (timers, guards, code outside of a
 * call) and for anonymous callers all is `undefined` or empty.
 *
 * @example
 * ```ts
 * @Injectable()
 * export class Orders {
 *   constructor(private readonly user: CurrentUser) {}
 *   mine() { return this.repository.findBy({ owner: this.user.sub }); }
 * }
 * ```
 */
export class CurrentUser {
  readonly #callers: AsyncLocalStorage<Identity | undefined>;

  constructor(callers: AsyncLocalStorage<Identity | undefined>) {
    this.#callers = callers;
  }

  /** The verified claims, frozen. */
  get claims(): IdTokenClaims | undefined {
    return this.#callers.getStore()?.claims;
  }

  /** The user at the issuer `iss`; together they are the user's identity. */
  get sub(): string | undefined {
    return this.claims?.sub;
  }

  /** The flat role list. */
  get roles(): readonly string[] {
    return [...(this.#callers.getStore()?.roles ?? [])];
  }

  /**
   * Name of the identity provider that the caller logged in with, as in the option `providers`; `default` where there is one at the
   * top of the options. `undefined` for users of trusted issuers.
   */
  get provider(): string | undefined {
    return this.#callers.getStore()?.provider;
  }
}

/** Keeps the caller while a handler runs, whatever its context. */
class CurrentUserInterceptor implements NestInterceptor {
  constructor(private readonly callers: AsyncLocalStorage<Identity | undefined>) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return this.callers.run(callerOf(context) ?? undefined, () => next.handle());
  }
}

interface Shared {
  readonly user: CurrentUser;
  readonly interceptor: CurrentUserInterceptor;
}

const shared = new WeakMap<ApplicationConfig, Shared>();

/** Keeps the caller where Nest may leave out the interceptors of the whole application; nothing where nobody injects {@link CurrentUser}. */
export function keepCurrentUser(
  application: ApplicationConfig,
  context: ExecutionContext,
  next: CallHandler,
): Observable<unknown> {
  return shared.get(application)?.interceptor.intercept(context, next) ?? next.handle();
}

/**
 * One for the whole application. Keeping a caller costs every call something, so it begins when somebody injects it: as a transient
 * provider its factory runs for nobody else.
 */
export const currentUserProvider: FactoryProvider<CurrentUser> = {
  provide: CurrentUser,
  scope: Scope.TRANSIENT,
  inject: [ApplicationConfig],
  useFactory: (application: ApplicationConfig) => {
    const known = shared.get(application);
    if (known !== undefined) return known.user;
    const callers = new AsyncLocalStorage<Identity | undefined>();
    const user = new CurrentUser(callers);
    const interceptor = new CurrentUserInterceptor(callers);
    application.addGlobalInterceptor(interceptor);
    shared.set(application, { user, interceptor });
    return user;
  },
};
