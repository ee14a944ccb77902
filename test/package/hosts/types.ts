import type { DynamicModule } from '@nestjs/common';
import {
  Auth,
  type AuthRule,
  type IdTokenClaims,
  type LoginNotice,
  OAuthError,
  type OAuthErrorCode,
  OidcAuthModule,
  type OidcAuthOptions,
  type OidcEventMap,
  OidcEvents,
  OidcService,
  type TokenRequest,
  type TokenResponse,
} from 'nestjs-oidc-auth';

// Only compiled: what a host writes must have these types, and what it must not write must be an error.

declare module 'nestjs-oidc-auth' {
  interface IdTokenClaims {
    readonly library_card?: string;
  }
}

export const cardOf = (claims: IdTokenClaims): string => claims.library_card ?? 'none';

export const subjectOf = (claims: IdTokenClaims): string => claims.sub;

// @ts-expect-error a claim that nobody declared is unknown
export const undeclared = (claims: IdTokenClaims): string => claims.undeclared;

export const options: OidcAuthOptions = {
  clientId: 'my-client',
  discoveryUrl: 'https://idp.example.org/.well-known/openid-configuration',
  audience: ['my-aud'],
  publicUrl: 'https://app.example.org',
  onLogin: async ({ claims }: LoginNotice) => {
    if (claims?.['email_verified'] !== true) throw new Error('Confirm your address first');
  },
};

export const brokered: OidcAuthOptions = {
  ...options,
  broker: {
    audience: 'myapp-api',
    store: 'memory://',
    trustedIssuers: [
      'https://b.example.org',
      { issuer: 'https://c.example.org', roles: ['reader'] },
    ],
    mapClaims: async (claims) => ({ tenant: claims['tenant'] }),
  },
};

// @ts-expect-error an audience is required
export const halfBrokered: OidcAuthOptions = { ...options, broker: { store: 'memory://' } };

// @ts-expect-error a client id is required
export const incomplete: OidcAuthOptions = { discoveryUrl: 'https://idp.example.org' };

export const module: DynamicModule = OidcAuthModule.forRootAsync({
  routes: { prefix: '/api', device: false },
  isGlobal: false,
  useFactory: async () => options,
});

export const rule: AuthRule = { scopes: ['orders:write'], roles: ['staff'] };
export const decorator: MethodDecorator = Auth(rule);

// @ts-expect-error a rule has no such member
export const misspelt = Auth({ scope: 'orders:write' });

export const code = (error: OAuthError): OAuthErrorCode => error.error;

export const grantOf = ({ grant }: OidcEventMap['login']): string => grant;

export class Host {
  constructor(
    private readonly oidc: OidcService,
    events: OidcEvents,
  ) {
    events.on('login', (login) => grantOf(login));
  }

  async refresh(refreshToken: string): Promise<TokenResponse> {
    const request: TokenRequest = { refreshToken };
    const { tokens } = await this.oidc.token(request);
    return tokens;
  }
}
