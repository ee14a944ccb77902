import { createHash } from 'node:crypto';
import type { LoginFailure } from '../options/browser-session-options.js';

const STYLE =
  'body{font:1.0625rem/1.6 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.25rem;color:#1b1b1f;background:#fff}' +
  'h1{font-size:1.5rem;line-height:1.3}a,button{display:inline-block;font:inherit;padding:.6rem 1.2rem;border-radius:.4rem;border:0;' +
  'background:#1d4ed8;color:#fff;text-decoration:none;cursor:pointer}a:focus-visible,button:focus-visible{outline:3px solid #f59e0b;' +
  'outline-offset:2px}small{color:#55555f}@media(prefers-color-scheme:dark){body{color:#ececf1;background:#18181b}small{color:#b4b4bd}}';

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** In no frame, without scripts, kept nowhere. A page of the host's may have styles of its own in it. */
function headersOf(styles: string): Readonly<Record<string, string>> {
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Content-Security-Policy': `default-src 'none'; style-src ${styles}; base-uri 'none'; frame-ancestors 'none'`,
  };
}

export const PAGE_HEADERS = headersOf(`'sha256-${STYLE_HASH}'`);
export const HOST_PAGE_HEADERS = headersOf("'unsafe-inline'");

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

function page(title: string, body: string): string {
  return (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">' +
    `<meta name="robots" content="noindex"><title>${escaped(title)}</title><style>${STYLE}</style></head>` +
    `<body><main><h1>${escaped(title)}</h1>${body}</main></body></html>`
  );
}

const UNMET: readonly string[] = [
  'unmet_authentication_requirements',
  'insufficient_user_authentication',
];

/** What happened, in words for people; the code is for whoever they ask. */
function wordsFor({ status, error }: FailedLogin): readonly [title: string, text: string] {
  if (status === 500 || status === 502) {
    return [
      'Something is wrong on our side',
      'Trying again may not help. Whoever looks after this application can read why in its log.',
    ];
  }
  if (status > 500) {
    return [
      'The login service does not answer',
      'It cannot be reached at the moment. Please wait a little, and try again.',
    ];
  }
  if (error === 'access_denied' && status === 400) {
    return ['The login was cancelled', 'Nothing has changed. You can try again.'];
  }
  if (status === 403) {
    return ['You may not log in here', 'Your account has no access to this application.'];
  }
  if (UNMET.includes(error)) {
    return [
      'This login was not enough',
      'What you wanted to open needs a stronger or more recent login than the one you have just made.',
    ];
  }
  if (error === 'invalid_token') {
    return [
      'The login did not last',
      'You were logged in, but this page does not know you yet. Your browser may refuse cookies of this site.',
    ];
  }
  return [
    'The login could not be finished',
    'It may have taken too long, have been finished already, or have begun in another window. Please try again.',
  ];
}

/** A login that failed, with where it begins anew if that is known. */
export type FailedLogin = Omit<LoginFailure, 'retryUrl'> & {
  readonly retryUrl: string | undefined;
};

function retryLink(url: string | undefined): string {
  if (url === undefined) return '<p>Go back to where you came from, and begin again there.</p>';
  return `<p><a href="${escaped(url)}">Try again</a></p>`;
}

/** The page of a login that failed. Nothing of what the browser brought is on it. */
export function failurePage(failure: FailedLogin): string {
  const [title, text] = wordsFor(failure);
  return page(
    title,
    `<p>${escaped(text)}</p>${retryLink(failure.retryUrl)}` +
      `<p><small>${failure.status} ${escaped(failure.error)}</small></p>`,
  );
}

/** The page that asks before it logs out: a link on any page leads to it, and only its button does something. */
export function logoutPage(action: string): string {
  return page(
    'Log out?',
    `<form method="post" action="${escaped(action)}"><p><button>Log out</button></p></form>`,
  );
}
