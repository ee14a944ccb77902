import {
  type DynamicModule,
  Inject,
  Module,
  type NestModule,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';
import { WellKnownDocuments } from './routes/well-known-documents.js';
import { Clock, SystemClock } from './clock/clock.js';
import { doctorIsAsked, runDoctor } from './diagnosis/doctor-run.js';
import { DpopPossession } from './dpop/dpop-possession.js';
import { Proofs } from './dpop/proofs.js';
import { HostFaults } from './events/host-faults.js';
import { withReportedFaults } from './events/host-functions.js';
import { OidcEvents } from './events/oidc-events.js';
import { RefusalLog } from './events/refusal-log.js';
import { BrowserLogins } from './service/browser-logins.js';
import { createMode } from './service/create-mode.js';
import { Mode } from './service/mode.js';
import { OidcService } from './service/oidc.service.js';
import { ObservedState } from './service/observed-state.js';
import { Surroundings } from './service/surroundings.js';
import { AuthGuard } from './guard/auth.guard.js';
import { CallContexts } from './guard/call-contexts.js';
import { HandlerRules } from './guard/handler-rules.js';
import { ImpossibleLogins } from './guard/impossible-logins.js';
import { LeftOut } from './guard/left-out.js';
import { UnknownProviders } from './guard/unknown-providers.js';
import { LiveCalls } from './guard/live-calls.js';
import { LoginRedirects } from './guard/login-redirects.js';
import { currentUserProvider, CurrentUser } from './guard/current-user.js';
import { GuardedFetch } from './http/guarded-fetch.js';
import { Providers } from './providers/providers.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  type OidcAuthModuleOptions,
  type OidcAuthRegistration,
  registrationNames,
} from './oidc-auth.module-definition.js';
import { checkMounting } from './options/check-mounting.js';
import {
  checkAsyncRegistration,
  checkOptionsObject,
  refuseBareModule,
  refuseSecondRegistration,
} from './options/check-registration.js';
import { mountPathOf } from './options/mount-path.js';
import {
  BROKER_STORE,
  CHECKED_OPTIONS,
  MOUNT_PATH,
  OIDC_AUTH_OPTIONS,
  RESOLVED_OPTIONS,
  RESOLVED_ROUTES,
} from './options/options.token.js';
import { PublicUrls } from './options/public-urls.js';
import { type ResolvedOptions, resolveOptions } from './options/resolve-options.js';
import { resolveRoutes } from './options/resolve-routes.js';
import { Answers } from './routes/answers.js';
import { installAnonymity } from './routes/anonymity.js';
import { CallbackEnd } from './routes/callback-end.js';
import { EarlyChecks } from './routes/early-checks.js';
import { OwnRoutes } from './routes/own-routes.js';
import { RouteRefusals } from './routes/route-errors.js';
import { KeyRing } from './sealing/key-ring.js';
import { Authenticator } from './tokens/authenticator.js';
import { CookieCallers } from './tokens/cookie-callers.js';
import { Challenges } from './tokens/challenge.js';
import { Possession } from './tokens/possession.js';
import { TokenVerifier } from './tokens/token-verifier.js';

/**
 * OpenID Connect login and token checking: the `/auth/v2` routes, `@Auth()`, `@IdToken()` and {@link OidcService}.
 * Import it once, in the root module.
 */
@Module({
  providers: [
    // Those of forRoot and forRootAsync take their place.
    { provide: OIDC_AUTH_OPTIONS, useFactory: refuseBareModule },
    { provide: RESOLVED_ROUTES, useValue: resolveRoutes() },
    { provide: BROKER_STORE, useValue: undefined },
    {
      provide: CHECKED_OPTIONS,
      useFactory: resolveOptions,
      inject: [OIDC_AUTH_OPTIONS, RESOLVED_ROUTES],
    },
    {
      provide: HostFaults,
      useFactory: (clock: Clock, options: ResolvedOptions) => new HostFaults(clock, options),
      inject: [Clock, CHECKED_OPTIONS],
    },
    {
      provide: RESOLVED_OPTIONS,
      useFactory: withReportedFaults,
      inject: [CHECKED_OPTIONS, HostFaults],
    },
    {
      provide: MOUNT_PATH,
      useFactory: (modules: ModulesContainer) => () => mountPathOf(OidcAuthModule, modules),
      inject: [ModulesContainer],
    },
    { provide: Clock, useClass: SystemClock },
    { provide: Mode, useFactory: createMode, inject: [Surroundings] },
    { provide: CookieCallers, useFactory: ({ cookies }: Mode) => cookies, inject: [Mode] },
    { provide: Possession, useExisting: DpopPossession },
    { provide: TokenVerifier, useFactory: ({ verifier }: Mode) => verifier, inject: [Mode] },
    Answers,
    Authenticator,
    AuthGuard,
    BrowserLogins,
    CallbackEnd,
    CallContexts,
    Challenges,
    currentUserProvider,
    DpopPossession,
    EarlyChecks,
    {
      provide: GuardedFetch,
      useFactory: (options: ResolvedOptions, clock: Clock) => new GuardedFetch(options, clock),
      inject: [RESOLVED_OPTIONS, Clock],
    },
    HandlerRules,
    ImpossibleLogins,
    KeyRing,
    LeftOut,
    UnknownProviders,
    LiveCalls,
    LoginRedirects,
    ObservedState,
    OidcEvents,
    OidcService,
    OwnRoutes,
    Proofs,
    Providers,
    PublicUrls,
    RefusalLog,
    RouteRefusals,
    Surroundings,
    WellKnownDocuments,
  ],
  // Nest builds AuthGuard inside the host's modules: what it injects must be exported too. The options never are.
  exports: [
    Authenticator,
    AuthGuard,
    CallContexts,
    CurrentUser,
    HandlerRules,
    HostFaults,
    LiveCalls,
    LoginRedirects,
    OidcEvents,
    OidcService,
    RefusalLog,
  ],
})
export class OidcAuthModule
  extends ConfigurableModuleClass
  implements NestModule, OnModuleInit, OnApplicationBootstrap
{
  // Hidden from whoever prints this module: the whole application is in them.
  readonly #checks: EarlyChecks;
  readonly #container: ModuleRef;

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    checks: EarlyChecks,
    private readonly urls: PublicUrls,
    container: ModuleRef,
    modules: ModulesContainer,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    super();
    refuseSecondRegistration(OidcAuthModule, modules);
    this.#checks = checks;
    this.#container = container;
    checks.install();
  }

  /**
   * Registers the module with options at hand.
   *
   * @throws {@link OidcConfigError} for unusable routes, here; for any other option when the application starts.
   */
  static override forRoot(options: OidcAuthModuleOptions & OidcAuthRegistration): DynamicModule {
    checkOptionsObject(options);
    const store = options.store ?? options.broker?.store;
    return super.forRoot({ ...options, store });
  }

  /**
   * Registers the module with options from a factory (`useFactory`, `useClass` with `createOidcAuthOptions()`, or
   * `useExisting`). `routes`, `store` and `isGlobal` are written beside it.
   *
   * @throws {@link OidcConfigError} without such a factory, with two, and for unusable routes.
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    checkAsyncRegistration(options, registrationNames);
    return super.forRootAsync(options);
  }

  configure(): void {
    this.#checks.installDocuments();
    // A test of the host's put something else in its place: then nobody is known, rather than @IdToken() a fault.
    if (!(this.#container.get<unknown>(AuthGuard) instanceof AuthGuard)) {
      installAnonymity(this.adapterHost);
    }
  }

  /** @throws {@link OidcConfigError} where the host put our routes under a path with parameters. */
  onModuleInit(): void {
    checkMounting(this.urls, this.options);
    this.#checks.install(); // Nest's testing module builds the container before there is an HTTP adapter
  }

  /** With `OIDC_DOCTOR=1` the application ends here, with what was found. */
  async onApplicationBootstrap(): Promise<void> {
    if (doctorIsAsked()) await runDoctor(() => this.#container.get(OidcService).diagnose());
  }
}
