import type { ResolvedProvider } from '../options/resolve-provider.js';
import { textList } from '../tokens/text-list.js';
import type { Notes } from './notes.js';

/** Providers that give refresh tokens without `prompt=consent`, or without `offline_access`. */
const WITHOUT_CONSENT =
  /\/realms\/|login\.microsoftonline\.com|\.auth0\.com|\.okta(?:preview)?\.com/;

/** Looks whether logins can get refresh tokens; without them a session of broker mode lives as long as one access token. */
export function examineRefresh(
  document: Readonly<Record<string, unknown>>,
  options: ResolvedProvider,
  takesTokens: boolean,
  notes: Notes,
): void {
  const reason = reasonFor(document, options);
  if (reason === undefined) return;
  const [seen, mend, always] = reason;
  if (takesTokens && !always) notes.note(`refresh tokens: ${seen} (${mend})`);
  else notes.find('no-refresh-tokens', seen, { mend });
}

/** What is in the way, the mend, and whether it is so whatever a login asks for. */
function reasonFor(
  document: Readonly<Record<string, unknown>>,
  { discoveryUrl, authorizationParameters, scopes }: ResolvedProvider,
): readonly [seen: string, mend: string, always: boolean] | undefined {
  const { access_type: accessType, prompt = '' } = authorizationParameters;
  if (new URL(discoveryUrl).host === 'accounts.google.com') {
    if (accessType === 'offline') return undefined;
    const mend = "set \"authorizationParameters\": { access_type: 'offline', prompt: 'consent' }";
    return ['Google gives refresh tokens with access_type=offline alone', mend, true];
  }
  const grants = textList(document['grant_types_supported']);
  if (grants.length > 0 && !grants.includes('refresh_token')) {
    return ['"grant_types_supported" has no refresh_token', 'enable the grant there', true];
  }
  const offline = textList(document['scopes_supported']).includes('offline_access');
  if (!offline || discoveryUrl.includes('/realms/')) return undefined;
  if (!scopes.includes('offline_access')) {
    const mend = 'add "offline_access" to "scopes", or log in with ?offline_access=true';
    return ['logins do not ask for offline_access', mend, false];
  }
  if (WITHOUT_CONSENT.test(discoveryUrl) || prompt.split(' ').includes('consent')) return undefined;
  const mend =
    'set "authorizationParameters": { prompt: \'consent\' }, unless refresh tokens come all the same';
  return [
    'offline_access may be ignored without prompt=consent (OpenID Connect Core §11)',
    mend,
    false,
  ];
}
