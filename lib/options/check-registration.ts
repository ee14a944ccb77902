import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { didYouMean } from './unknown-option.js';
import { isRecord } from './value-rules.js';

const EXAMPLE =
  'OidcAuthModule.forRootAsync({ inject: [ConfigService], useFactory: (config) => ({ clientId: …, … }) })';

const FACTORIES = ['useFactory', 'useClass', 'useExisting'] as const;

const BESIDE_THE_FACTORY = ['imports', 'inject', 'provideInjectionTokensFrom'];

function seen(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Promise) return 'a promise';
  return `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}

/**
 * Looks at what `forRoot` was given before anything is read from it.
 *
 * @throws {@link OidcConfigError} for what is no options object, and for the arguments of `forRootAsync`.
 */
export function checkOptionsObject(options: unknown): void {
  if (!isRecord(options) || options instanceof Promise) {
    throw new OidcConfigError(
      `OidcAuthModule.forRoot() needs its options as an object such as { clientId: …, discoveryUrl: …, … }; got ${seen(options)}. ` +
        `Options that are not at hand come from a factory: ${EXAMPLE}.`,
    );
  }
  const factory = FACTORIES.find((name) => name in options);
  if (factory === undefined) return;
  throw new OidcConfigError(
    `OidcAuthModule.forRoot() takes options and no "${factory}". Write forRootAsync for a factory: ${EXAMPLE}.`,
  );
}

/**
 * Looks at what `forRootAsync` was given before Nest does.
 *
 * @param registrationNames what stands beside the factory because it decides what the container holds.
 * @throws {@link OidcConfigError} unless it names exactly one factory, and for options beside it.
 */
export function checkAsyncRegistration(
  options: unknown,
  registrationNames: readonly string[],
): void {
  const given: Record<string, unknown> = isRecord(options) ? options : {};
  const known = [...FACTORIES, ...BESIDE_THE_FACTORY, ...registrationNames];
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new OidcConfigError(
      `OidcAuthModule.forRootAsync() does not know "${unknown}"${didYouMean(unknown, known)} Options belong into what the factory ` +
        `returns; beside it stand ${known.slice(FACTORIES.length).join(', ')}.`,
    );
  }
  const factories = FACTORIES.filter((name) => typeof given[name] === 'function');
  if (factories.length === 1) return;
  const found = FACTORIES.filter((name) => given[name] !== undefined);
  const what = isRecord(options) ? found.map((name) => `${name}: ${seen(given[name])}`) : [];
  throw new OidcConfigError(
    `OidcAuthModule.forRootAsync() needs one of ${FACTORIES.join(', ')}, a function or a class; got ` +
      `${what.join(' and ') || (isRecord(options) ? 'none of them' : seen(options))}. Write ${EXAMPLE}.`,
  );
}

const ONCE =
  'Import OidcAuthModule.forRoot({ … }) or forRootAsync({ … }) once, in the root module; it is global, so that no other module needs to ' +
  'import it, not even as a bare class. (With isGlobal: false the others import the result of that one call.)';

/** What the container gets for the options of a bare class. @throws {@link OidcConfigError} always. */
export function refuseBareModule(): never {
  throw new OidcConfigError(`OidcAuthModule is imported without options. ${ONCE}`);
}

/** @throws {@link OidcConfigError} when the application has that module more than once. */
export function refuseSecondRegistration(module: Type, modules: ModulesContainer): void {
  const registered = [...modules.values()].filter(({ metatype }) => metatype === module).length;
  if (registered < 2) return;
  throw new OidcConfigError(
    `OidcAuthModule is registered ${registered} times in this application, and which of them a guard would ask is chance. ${ONCE}`,
  );
}
