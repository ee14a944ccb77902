import { modes } from './mode.js';
import type { Quickstart } from './start-quickstart.js';

/** What a person at the terminal needs to try everything: the address, the users, a line for each flow. */
export function welcome({
  url,
  identityProviders,
  mode,
  sessions,
}: Omit<Quickstart, 'close'>): string {
  const auth = `${url}/api/auth/v2`;
  const providers = identityProviders.flatMap(({ issuer, settings: { title, accounts } }) => [
    `${title}, ${issuer}`,
    ...accounts.map(
      ({ username, password, roles }) => `  ${username} / ${password}  (${roles.join(', ')})`,
    ),
  ]);
  return `
  ${bold('nestjs-oidc-auth quickstart')}

  Open        ${bold(`${url}/`)}
  API         ${url}/docs
  Providers   ${providers.join('\n              ')}
  Mode        ${mode} (the variable MODE: ${modes.join(' or ')})
  Sessions    ${sessions}
  Stop        Ctrl-C

  ${bold('From another terminal')} (bash or zsh)

  field() { node -pe "JSON.parse(fs.readFileSync(0)).$1"; }

  # no token: 401
  curl -i -w '\\n' ${url}/api/me

  # device flow: start, then wait until you have opened the address and logged in (-d provider=partner for Partner Identity)
  DEVICE=$(curl -s -d '' ${auth}/device); echo "Open $(field verification_uri_complete <<< "$DEVICE")"
  while TOKENS=$(curl -s -d "device_code=$(field device_code <<< "$DEVICE")" ${auth}/token); [[ "$TOKENS" == *authorization_pending* || "$TOKENS" == *slow_down* ]]; do sleep 5; done; echo "$TOKENS"

  # use the token (the second route is for alice only, the third for people of Partner Identity)
  curl -s -w '\\n' -H "Authorization: Bearer $(field access_token <<< "$TOKENS")" ${url}/api/me
  curl -s -w '\\n' -H "Authorization: Bearer $(field access_token <<< "$TOKENS")" ${url}/api/admin
  curl -s -w '\\n' -H "Authorization: Bearer $(field access_token <<< "$TOKENS")" ${url}/api/partners

  # refresh
  TOKENS=$(curl -s -d "refresh_token=$(field refresh_token <<< "$TOKENS")" ${auth}/token); echo "$TOKENS"

${mode === 'broker' ? ofBroker(url) : ''}  # userinfo
  curl -s -w '\\n' -H "Authorization: Bearer $(field access_token <<< "$TOKENS")" ${auth}/userinfo

  # revoke: no refresh after this${mode === 'broker' ? ', and the access token is refused at once' : ''}
  curl -i -w '\\n' -d "token=$(field refresh_token <<< "$TOKENS")" ${auth}/revoke

  ${bold('With the Python client')} (pip install py-oidc-auth-client)

  python -m py_oidc_auth_client ${url}/api --timeout 120

`;
}

function ofBroker(url: string): string {
  return `  # your sessions
  curl -s -w '\\n' -H "Authorization: Bearer $(field access_token <<< "$TOKENS")" ${url}/api/sessions

  # what other services verify our tokens with
  curl -s -w '\\n' ${url}/.well-known/openid-configuration

`;
}

function bold(text: string): string {
  return process.stdout.isTTY ? `\u001b[1m${text}\u001b[22m` : text;
}
