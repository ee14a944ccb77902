import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import type { KeySource } from '../http/remote-key-set.js';
import { Providers } from '../providers/providers.js';
import { findOpenTelemetry, observe } from '../telemetry/telemetry.js';
import { VERIFICATIONS } from '../tokens/token-verifier.js';
import { Mode } from './mode.js';

/** Tells OpenTelemetry, where the host has it, what is read rather than counted. */
@Injectable()
export class ObservedState implements OnModuleInit, BeforeApplicationShutdown {
  readonly #end: (() => void)[] = [];

  constructor(
    private readonly providers: Providers,
    private readonly mode: Mode,
  ) {}

  async onModuleInit(): Promise<void> {
    await findOpenTelemetry();
    this.#end.push(
      observe('oidc.key_set.age', () => this.#ages()),
      ofVerifications(),
    );
  }

  beforeApplicationShutdown(): void {
    for (const end of this.#end.splice(0)) end(); // once, however often the application is closed
  }

  #ages() {
    const ofProviders = this.providers
      .peekAll()
      .map(({ name, source }) => ageOf(source, { 'oidc.provider': name }));
    const ofPeers = this.mode
      .trustedSources()
      .map(([issuer, source]) => ageOf(source, { 'oidc.issuer': issuer }));
    return [...ofProviders, ...ofPeers].flat();
  }
}

/** Nothing where no keys are known. */
function ageOf<Attributes>(
  source: KeySource,
  attributes: Attributes,
): { readonly value: number; readonly attributes: Attributes }[] {
  const { ageSec } = source.state;
  return ageSec === undefined ? [] : [{ value: ageSec, attributes }];
}

let readers = 0;
let endOfVerifications: (() => void) | undefined;

/** They are of the process: several applications report them once. */
function ofVerifications(): () => void {
  readers += 1;
  endOfVerifications ??= observe('oidc.verifications', () =>
    Object.entries(VERIFICATIONS).map(([result, value]) => ({
      value,
      attributes: { 'oidc.result': result },
    })),
  );
  return () => {
    readers -= 1;
    if (readers > 0) return;
    endOfVerifications?.();
    endOfVerifications = undefined;
  };
}
