import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { didYouMean } from '../options/unknown-option.js';
import { declaredHandlers } from './declared-handlers.js';
import { declaredRules } from './declared-rules.js';

/**
 * A rule that names a provider which nobody configured lets nobody in, or fewer than meant, and nothing would say why. Where a function
 * gives the providers, one of that name may come.
 */
@Injectable()
export class UnknownProviders implements OnApplicationBootstrap {
  constructor(
    private readonly modules: ModulesContainer,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** @throws {@link OidcConfigError} that names the handler and the name. */
  onApplicationBootstrap(): void {
    const { source, list } = this.options.providers;
    if (source !== undefined) return;
    const known = list.map(({ name }) => name);
    for (const { handler, type, name: place } of declaredHandlers(this.modules)) {
      const names = declaredRules(handler, type).flatMap(({ providers }) => providers ?? []);
      const name = names.find((one) => !known.includes(one));
      if (name === undefined) continue;
      throw new OidcConfigError(
        `@Auth({ providers }) on ${place} names "${name}", and there is no such provider${didYouMean(name, known)} ` +
          `Known: ${known.join(', ')}. Write the name as it stands in the option "providers".`,
      );
    }
  }
}
