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
 * Who the caller is, and of which application. One for the process: Node before 24 gives a value of each that was ever used to every promise
 * from then on, and applications come and go.
 */
const callers = new AsyncLocalStorage<{
  readonly of: object;
  readonly caller: Identity | undefined;
}>();

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
  readonly #application: object;

  constructor(application: object) {
    this.#application = application;
  }

  /** Another application of the process may call this one: its callers are not ours. */
  get #caller(): Identity | undefined {
    const kept = callers.getStore();
    return kept?.of === this.#application ? kept.caller : undefined;
  }

  /** The verified claims, frozen. */
  get claims(): IdTokenClaims | undefined {
    return this.#caller?.claims;
  }

  /** The user at the issuer `iss`; together they are the user's identity. */
  get sub(): string | undefined {
    return this.claims?.sub;
  }

  /** The flat role list. */
  get roles(): readonly string[] {
    return [...(this.#caller?.roles ?? [])];
  }

  /**
   * Name of the identity provider that the caller logged in with, as in the option `providers`; `default` where there is one at the
   * top of the options. `undefined` for users of trusted issuers.
   */
  get provider(): string | undefined {
    return this.#caller?.provider;
  }
}

/** Keeps the caller while a handler runs, whatever its context. */
class CurrentUserInterceptor implements NestInterceptor {
  constructor(private readonly application: object) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const kept = { of: this.application, caller: callerOf(context) ?? undefined };
    return callers.run(kept, () => next.handle());
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
    const user = new CurrentUser(application);
    const interceptor = new CurrentUserInterceptor(application);
    application.addGlobalInterceptor(interceptor);
    shared.set(application, { user, interceptor });
    return user;
  },
};
