import { Controller, Delete, Get, Header, Patch, Post, Put } from '@nestjs/common';
import { expect } from 'vitest';

import { Auth, IdToken, type BrowserSessionOptions, type IdTokenClaims } from '../../lib/index.js';
import type { TestApp } from './app.js';
import { type BrokerAppOptions, startBrokerApp } from './broker-app.js';
import { registerSecret } from './canary-secrets.js';
import { GuardedRoutes } from './guarded-routes.js';
import { type Reply, type RequestHeaders, request } from './http-request.js';
import { UserAgent, visit } from './user-agent.js';

/** Handlers of a host's application with pages. */
@Controller()
export class PageRoutes {
  /** Who changed something, in order. */
  static readonly changes: string[] = [];

  @Get('page')
  @Auth({ onUnauthenticated: 'login' })
  page(@IdToken('sub') sub: string): string {
    return `hello ${sub}`;
  }

  @Get('claims')
  @Auth()
  claims(@IdToken() claims: IdTokenClaims): object {
    return claims;
  }

  @Get('cached')
  @Header('Cache-Control', 'private, max-age=60')
  @Auth()
  cached(): object {
    return {};
  }

  @Post('change')
  @Auth()
  change(@IdToken('sub') sub: string): string {
    PageRoutes.changes.push(sub);
    return 'changed';
  }

  @Put('change')
  @Auth()
  put(@IdToken('sub') sub: string): string {
    return this.change(sub);
  }

  @Patch('change')
  @Auth()
  patch(@IdToken('sub') sub: string): string {
    return this.change(sub);
  }

  @Delete('change')
  @Auth()
  delete(@IdToken('sub') sub: string): string {
    return this.change(sub);
  }

  @Post('maybe')
  @Auth({ optional: true })
  maybe(@IdToken('sub') sub?: string): string {
    return sub ?? 'nobody';
  }
}

/** An application in broker mode whose browsers log in by cookie. */
export function startBrowserApp({
  session = {},
  options,
  ...app
}: BrokerAppOptions & { readonly session?: BrowserSessionOptions }): Promise<TestApp> {
  return startBrokerApp({
    controllers: [GuardedRoutes, PageRoutes],
    ...app,
    options: { session, ...options },
  });
}

export const SESSION_COOKIE = 'oidc-session';

/** What a page of our own sends with each request of its scripts. */
export const ownPage: RequestHeaders = { 'sec-fetch-site': 'same-origin' };

/** A browser, with what it is logged in with. */
export class Browser {
  readonly agent: UserAgent;

  constructor(
    readonly app: { readonly url: string },
    now?: () => number,
  ) {
    this.agent = new UserAgent(now, {}, visit);
  }

  /** The session cookie's value; a secret from then on. */
  get reference(): string {
    const value = this.agent.cookies(this.app.url)[SESSION_COOKIE] ?? '';
    if (value !== '') registerSecret(value, 'session cookie');
    return value;
  }

  /** Logs in; the last answer before the browser would go to `return_to`. */
  async logIn(returnTo = '/claims', query: Readonly<Record<string, string>> = {}): Promise<Reply> {
    const parameters = new URLSearchParams({ return_to: returnTo, ...query });
    const reply = await this.agent.get(`${this.app.url}/auth/v2/login?${parameters.toString()}`, {
      follow: (location) => location.pathname !== new URL(returnTo, this.app.url).pathname,
    });
    expect(reply.status, reply.text()).toBe(303);
    expect(this.reference).not.toBe('');
    return reply;
  }

  /** What the session cookie is worth to a script of our page: a status, or the user. */
  async who(app = this.app): Promise<string> {
    return whoIs(app, this.reference);
  }

  /** A request of a script with the session cookie alone. */
  send(path: string, method = 'GET', headers: RequestHeaders = ownPage): Promise<Reply> {
    return withCookie(this.app, path, this.reference, { method, headers });
  }
}

export function withCookie(
  app: { readonly url: string },
  path: string,
  reference: string,
  { method = 'GET', headers = ownPage }: { method?: string; headers?: RequestHeaders } = {},
): Promise<Reply> {
  const cookie = `${SESSION_COOKIE}=${reference}`;
  return request(`${app.url}${path}`, { method, headers: { cookie, ...headers } });
}

/** `sub` of whom a reference logs in, or the refusal. */
export async function whoIs(app: { readonly url: string }, reference: string): Promise<string> {
  const reply = await withCookie(app, '/claims', reference);
  const body = reply.json();
  return reply.status === 200 ? String(body['sub']) : `${reply.status} ${String(body['error'])}`;
}
