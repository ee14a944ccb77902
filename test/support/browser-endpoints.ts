import type { Behaviour } from './behaviour.js';
import type { IssuedGrants } from './issued-grants.js';
import type { Answer } from './provider-answer.js';

type Query = Readonly<Record<string, string>>;

/** The authorization endpoint without pages: whoever comes is logged in and goes back with a code. */
export function authorize(
  query: Query,
  { issuer, behaviour }: { readonly issuer: string; readonly behaviour: Behaviour },
  grants: IssuedGrants,
): Answer {
  const redirectUri = query['redirect_uri'] ?? '';
  if (!URL.canParse(redirectUri)) return { status: 400, body: { error: 'invalid_request' } };

  const code = grants.addCode({
    user: behaviour.user,
    scope: query['scope'] ?? 'openid',
    nonce: query['nonce'],
    redirectUri,
    codeChallenge: query['code_challenge'],
  });
  const parameters = new URLSearchParams({ code, iss: issuer });
  if (query['state'] !== undefined) parameters.set('state', query['state']);
  const sent = behaviour.authorization?.(parameters, query) ?? parameters;

  if (query['response_mode'] === 'form_post') return formPost(redirectUri, sent);
  const target = new URL(redirectUri);
  for (const [name, value] of sent) target.searchParams.append(name, value);
  return { status: 302, headers: { location: target.href } };
}

/** The page that sends the answer on; elsewhere a script presses its button. */
function formPost(redirectUri: string, sent: URLSearchParams): Answer {
  const fields = [...sent].map(([name, value]) => `<input name="${name}" value="${value}"/>`);
  const body = `<form method="post" action="${redirectUri}">${fields.join('')}<button>Go on</button></form>`;
  return { status: 200, headers: { 'content-type': 'text/html' }, body };
}

/** OpenID Connect RP-Initiated Logout §2, without asking anybody. */
export function endSession(query: Query): Answer {
  const target = query['post_logout_redirect_uri'];
  if (target === undefined) return { status: 200, body: 'Logged out' };
  const url = new URL(target);
  if (query['state'] !== undefined) url.searchParams.set('state', query['state']);
  return { status: 302, headers: { location: url.href } };
}
