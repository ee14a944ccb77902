import type { Federation } from './start-federation.js';

/** What a person at the terminal needs to try everything: the addresses, and a line for each step. */
export function welcome(federation: Omit<Federation, 'close'>): string {
  const { a, b, issuer } = federation;
  return `
  nestjs-oidc-auth federation

  Instance A  ${a}  (accepts the tokens of B)
  Instance B  ${b}  (accepts the tokens of A, but of their roles only "users")
  Provider    ${issuer}  (takes everybody for alice and asks nothing)
  Stop        Ctrl-C

  From another terminal (bash or zsh)

${script(federation)}
`;
}

/** The lines to paste, in the order in which they make sense. */
export function script({ a, b }: Pick<Federation, 'a' | 'b'>): string {
  const auth = '/api/auth/v2';
  return `  field() { node -pe "JSON.parse(fs.readFileSync(0)).$1"; }
  login() { curl -sL -b "" "$1${auth}/login?redirect_uri=$1${auth}/callback"; }

  # log in at A and at B: each gives tokens of its own
  AT_A=$(login ${a}); echo "$AT_A"
  AT_B=$(login ${b}); echo "$AT_B"
  OF_A=$(field access_token <<< "$AT_A"); OF_B=$(field access_token <<< "$AT_B")

  # the token of A at A, then at B, and the token of B at A: 200, and "issuer" tells whose it is
  curl -s -w ' %{http_code}\\n' -H "Authorization: Bearer $OF_A" ${a}/api/me
  curl -s -w ' %{http_code}\\n' -H "Authorization: Bearer $OF_A" ${b}/api/me
  curl -s -w ' %{http_code}\\n' -H "Authorization: Bearer $OF_B" ${a}/api/me

  # alice is an administrator of A: 200. B lets nobody become one by a token of A: 403. By a token of B she is: 200
  curl -s -w ' %{http_code}\\n' -H "Authorization: Bearer $OF_A" ${a}/api/admin
  curl -s -w ' %{http_code}\\n' -H "Authorization: Bearer $OF_A" ${b}/api/admin
  curl -s -w ' %{http_code}\\n' -H "Authorization: Bearer $OF_B" ${b}/api/admin

  # what B verifies tokens of A with, and nobody else's
  curl -s -w ' %{http_code}\\n' ${a}/auth/v2/.well-known/jwks.json

  # a token of A opens doors at B, but never its sessions there: 400 for refresh and logout
  curl -s -w ' %{http_code}\\n' -d "refresh_token=$(field refresh_token <<< "$AT_A")" ${b}${auth}/token
  curl -s -w ' %{http_code}\\n' -H "Authorization: Bearer $OF_A" ${b}${auth}/logout

  # log out at A: its token ends there at once. B goes on accepting it until it expires, as every resource server would
  curl -s -w ' %{http_code}\\n' -d "token=$(field refresh_token <<< "$AT_A")" ${a}${auth}/revoke
  curl -s -w ' %{http_code}\\n' -H "Authorization: Bearer $OF_A" ${a}/api/me
  curl -s -w ' %{http_code}\\n' -H "Authorization: Bearer $OF_A" ${b}/api/me
`;
}
