import {
  type DynamicModule,
  type ExecutionContext,
  Inject,
  Module,
  Optional,
} from '@nestjs/common';
import {
  ApplicationConfig,
  DiscoveryModule,
  DiscoveryService,
  ModulesContainer,
} from '@nestjs/core';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { AuthGuard } from '../guard/auth.guard.js';
import { CallContexts } from '../guard/call-contexts.js';
import { guardClasses } from '../guard/guarded-classes.js';
import { LiveCalls } from '../guard/live-calls.js';
import { messageHandlers } from '../guard/message-handlers.js';
import type { Credentials } from '../tokens/identity.js';
import { interceptClasses, LiveMessagesInterceptor } from './live-messages.interceptor.js';
import { messageCredentials } from './message-credentials.js';
import { rpcRefusal } from './rpc-refusal.js';
import { StreamCallFilter } from './stream-call.filter.js';
import { refuseTransports } from './transports.js';

/** What {@link OidcMicroservicesModule.forRoot} takes. */
export interface OidcMicroservicesOptions {
  /**
   * Finds the access token of a message where its transport has no headers, or the host's clients send it elsewhere. `undefined`: this message
   * has none there, and the transport's headers count.
   *
   * @example `extract: (context) => context.switchToRpc().getData().accessToken`
   */
  readonly extract?: (context: ExecutionContext) => string | undefined;
}

const OPTIONS = Symbol('options of OidcMicroservicesModule');

/**
 * Makes `@Auth()`, `@Public()`, `@IdToken()` and an application-wide {@link AuthGuard} work on handlers of messages and events, hybrid applications
 * included, with or without `inheritAppConfig`. Import it beside `OidcAuthModule`.
 *
 * The token is what a message has under `authorization`: in the metadata of gRPC, TCP and Redis (the last two since Nest 12), the headers of NATS,
 * RabbitMQ and Kafka, the user properties of MQTT. A refusal is an `RpcException` with the error body; over gRPC status 16
 * `UNAUTHENTICATED`, 7 `PERMISSION_DENIED`, 3 `INVALID_ARGUMENT` or 14 `UNAVAILABLE`. Answers that are streams end with their token.
 */
@Module({ imports: [DiscoveryModule] })
export class OidcMicroservicesModule {
  /** @throws {@link OidcConfigError} at start-up, where a transport in use has no headers and there is no `extract`. */
  static forRoot(options: OidcMicroservicesOptions = {}): DynamicModule {
    const { extract } = options;
    if (extract !== undefined && typeof extract !== 'function') {
      throw new OidcConfigError(
        'OidcMicroservicesModule.forRoot({ extract }) must be a function that gives the access token of a message.',
      );
    }
    return {
      module: OidcMicroservicesModule,
      providers: [{ provide: OPTIONS, useValue: options }],
    };
  }

  constructor(
    contexts: CallContexts,
    live: LiveCalls,
    application: ApplicationConfig,
    discovery: DiscoveryService,
    modules: ModulesContainer,
    guard: AuthGuard,
    @Optional() @Inject(OPTIONS) { extract }: OidcMicroservicesOptions = {},
  ) {
    if (contexts.knows('rpc')) {
      throw new OidcConfigError(
        'OidcMicroservicesModule is imported twice, in different ways. Import it once, beside OidcAuthModule.',
      );
    }
    contexts.add('rpc', {
      credentials: (context) =>
        extracted(extract, context) ?? messageCredentials(context.getArgs()),
      refusal: rpcRefusal,
    });
    const classes = discovery.getControllers().flatMap(({ metatype }) => {
      const handlers = typeof metatype === 'function' ? messageHandlers(metatype) : [];
      handlers.forEach((handler) => StreamCallFilter.useOn(handler));
      return handlers.length > 0 && metatype !== null ? [metatype] : [];
    });
    guardClasses('rpc', classes, guard, application);
    interceptClasses(classes, new LiveMessagesInterceptor(application, live));
    if (extract === undefined) refuseTransports(modules, classes, application);
  }
}

function extracted(
  extract: OidcMicroservicesOptions['extract'],
  context: ExecutionContext,
): Credentials | undefined {
  const token: unknown = extract?.(context);
  if (token === undefined || token === null) return undefined;
  if (typeof token !== 'string') {
    throw new TypeError('extract of OidcMicroservicesModule gave something that is no text');
  }
  return { headers: { authorization: `Bearer ${token.replace(/^bearer +/i, '')}` } };
}
