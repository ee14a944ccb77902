import { parseArgs } from 'node:util';
import type { ProviderEntry } from '../options/several-providers.js';
import type { Environment } from './run.js';

export const DOCTOR_USAGE = `  nestjs-oidc-auth doctor <discovery-url> [options]
      looks at an identity provider, and says what will not work; exit code 1 where something cannot
      --client-id ID              looks whether the provider knows the client
      --client-secret-env NAME    the environment variable that holds its secret
      --client-authentication M   client_secret_basic or client_secret_post
      --redirect-uri URI          looks whether it is registered; several times for several
      --public-url URL            looks whether requests get through to the application that runs there
      --prefix PATH               what stands before /auth/v2 there
      --audience AUD              looks whether access tokens are for it
      --token-env NAME            the environment variable that holds an access token to look at
      --scopes "A B"              what logins ask for; default: profile email
      --issuer ISS                the issuer, where it is not what the address says
      --broker                    broker mode: the guard takes no tokens of the provider
      --allow-insecure-http       http outside loopback`;

/** The command was written in a wrong way. */
export class UsageError extends Error {}

const options = {
  'client-id': { type: 'string' },
  'client-secret-env': { type: 'string' },
  'client-authentication': { type: 'string' },
  'redirect-uri': { type: 'string', multiple: true },
  'public-url': { type: 'string' },
  prefix: { type: 'string', default: '' },
  audience: { type: 'string' },
  'token-env': { type: 'string' },
  scopes: { type: 'string' },
  issuer: { type: 'string' },
  broker: { type: 'boolean', default: false },
  'allow-insecure-http': { type: 'boolean', default: false },
} as const;

/** What the doctor was asked. */
export interface DoctorRequest {
  readonly entry: ProviderEntry;
  readonly asClient: boolean;
  readonly redirectUris: readonly string[];
  readonly publicUrl: string | undefined;
  readonly prefix: string;
  readonly accessToken: string | undefined;
  readonly broker: boolean;
  readonly allowInsecureHttp: boolean;
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Secrets come by the environment: arguments are seen by everybody on the machine. */
function fromEnvironment(name: string | undefined, environment: Environment): string | undefined {
  if (name === undefined) return undefined;
  const value = environment[name];
  if (value === undefined || value === '') {
    throw new UsageError(`The environment variable ${name} is not set.`);
  }
  return value;
}

/** @throws {@link UsageError} */
export function readDoctorArguments(
  args: readonly string[],
  environment: Environment,
): DoctorRequest {
  const { values, positionals } = parsed(args);
  const [discoveryUrl, ...more] = positionals;
  if (discoveryUrl === undefined || more.length > 0) {
    throw new UsageError('Give one address: that of the discovery document.');
  }
  for (const url of [values['public-url'] ?? [], values['redirect-uri'] ?? []].flat()) {
    if (!URL.canParse(url)) throw new UsageError(`${url} is no absolute URL.`);
  }
  return {
    entry: entryOf(discoveryUrl, values, environment),
    asClient: values['client-id'] !== undefined,
    redirectUris: values['redirect-uri'] ?? [],
    publicUrl: values['public-url']?.replace(/\/$/, ''),
    prefix: values.prefix,
    accessToken: fromEnvironment(values['token-env'], environment),
    broker: values.broker,
    allowInsecureHttp: values['allow-insecure-http'],
  };
}

function entryOf(
  discoveryUrl: string,
  values: ReturnType<typeof parsed>['values'],
  environment: Environment,
): ProviderEntry {
  const { audience, scopes, issuer } = values;
  const clientSecret = fromEnvironment(values['client-secret-env'], environment);
  const method = values['client-authentication'];
  if (method !== undefined && method !== 'client_secret_basic' && method !== 'client_secret_post') {
    throw new UsageError('--client-authentication is client_secret_basic or client_secret_post.');
  }
  return {
    discoveryUrl,
    clientId: values['client-id'] ?? 'unknown',
    audience: audience ?? false,
    ...(clientSecret === undefined ? {} : { clientSecret }),
    ...(method === undefined ? {} : { clientAuthentication: method }),
    ...(scopes === undefined ? {} : { scopes }),
    ...(issuer === undefined ? {} : { issuer }),
  };
}
