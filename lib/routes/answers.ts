import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { DemandedAnswer } from '../guard/login-demand.js';
import type { LoginCookie } from '../login/login-cookies.js';
import { Possession } from '../tokens/possession.js';

const PROTECTION = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
};

/** Of public documents, as long as they may still become errors. */
export const UNCACHED_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  ...PROTECTION,
};

/** On every answer of our routes, errors included (RFC 9700 §4.2.4, §4.16; RFC 6749 §5.1). */
export const ANSWER_HEADERS: Readonly<Record<string, string>> = {
  ...UNCACHED_HEADERS,
  Pragma: 'no-cache',
};

/** The same for public documents, which caches may keep for a while. */
export const PUBLIC_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'public, max-age=300',
  ...PROTECTION,
};

function serialised({ name, value, maxAgeSec, secure, crossSite }: LoginCookie): string {
  const sameSite = crossSite === true ? 'None' : 'Lax';
  const attributes = ['Path=/', `Max-Age=${maxAgeSec}`, 'HttpOnly', `SameSite=${sameSite}`];
  if (secure || crossSite === true) attributes.push('Secure');
  return [`${name}=${value}`, ...attributes].join('; ');
}

/** A response of Express (which is Node's own) or of Fastify (which holds it), with Node's request. */
interface RouteResponse {
  readonly req?: object;
  readonly raw?: { readonly req?: object };
}

/**
 * Answers on either HTTP adapter. The routes write their answers themselves, so that a host's own interceptors do not
 * wrap bodies that the wire contract fixes.
 */
@Injectable()
export class Answers {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly possession: Possession,
  ) {}

  /** Sets a header of the answer to come. */
  header(response: unknown, name: string, value: string): void {
    this.adapterHost.httpAdapter.setHeader(response, name, value);
  }

  json(response: unknown, body: object, cookies: readonly LoginCookie[] = []): void {
    this.#prepare(response, cookies);
    this.adapterHost.httpAdapter.reply(response, body, 200);
  }

  /** 302, so that the browser follows with GET (RFC 9700 §4.12). */
  redirect(response: unknown, url: string, cookies: readonly LoginCookie[] = []): void {
    this.#prepare(response, cookies);
    this.adapterHost.httpAdapter.redirect(response, 302, url);
  }

  /** 303, so that the browser follows with GET whatever it came with (RFC 9110 §15.4.4). */
  seeOther(response: unknown, url: string, cookies: readonly LoginCookie[] = []): void {
    this.#prepare(response, cookies);
    this.adapterHost.httpAdapter.redirect(response, 303, url);
  }

  /** A page for people; its headers take the place of what our other answers have. */
  page(
    response: unknown,
    {
      status,
      headers,
      body,
    }: Omit<DemandedAnswer, 'headers'> & { readonly headers: Iterable<readonly [string, string]> },
  ): void {
    const { httpAdapter } = this.adapterHost;
    for (const [name, value] of headers) httpAdapter.setHeader(response, name, value);
    httpAdapter.reply(response, body, status);
  }

  /** With the nonce for the client's next proofs, where it proved itself by one that will soon be over (RFC 9449 §8.2). */
  #prepare(response: unknown, cookies: readonly LoginCookie[]): void {
    const { raw, req = raw?.req }: RouteResponse = Object(response);
    const nonce = req && this.possession.nextNonce(req);
    if (nonce !== undefined) this.header(response, 'DPoP-Nonce', nonce);
    for (const cookie of cookies) {
      this.adapterHost.httpAdapter.appendHeader(response, 'Set-Cookie', serialised(cookie));
    }
  }
}
