import { Injectable } from '@nestjs/common';
import { ApplicationConfig, DiscoveryService, MetadataScanner } from '@nestjs/core';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import type { AuthGuard } from '../guard/auth.guard.js';
import { effectiveClassRule } from '../guard/declared-rules.js';
import { guardClasses } from '../guard/guarded-classes.js';
import { isRecord } from '../options/value-rules.js';
import { type CheckedAuthRule, checkAuthRule, sumOfRules } from '../tokens/auth-rule.js';
import { guardsEverything } from '../tokens/whole-application.js';

// Where `@WebSocketGateway()` leaves what it was given.
const GATEWAY = 'websockets:is_gateway';
const GATEWAY_OPTIONS = 'websockets:gateway_options';
const GATEWAY_PORT = 'port';
// Where `@SubscribeMessage()` leaves the event.
const MESSAGE = 'message';

/** The event by which clients send a fresh token. */
export const FRESH_TOKEN = 'authenticate';

const OPEN = checkAuthRule({ optional: true });
const REQUIRED = checkAuthRule({});

function named(value: unknown): string {
  if (value instanceof RegExp) return value.source;
  return typeof value === 'string' ? value.replace(/^\/?/, '/') : '/';
}

/** Which server a gateway listens on: gateways with the same answer share connections. */
function placeOf(port: unknown, options: unknown): string {
  const { namespace, path } = isRecord(options) ? options : {};
  return JSON.stringify([Number(port ?? 0), named(namespace), named(path)]);
}

/** The gateways of the application, and what they demand of those who connect. */
@Injectable()
export class Gateways {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly application: ApplicationConfig,
  ) {}

  /**
   * What a connection to a server must hold: what all gateways on it demand by their class, at least one of which must ask for a token of
   * everybody; an anonymous connection may still be made where one of them lets everybody in.
   */
  demandsAt(port: unknown, options: unknown): CheckedAuthRule {
    const place = placeOf(port, options);
    const rules = this.#classes()
      .filter(
        (type) => placeOf(metadata(GATEWAY_PORT, type), metadata(GATEWAY_OPTIONS, type)) === place,
      )
      .map((type) => this.#ruleOf(type));
    if (rules.length === 0 || rules.some((rule) => rule === 'public' || rule.optional)) return OPEN;
    return sumOfRules(rules.filter((rule) => rule !== 'public'));
  }

  /**
   * Runs the guard on every gateway that is to be guarded: Nest 11 leaves those of the whole application out there.
   *
   * @throws {@link OidcConfigError} for a handler that would never hear of its event.
   */
  guardAll(guard: AuthGuard): void {
    for (const type of this.#classes()) refuseFreshTokens(type);
    guardClasses('ws', this.#classes(), guard, this.application);
  }

  #ruleOf(type: object): CheckedAuthRule | 'public' {
    return effectiveClassRule(type) ?? (guardsEverything(this.application) ? REQUIRED : 'public');
  }

  #classes(): Function[] {
    return this.discovery.getProviders().flatMap(({ metatype }) => {
      const isGateway = typeof metatype === 'function' && metadata(GATEWAY, metatype) === true;
      return isGateway ? [metatype] : [];
    });
  }
}

function refuseFreshTokens({ name, prototype }: Function): void {
  const scanner = new MetadataScanner();
  const method = scanner.getAllMethodNames(Object(prototype)).find((one) => {
    const handler: unknown = Reflect.get(Object(prototype), one);
    return typeof handler === 'function' && metadata(MESSAGE, handler) === FRESH_TOKEN;
  });
  if (method === undefined) return;
  throw new OidcConfigError(
    `${name}.${method} handles the event "${FRESH_TOKEN}", by which clients send fresh tokens to OidcWebsocketsModule. Give your event another name.`,
  );
}

function metadata(key: string, type: object): unknown {
  return Reflect.getMetadata(key, type);
}
