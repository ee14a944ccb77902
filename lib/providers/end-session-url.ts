import { Logger } from '@nestjs/common';
import type { Configuration } from 'openid-client';
import type { OpenidClient } from './openid-client.js';

/** A longer address does not pass many a proxy, which reads all headers of an answer into 4 KiB. */
const LONGEST_WITH_HINT = 3000;

/**
 * Where a browser logs out at the provider (OpenID Connect RP-Initiated Logout §2). An ID token that would make the address too
 * long is not sent: it is a hint, without which the provider asks the user, and nobody can limit what a provider writes into it.
 */
export function endSessionUrl(
  { buildEndSessionUrl }: OpenidClient,
  configuration: Configuration,
  parameters: Readonly<Record<string, string>>,
): string {
  const { href } = buildEndSessionUrl(configuration, { ...parameters });
  const { id_token_hint: hint, ...others } = parameters;
  if (hint === undefined || href.length <= LONGEST_WITH_HINT) return href;
  new Logger('OidcAuth').debug(
    `An ID token of ${hint.length} characters is too long to be sent as id_token_hint; the provider may ask its user.`,
  );
  return buildEndSessionUrl(configuration, others).href;
}
