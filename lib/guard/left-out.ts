import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { guardsEverything } from '../tokens/whole-application.js';
import { CallContexts } from './call-contexts.js';
import { messageHandlers } from './message-handlers.js';

/** Where Nest's package leaves what makes a class a gateway. */
const GATEWAY = 'websockets:is_gateway';

/**
 * Nest runs the guards of the whole application neither on gateways (Nest 11) nor on handlers of a hybrid application's messages. Who
 * guards the whole application must hear of it when it starts.
 */
@Injectable()
export class LeftOut implements OnApplicationBootstrap {
  constructor(
    private readonly application: ApplicationConfig,
    private readonly modules: ModulesContainer,
    private readonly contexts: CallContexts,
  ) {}

  /** @throws {@link OidcConfigError} that names the entry to import. */
  onApplicationBootstrap(): void {
    if (!guardsEverything(this.application)) return;
    for (const [type, isHere, entry] of [
      ['ws', isGateway, 'OidcWebsocketsModule of nestjs-oidc-auth/websockets'],
      ['rpc', handlesMessages, 'OidcMicroservicesModule of nestjs-oidc-auth/microservices'],
    ] as const) {
      if (this.contexts.knows(type)) continue;
      const found = this.#classes().find(isHere);
      if (found === undefined) continue;
      throw new OidcConfigError(
        `AuthGuard guards the whole application, but Nest may run it not at all on ${found.name}. ` +
          `Import ${entry} beside OidcAuthModule; what stays open there says so by @Public().`,
      );
    }
  }

  #classes(): Function[] {
    return [...this.modules.values()].flatMap(({ providers, controllers }) =>
      [...providers.values(), ...controllers.values()].flatMap(({ metatype }) =>
        typeof metatype === 'function' ? [metatype] : [],
      ),
    );
  }
}

function isGateway(type: Function): boolean {
  return Reflect.getMetadata(GATEWAY, type) === true;
}

function handlesMessages(type: Function): boolean {
  return messageHandlers(type).length > 0;
}
