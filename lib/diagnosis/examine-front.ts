import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http';
import { describeError } from '../errors/describe-error.js';
import { withoutDetails } from '../errors/shown-value.js';
import type { GuardedFetch } from '../http/guarded-fetch.js';
import { Notes } from './notes.js';

/** The way from a browser to this application. */
export interface FrontCase {
  readonly publicUrl: string;
  /** A route of ours that wants a token; `undefined`: there is none. */
  readonly route: string | undefined;
  readonly http: GuardedFetch;
  /** This application's own, to see what arrives there; `undefined`: it is another process. */
  readonly server: Server | undefined;
}

/** Sends a request to `publicUrl`, and looks what of it arrives and what comes back. Never throws. */
export async function examineFront({ publicUrl, route, http, server }: FrontCase): Promise<Notes> {
  const notes = new Notes('publicUrl');
  const mark = randomBytes(12).toString('hex');
  const url = new URL(route ?? publicUrl);
  url.searchParams.set('doctor', mark);
  const arrival = watch(server, mark);
  const headers = { authorization: `Bearer ${mark}`, cookie: `oidc-doctor=${mark}` };
  const [answer] = await Promise.allSettled([http.answer(url.href, { headers })]);
  arrival.end();
  const arrived = arrival.headers();
  if (arrived !== undefined) {
    examineArrival(arrived, url, mark, notes);
  } else if (answer.status === 'fulfilled') {
    examineAnswer(answer.value, url, route !== undefined, notes);
  } else {
    const seen = `${withoutDetails(publicUrl)} does not answer (${describeError(answer.reason)})`;
    if (server === undefined || server.listening) notes.find('public-url-unreachable', seen);
    else notes.note(`${seen}; the way through a proxy was not looked at`);
  }
  return notes;
}

function watch(
  server: Server | undefined,
  mark: string,
): { headers(): IncomingHttpHeaders | undefined; end(): void } {
  let seen: IncomingHttpHeaders | undefined;
  const listener = ({ url, headers }: IncomingMessage): void => {
    if (url?.includes(mark)) seen = headers;
  };
  server?.on('request', listener);
  return { headers: () => seen, end: () => server?.off('request', listener) };
}

function examineArrival(headers: IncomingHttpHeaders, url: URL, mark: string, notes: Notes): void {
  const { authorization, cookie = '', host } = headers;
  if (authorization !== `Bearer ${mark}`) {
    notes.find('authorization-eaten', 'requests arrive without their Authorization header');
  }
  if (!cookie.includes(`oidc-doctor=${mark}`)) {
    notes.find('cookies-eaten', 'requests arrive without their cookies');
  }
  if (host !== url.host) {
    notes.find('host-rewritten', `requests for ${url.host} arrive with Host: ${host ?? 'none'}`);
  }
  if (url.protocol === 'http:' && firstOf(headers['x-forwarded-proto']) === 'https') {
    notes.find('protocol-mixed', 'it is http, and a proxy says that browsers use https');
  }
  notes.note('a request through it arrives here');
}

function firstOf(header: string | string[] | undefined): string | undefined {
  return [header ?? []].flat()[0]?.split(',')[0]?.trim();
}

/** It came to another instance, or to somebody else. */
function examineAnswer(response: Response, url: URL, isRoute: boolean, notes: Notes): void {
  const { status, headers } = response;
  const location = headers.get('location');
  if (status >= 300 && status < 400 && location !== null) {
    examineRedirect(location, url, notes);
    return;
  }
  if (!isRoute) {
    notes.note(`it answers ${status}, and the request did not come here`);
    return;
  }
  const challenge = headers.get('www-authenticate');
  if (status !== 401 || challenge === null) {
    const seen = `${withoutDetails(url.href)} answers ${status}, and not as this application would`;
    notes.find('public-url-elsewhere', seen);
  } else if (!/^bearer .*error=/i.test(challenge)) {
    notes.find('authorization-eaten', 'a request with a token is answered as one without');
  } else {
    notes.note('it answers as this application does');
  }
}

function examineRedirect(location: string, url: URL, notes: Notes): void {
  const target = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined;
  const from = withoutDetails(url.href);
  if (target === undefined || target.origin === url.origin) {
    notes.find('public-url-elsewhere', `${from} redirects, and not as this application would`);
  } else if (target.host === url.host || target.hostname === url.hostname) {
    notes.find('protocol-mixed', `${from} redirects to ${target.origin}`);
  } else {
    notes.find('public-url-redirects', `${from} redirects to ${target.origin}`);
  }
}
