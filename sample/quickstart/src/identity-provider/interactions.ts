import type { IncomingMessage } from 'node:http';

import {
  type Client,
  errors,
  type Interaction,
  type InteractionResults,
  type Provider,
} from 'oidc-provider';

import type { Accounts } from './accounts.js';
import { allowScopes, type Consents } from './grants.js';
import type { Middleware } from './identity-provider.js';
import type { Pages } from './pages.js';

const bodyLimitBytes = 8192;
const cancelled: InteractionResults = {
  error: 'access_denied',
  error_description: 'The login was cancelled.',
};

/** What the pages need of their provider. */
interface Parts {
  provider: Provider;
  accounts: Accounts;
  consents: Consents;
  pages: Pages;
}

/** One visit to a login or consent page; without a `form` the person has not answered yet. */
interface Visit {
  interaction: Interaction;
  client: Client;
  action: string;
  form: URLSearchParams | undefined;
}

/** What comes of a visit: a page to show, or a result that ends the interaction. */
type Outcome = { page: string; status?: number } | { result: InteractionResults };

/** The pages between "log in" and "logged in": `oidc-provider` asks for them, we show them. */
export function interactions(parts: Parts): Middleware {
  const { provider, pages } = parts;
  return async (ctx, next) => {
    if (!ctx.path.startsWith('/interaction/')) return next();
    try {
      const interaction = await provider.interactionDetails(ctx.req, ctx.res);
      const client = await provider.Client.find(String(interaction.params.client_id));
      if (client === undefined) throw new errors.SessionNotFound('client not found');
      const form = ctx.method === 'POST' ? await readForm(ctx.req) : undefined;

      const visit: Visit = { interaction, client, action: ctx.path, form };
      const isLogin = interaction.prompt.name === 'login';
      const outcome = isLogin ? logIn(parts, visit) : await consent(parts, visit);
      if ('page' in outcome) {
        ctx.status = outcome.status ?? 200;
        ctx.body = outcome.page;
        return;
      }
      const merge = { mergeWithLastSubmission: !isLogin };
      ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, outcome.result, merge));
      ctx.status = 303;
    } catch (error) {
      if (!(error instanceof errors.SessionNotFound)) throw error;
      ctx.status = 400;
      ctx.body = pages.message(
        'This page is no longer valid',
        'Go back to the application and start the login again.',
      );
    }
  };
}

function logIn({ accounts, pages }: Parts, { client, action, form }: Visit): Outcome {
  const page = { action, clientName: client.clientName ?? client.clientId };
  if (form === undefined) return { page: pages.login(page) };
  if (form.has('cancel')) return { result: cancelled };
  const username = form.get('login') ?? '';
  const account = accounts.findByPassword(username, form.get('password') ?? '');
  if (account !== undefined) return { result: { login: { accountId: account.sub } } };
  const problem = 'User name and password do not match.';
  return { status: 401, page: pages.login({ ...page, username, problem }) };
}

async function consent(parts: Parts, visit: Visit): Promise<Outcome> {
  const { provider, accounts, consents, pages } = parts;
  const { interaction, client, action, form } = visit;
  const { grantId, params, session } = interaction;
  const account = accounts.findBySubject(session?.accountId);
  if (account === undefined) throw new errors.SessionNotFound('account not found');
  const scopes = String(params.scope).split(' ');
  if (form === undefined) {
    const clientName = client.clientName ?? client.clientId;
    return { page: pages.consent({ action, clientName, username: account.username, scopes }) };
  }
  if (form.has('cancel')) return { result: cancelled };
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  const { clientId } = client;
  const grant = known ?? new provider.Grant({ accountId: account.sub, clientId });
  allowScopes(grant, scopes);
  consents.allow(account.sub, scopes);
  return { result: { consent: { grantId: await grant.save() } } };
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > bodyLimitBytes) throw new Error('The form is too long.');
    chunks.push(bytes);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
