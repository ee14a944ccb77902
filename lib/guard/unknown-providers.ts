import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { didYouMean } from '../options/unknown-option.js';
import { declaredRules } from './declared-rules.js';

/**
 * A rule that names a provider which nobody configured lets nobody in, or fewer than meant, and nothing would say why. Where a function
 * gives the providers, one of that name may come.
 */
@Injectable()
export class UnknownProviders implements OnApplicationBootstrap {
  readonly #methods = new MetadataScanner();

  constructor(
    private readonly modules: ModulesContainer,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** @throws {@link OidcConfigError} that names the handler and the name. */
  onApplicationBootstrap(): void {
    const { source, list } = this.options.providers;
    if (source !== undefined) return;
    const known = list.map(({ name }) => name);
    for (const type of this.#classes()) {
      for (const method of this.#methods.getAllMethodNames(type.prototype)) {
        const name = namesIn(Reflect.get(type.prototype, method), type).find(
          (one) => !known.includes(one),
        );
        if (name === undefined) continue;
        throw new OidcConfigError(
          `@Auth({ providers }) on ${type.name}.${method} names "${name}", and there is no such provider${didYouMean(name, known)} ` +
            `Known: ${known.join(', ')}. Write the name as it stands in the option "providers".`,
        );
      }
    }
  }

  #classes(): Set<Function> {
    const wrappers = [...this.modules.values()].flatMap(({ controllers, providers }) => [
      ...controllers.values(),
      ...providers.values(),
    ]);
    return new Set(wrappers.map(({ metatype }) => metatype).filter(isClass));
  }
}

function isClass(value: unknown): value is Function {
  return typeof value === 'function' && typeof value.prototype === 'object';
}

/** Methods without any decorator are no handlers. */
function namesIn(handler: unknown, type: Function): string[] {
  if (typeof handler !== 'function' || Reflect.getMetadataKeys(handler).length === 0) return [];
  return declaredRules(handler, type).flatMap(({ providers }) => providers ?? []);
}
