import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { commonAcrs } from '../tokens/step-up.js';
import { declaredHandlers } from './declared-handlers.js';
import { effectiveRule } from './declared-rules.js';

/** A token has one `acr`. Where the lists of several rules have none in common, nobody can ever log in well enough. */
@Injectable()
export class ImpossibleLogins implements OnApplicationBootstrap {
  constructor(private readonly modules: ModulesContainer) {}

  /** @throws {@link OidcConfigError} that names the handler and the lists. */
  onApplicationBootstrap(): void {
    for (const { handler, type, name } of declaredHandlers(this.modules)) {
      const rule = effectiveRule(handler, type);
      if (rule === undefined || rule === 'public') continue;
      const { acrs } = rule;
      if (acrs.length === 0 || commonAcrs(acrs).length > 0) continue;
      throw new OidcConfigError(
        `@Auth({ acr }) on ${name}: its rules want one of ${acrs.map((list) => list.join(', ')).join('; and one of ')}, and no value is in all of ` +
          'these lists. A token has one "acr": list in each rule every value that meets it, the stronger ones too.',
      );
    }
  }
}
