import { describeError } from '../errors/describe-error.js';
import { protocolWord } from '../errors/shown-value.js';
import type { GuardedFetch } from '../http/guarded-fetch.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import {
  type AuthorizationProbe,
  ProviderProbes,
  type TokenProbe,
} from '../providers/provider-probes.js';
import type { Notes } from './notes.js';

/** Stands for ours where nobody says which it is; to the token endpoint it makes no difference. */
const ANY_REDIRECT_URI = 'http://127.0.0.1/callback';

/** Answers of a provider that knows client and redirect URI, and would have to show a page (OpenID Connect Core §3.1.2.6). */
const WANTS_A_PAGE = [
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
];

const REDIRECT_WORDS = /redirect[ _-]?ur[il]|AADSTS50011/i;
const CLIENT_WORDS = /client|AADSTS700016/i;

/** Whether the token endpoint knows us, by a code that nobody issued. */
export async function examineClient(
  probes: ProviderProbes,
  options: ResolvedProvider,
  http: GuardedFetch,
  notes: Notes,
): Promise<boolean> {
  const probe = await probes.madeUpCode(ANY_REDIRECT_URI);
  if ('accessToken' in probe) {
    notes.find(
      'authorization-refused',
      'the token endpoint gave a token for a code that it never issued',
    );
    return false;
  }
  const { error, clientRefused, cause } = probe;
  if (clientRefused) {
    await explainRefusal(probe, options, http, notes);
    return false;
  }
  if (error === undefined) {
    notes.find(
      'endpoint-missing',
      `the token endpoint gives no OAuth answer (${describeError(cause)})`,
    );
    return false;
  }
  if (error === 'unauthorized_client' || error === 'unsupported_grant_type') {
    notes.find('grant-off', `the token endpoint says ${error}`);
  }
  const bySecret =
    options.clientSecret === undefined
      ? 'the token endpoint takes the client without a secret'
      : 'the token endpoint takes client id and secret';
  notes.note(
    provesOtherwise(options) ? 'the token endpoint takes how the client proves itself' : bySecret,
  );
  return true;
}

/** By a key or a certificate: then a secret that is not there is none that is missing. */
function provesOtherwise({ clientKeys, clientAuthentication }: ResolvedProvider): boolean {
  return clientKeys.length > 0 || clientAuthentication?.includes('tls_') === true;
}

async function explainRefusal(
  { error }: Extract<TokenProbe, { clientRefused: boolean }>,
  options: ResolvedProvider,
  http: GuardedFetch,
  notes: Notes,
): Promise<void> {
  const said = `the token endpoint says ${String(error)}`;
  if (provesOtherwise(options)) {
    const mend =
      'let the provider read our key set ("routes.clientJwks") or certificate again; look at "clientId", "clientAuthentication" and "assertionAudience" too';
    notes.find('wrong-secret', said, { mend });
    return;
  }
  if (options.clientSecret === undefined) {
    const mend =
      'set "clientSecret", or make it a public client at the provider; look at "clientId" too';
    notes.find('wrong-secret', `${said}, and there is no "clientSecret"`, { mend });
    return;
  }
  if (options.clientAuthentication === undefined && (await postIsTaken(options, http))) {
    notes.find(
      'wrong-authentication',
      `${said} to client_secret_basic, and takes client_secret_post`,
    );
    return;
  }
  notes.find('wrong-secret', said);
}

async function postIsTaken(options: ResolvedProvider, http: GuardedFetch): Promise<boolean> {
  const other = { ...options, clientAuthentication: 'client_secret_post' } as const;
  const probe = await (await ProviderProbes.open(other, http)).madeUpCode(ANY_REDIRECT_URI);
  return 'error' in probe && probe.error !== undefined && !probe.clientRefused;
}

/** Whether a login could begin, by asking for one that may show no page. */
export async function examineRedirectUri(
  probes: ProviderProbes,
  redirectUri: string,
  options: ResolvedProvider,
  notes: Notes,
): Promise<void> {
  let probe: AuthorizationProbe;
  try {
    probe = await probes.authorization(redirectUri);
  } catch (error) {
    notes.find('authorization-refused', `the authorization endpoint: ${describeError(error)}`);
    return;
  }
  const { location } = probe;
  if (location !== undefined && isAt(location, redirectUri)) {
    examineAnswer(location, redirectUri, options, notes);
    return;
  }
  const complaint = complaintOf(probe);
  if (complaint === undefined) {
    notes.note(`the authorization endpoint takes ${redirectUri}`);
    return;
  }
  if (REDIRECT_WORDS.test(complaint)) {
    notes.find(
      'redirect-uri-not-registered',
      `the authorization endpoint does not take ${redirectUri}`,
    );
  } else if (CLIENT_WORDS.test(complaint)) {
    notes.find('unknown-client', `the authorization endpoint does not know ${options.clientId}`);
  } else {
    notes.find('authorization-refused', `the authorization endpoint answers ${probe.status}`);
  }
}

function isAt(location: URL, redirectUri: string): boolean {
  const wanted = new URL(redirectUri);
  return location.origin === wanted.origin && location.pathname === wanted.pathname;
}

function examineAnswer(
  location: URL,
  redirectUri: string,
  { scopes }: ResolvedProvider,
  notes: Notes,
): void {
  const error = location.searchParams.get('error');
  if (error === null || WANTS_A_PAGE.includes(error)) {
    notes.note(`the authorization endpoint takes ${redirectUri}`);
  } else if (error === 'invalid_scope') {
    notes.find('scope-refused', `the authorization endpoint refuses "${scopes.join(' ')}"`);
  } else if (error === 'unauthorized_client' || error === 'unsupported_response_type') {
    notes.find('grant-off', `the authorization endpoint says ${error}`);
  } else {
    notes.find('authorization-refused', `the authorization endpoint says ${protocolWord(error)}`);
  }
}

/** What it has against the request; `undefined` for what may be a page where the user logs in. */
function complaintOf({ status, location, page }: AuthorizationProbe): string | undefined {
  if (location === undefined) {
    if (status >= 400) return page;
    return REDIRECT_WORDS.test(page) && /error|invalid|mismatch/i.test(page) ? page : undefined;
  }
  const ofGoogle = location.searchParams.get('authError');
  if (ofGoogle !== null) return Buffer.from(ofGoogle, 'base64url').toString('latin1');
  const { searchParams } = location;
  if (!searchParams.has('error')) return undefined;
  return [searchParams.get('error'), searchParams.get('error_description')].join(' ');
}
