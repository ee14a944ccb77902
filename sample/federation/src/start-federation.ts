import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { IdentityProvider } from './identity-provider.js';
import { InstanceModule, type InstanceOptions } from './instance.module.js';

export interface FederationOptions {
  /** Port of the first instance. */
  portA: number;
  /** Port of the second instance. */
  portB: number;
  /** Port of the identity provider. */
  idpPort: number;
  /** Only errors are logged. */
  quiet?: boolean;
}

export interface Federation {
  /** Where the first instance is. */
  a: string;
  /** Where the second instance is. */
  b: string;
  /** Where the identity provider is. */
  issuer: string;
  /** Ends all three. */
  close(): Promise<void>;
}

/** Starts the identity provider and two instances that accept each other's tokens, in this process. */
export async function startFederation(options: FederationOptions): Promise<Federation> {
  const { portA, portB, idpPort, quiet = false } = options;
  const [a, b] = [`http://localhost:${portA}`, `http://localhost:${portB}`];
  const started: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    for (const one of started.toReversed()) await one.close();
  };
  try {
    const provider = await IdentityProvider.start(idpPort, [a, b]);
    started.push(provider);
    const { issuer } = provider;

    // A takes B's tokens as they are. B takes A's too, but nobody becomes an administrator of B by a token of A.
    const lists: readonly [port: number, instance: InstanceOptions][] = [
      [portA, { url: a, provider: issuer, trustedIssuers: [b] }],
      [portB, { url: b, provider: issuer, trustedIssuers: [{ issuer: a, roles: ['users'] }] }],
    ];
    for (const [port, instance] of lists) {
      const app = await createInstance(instance, quiet);
      started.push(app);
      await app.listen(port, '127.0.0.1'); // loopback only
    }
    return { a, b, issuer, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function createInstance(
  instance: InstanceOptions,
  quiet: boolean,
): Promise<INestApplication> {
  return NestFactory.create(InstanceModule.forRoot(instance), {
    abortOnError: false, // an exception for the caller instead of the end of the process
    forceCloseConnections: true,
    logger: quiet ? ['error', 'fatal'] : ['warn', 'error', 'fatal'],
  });
}
