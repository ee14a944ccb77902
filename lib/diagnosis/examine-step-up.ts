import type { ModulesContainer } from '@nestjs/core';
import { declaredHandlers } from '../guard/declared-handlers.js';
import { effectiveRule } from '../guard/declared-rules.js';
import { type WantedLogin, wantedLogin } from '../tokens/step-up.js';
import { textList } from '../tokens/text-list.js';
import type { Notes } from './notes.js';

/** What a handler demands of its callers' logins. */
export interface HandlersLogin extends WantedLogin {
  /** `Type.method` */
  readonly handler: string;
  /** Of which its callers must be; `undefined`: of any. */
  readonly providers: readonly string[] | undefined;
}

/** All of an application's handlers that demand anything of the kind. */
export function loginsOfHandlers(modules: ModulesContainer): readonly HandlersLogin[] {
  return [...declaredHandlers(modules)].flatMap(({ handler, type, name }) => {
    const rule = effectiveRule(handler, type);
    if (rule === undefined || rule === 'public') return [];
    const wanted = wantedLogin(rule);
    return wanted === undefined ? [] : [{ ...wanted, handler: name, providers: rule.providers }];
  });
}

/** Whether the metadata of a provider lists what handlers demand (OpenID Connect Discovery §3). Metadata that list nothing say nothing. */
export function examineStepUp(
  document: Readonly<Record<string, unknown>>,
  logins: readonly HandlersLogin[],
  provider: string,
  notes: Notes,
): void {
  const acrs = textList(document['acr_values_supported']);
  const claims = textList(document['claims_supported']);
  for (const { handler, acrValues, maxAgeSec, providers } of logins) {
    if (providers !== undefined && !providers.includes(provider)) continue;
    const isListed = acrs.length === 0 || acrValues.some((acr) => acrs.includes(acr));
    if (acrValues.length > 0 && !isListed) {
      const seen = `@Auth({ acr }) on ${handler} wants ${acrValues.join(' or ')}, and "acr_values_supported" is ${acrs.join(', ')}`;
      notes.find('step-up-not-listed', seen);
    }
    if (maxAgeSec !== undefined && claims.length > 0 && !claims.includes('auth_time')) {
      const seen = `@Auth({ maxAgeSec }) on ${handler} needs auth_time, which "claims_supported" has not`;
      notes.find('step-up-not-listed', seen);
    }
  }
}
