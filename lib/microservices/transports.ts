import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { RedisContext, TcpContext, Transport } from '@nestjs/microservices';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { effectiveRule } from '../guard/declared-rules.js';
import { messageHandlers } from '../guard/message-handlers.js';
import { guardsEverything } from '../tokens/whole-application.js';

/** Where `@MessagePattern(…, Transport.TCP)` leaves that a handler is for one transport. */
const TRANSPORT = 'microservices:transport';

/** Transports whose messages have carried metadata since Nest 12 only. */
const LATE: readonly { id: Transport; name: string; context: { prototype: object } }[] = [
  { id: Transport.TCP, name: 'TCP', context: TcpContext },
  { id: Transport.REDIS, name: 'Redis', context: RedisContext },
];

/** A server of Nest's, as far as it is needed. */
interface Server {
  transportId?: unknown;
  listen(callback: (...answer: unknown[]) => void): unknown;
}

function isServer(value: unknown): value is Server {
  return (
    typeof value === 'object' &&
    value !== null &&
    'listen' in value &&
    typeof value.listen === 'function'
  );
}

/** A class with a handler on this transport that lets not everybody in. */
function guardedClass(
  id: Transport,
  classes: readonly Function[],
  application: ApplicationConfig,
): Function | undefined {
  const silent = guardsEverything(application) ? 'guarded' : 'public';
  return classes.find((type) =>
    messageHandlers(type).some((handler) => {
      const only: unknown = Reflect.getMetadata(TRANSPORT, handler);
      const listens = only === undefined || only === id;
      return listens && (effectiveRule(handler, type) ?? silent) !== 'public';
    }),
  );
}

/**
 * Lets no server listen whose messages cannot carry a token to handlers that demand one.
 *
 * @throws {@link OidcConfigError} from its `listen()`, which `startAllMicroservices()` and `listen()` of the application hand on.
 */
export function refuseTransports(
  modules: ModulesContainer,
  classes: readonly Function[],
  application: ApplicationConfig,
): void {
  if (!('getRpcTargetRegistry' in modules)) return; // Nest 11.0: its calls are refused one by one
  modules.getRpcTargetRegistry().subscribe((server: unknown) => {
    if (!isServer(server)) return;
    const late = LATE.find(({ id }) => id === server.transportId);
    if (late === undefined || 'getMetadata' in late.context.prototype) return;
    const listen = server.listen.bind(server);
    server.listen = (callback) => {
      const type = guardedClass(late.id, classes, application);
      if (type === undefined) return listen(callback);
      throw new OidcConfigError(
        `Messages of ${late.name} carry no headers in this version of @nestjs/microservices, so no caller of ${type.name} could show a token. ` +
          'Say where it is by OidcMicroservicesModule.forRoot({ extract }), or use @nestjs/microservices 12.',
      );
    };
  });
}
