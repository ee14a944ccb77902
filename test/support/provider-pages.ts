import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';

import type { KoaContextWithOIDC, Provider } from 'oidc-provider';

import { users } from './users.js';

type PageContext = Pick<KoaContextWithOIDC, 'req' | 'res' | 'path' | 'method' | 'redirect'> & {
  status: number;
  type: string;
  body: unknown;
};

/** A page of plain HTML: no scripts, no fonts, nothing from elsewhere. */
export function page(title: string, content: string): string {
  return `<!DOCTYPE html><html lang="en"><head><title>${title}</title></head><body><h1>${title}</h1>${content}</body></html>`;
}

const loginPage = page(
  'Login',
  '<form method="post"><input name="login" value="" autofocus><button>Log in</button></form>',
);

const consentPage = page(
  'Consent',
  `<form method="post"><button name="consent" value="yes">Allow</button>
   <button name="abort" value="yes">Deny</button></form>`,
);

/** Serves the login and consent pages below `/interaction/`. */
export function interactionPages(provider: Provider) {
  return async (ctx: PageContext, next: () => Promise<void>): Promise<void> => {
    if (!ctx.path.startsWith('/interaction/')) return next();

    const interaction = await provider.interactionDetails(ctx.req, ctx.res);
    if (ctx.method !== 'POST') {
      ctx.type = 'html';
      ctx.body = interaction.prompt.name === 'login' ? loginPage : consentPage;
      return undefined;
    }

    const result = await resultOf(provider, interaction, await formOf(ctx.req));
    const returnTo = await provider.interactionResult(ctx.req, ctx.res, result);
    ctx.redirect(returnTo);
    ctx.status = 303;
    return undefined;
  };
}

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;
type InteractionResult = Parameters<Provider['interactionResult']>[2];

async function resultOf(
  provider: Provider,
  interaction: Interaction,
  form: URLSearchParams,
): Promise<InteractionResult> {
  if (form.has('abort')) {
    return { error: 'access_denied', error_description: 'The user said no' };
  }
  if (interaction.prompt.name === 'login') {
    const { acr_values: acrs } = interaction.params;
    const [acr] = typeof acrs === 'string' ? acrs.split(' ') : [];
    return { login: { accountId: subjectOf(form), ...(acr === undefined ? {} : { acr }) } };
  }
  return { consent: { grantId: await grantEverything(provider, interaction) } };
}

function subjectOf(form: URLSearchParams): string {
  const user = users.get(form.get('login') ?? '');
  if (user === undefined) throw new Error(`Nobody is called ${form.get('login')}`);
  return user.sub;
}

async function grantEverything(provider: Provider, interaction: Interaction): Promise<string> {
  const known =
    interaction.grantId === undefined ? undefined : await provider.Grant.find(interaction.grantId);
  const grant =
    known ??
    new provider.Grant({
      accountId: interaction.session?.accountId,
      clientId: String(interaction.params['client_id']),
    });

  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = interaction.prompt.details;
  if (isStringList(missingOIDCScope)) grant.addOIDCScope(missingOIDCScope.join(' '));
  if (isStringList(missingOIDCClaims)) grant.addOIDCClaims(missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
    if (isStringList(scopes)) grant.addResourceScope(resource, scopes.join(' '));
  }
  return grant.save();
}

function isStringList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((member) => typeof member === 'string');
}

async function formOf(incoming: IncomingMessage): Promise<URLSearchParams> {
  return new URLSearchParams(await text(incoming));
}
