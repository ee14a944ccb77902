import { type ExecutionContext, Module } from '@nestjs/common';
import { ApplicationConfig, DiscoveryModule } from '@nestjs/core';
import { WsException } from '@nestjs/websockets';
import { OAuthError } from '../errors/oauth.error.js';
import { AuthGuard } from '../guard/auth.guard.js';
import { CallContexts } from '../guard/call-contexts.js';
import { Connections } from './connections.js';
import { Gateways } from './gateways.js';
import { GuardedAdapter } from './guarded-adapter.js';

/**
 * Makes `@Auth()`, `@Public()`, `@IdToken()` and an application-wide {@link AuthGuard} work on gateways, with the adapters for socket.io and ws.
 * Import it beside `OidcAuthModule`.
 *
 * Whoever may not connect by the rule of the gateway's class is refused before `connection`; each message is held against the rule of
 * its handler, and refused by an `exception` event with the contract's error body. A connection ends with its token, unless its client
 * sends a fresh one of the same user in time: event `authenticate` with `{ token }`.
 */
@Module({ imports: [DiscoveryModule], providers: [Connections, Gateways, GuardedAdapter] })
export class OidcWebsocketsModule {
  constructor(
    contexts: CallContexts,
    connections: Connections,
    application: ApplicationConfig,
    gateways: Gateways,
    guard: AuthGuard,
    guarded: GuardedAdapter,
  ) {
    contexts.add('ws', {
      credentials: (context: ExecutionContext) =>
        connections.credentialsOf(context.switchToWs().getClient()),
      refusal: (_, error) =>
        error instanceof OAuthError ? new WsException(error.getResponse()) : error,
    });
    gateways.guardAll(guard);
    // Nest's default adapter, or the host's own, comes after the container was built.
    const setAdapter = application.setIoAdapter.bind(application);
    application.setIoAdapter = (adapter) => {
      guarded.guard(adapter);
      setAdapter(adapter);
    };
  }
}
