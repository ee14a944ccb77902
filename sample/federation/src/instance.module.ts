import { type DynamicModule, Module } from '@nestjs/common';
import { OidcAuthModule, type TrustedIssuers } from 'nestjs-oidc-auth';

import { ApiController } from './api.controller.js';
import { fleet } from './fleet.js';

export interface InstanceOptions {
  /** Where this instance is; `iss` of its tokens too. */
  url: string;
  /** Where the identity provider is. */
  provider: string;
  trustedIssuers: TrustedIssuers;
}

/** An application that mints its own tokens and takes those of others. */
@Module({})
export class InstanceModule {
  static forRoot({ url, provider, trustedIssuers }: InstanceOptions): DynamicModule {
    return {
      module: InstanceModule,
      imports: [
        OidcAuthModule.forRoot({
          clientId: fleet.clientId,
          clientSecret: fleet.clientSecret,
          discoveryUrl: provider,
          audience: fleet.providerAudience,
          publicUrl: url,
          routes: { prefix: '/api' },
          broker: {
            audience: fleet.audience,
            store: 'memory://', // each instance has sessions and keys of its own
            trustedIssuers,
          },
        }),
      ],
      controllers: [ApiController],
    };
  }
}
