import { type Clock, SystemClock } from '../clock/clock.js';
import { examineFront } from '../diagnosis/examine-front.js';
import { examineProvider } from '../diagnosis/examine-provider.js';
import { Notes, diagnosisOf, diagnosisText } from '../diagnosis/notes.js';
import { GuardedFetch } from '../http/guarded-fetch.js';
import { ApplicationGroup } from '../options/oidc-auth-options.js';
import { routeDefaults } from '../options/option-defaults.js';
import { complete } from '../options/option-group.js';
import { type ResolvedProvider, resolveProviderEntry } from '../options/resolve-provider.js';
import { type DoctorRequest, readDoctorArguments } from './doctor-arguments.js';
import type { Environment } from './run.js';

/** @returns the exit code. @throws {@link UsageError}, {@link OidcConfigError} */
export async function doctor(
  args: readonly string[],
  environment: Environment,
  write: (text: string) => void,
  clock: Clock = new SystemClock(),
): Promise<number> {
  const request = readDoctorArguments(args, environment);
  const { allowInsecureHttp, accessToken, asClient, broker, publicUrl } = request;
  const options = resolveProviderEntry('default', request.entry, {
    several: false,
    crossSiteCookies: true,
    allowInsecureHttp,
    clockToleranceSec: complete(ApplicationGroup, {}).clockToleranceSec,
  });
  const redirectUris = [...new Set([...request.redirectUris, ...ownCallback(request)])];
  const ofProvider = await examineProvider({
    options,
    clock,
    redirectUris,
    takesTokens: !broker,
    accessToken,
    asClient,
  });
  if (!asClient)
    ofProvider.note('give --client-id to have client, secret and redirect URIs looked at');
  const front =
    publicUrl === undefined ? new Notes('publicUrl') : await ofFront(request, options, clock);
  const diagnosis = diagnosisOf([ofProvider, advice(request, redirectUris), front]);
  write(diagnosisText(diagnosis));
  return diagnosis.ok ? 0 : 1;
}

function ownCallback({ publicUrl, prefix }: DoctorRequest): string[] {
  return publicUrl === undefined ? [] : [publicUrl + prefix + routeDefaults.callback];
}

function ofFront(
  { publicUrl = '', prefix }: DoctorRequest,
  options: ResolvedProvider,
  clock: Clock,
): Promise<Notes> {
  const route = publicUrl + prefix + routeDefaults.userinfo;
  return examineFront({
    publicUrl,
    route,
    http: new GuardedFetch(options, clock),
    server: undefined,
  });
}

/** What to write and to register. */
function advice({ publicUrl, entry }: DoctorRequest, redirectUris: readonly string[]): Notes {
  const notes = new Notes('to do');
  const register =
    redirectUris.length > 0 ? redirectUris : ['<publicUrl>' + routeDefaults.callback];
  notes.note(`register at the provider: ${register.join(', ')}`);
  const needed = ['clientId', 'discoveryUrl', 'audience', 'publicUrl'];
  if (entry.issuer !== undefined) needed.push('issuer');
  notes.note(`options needed: ${needed.join(', ')}; "clientSecret" unless it is a public client`);
  if (publicUrl === undefined) {
    notes.note('give --public-url to have the way to the running application looked at');
  }
  return notes;
}
