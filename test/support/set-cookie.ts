import type { Reply } from './http-request.js';

/** A `Set-Cookie` header as it was written; attributes in lower case, flags with an empty value. */
export interface SetCookie {
  readonly name: string;
  readonly value: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The cookies that an answer sets and removes. */
export function setCookies(reply: Reply): SetCookie[] {
  return reply.headers.getSetCookie().map((header) => {
    const [pair = '', ...rest] = header.split('; ');
    const split = pair.indexOf('=');
    const attributes = rest.map((text): [string, string] => {
      const [name = '', value = ''] = text.split('=');
      return [name.toLowerCase(), value];
    });
    return {
      name: pair.slice(0, split),
      value: pair.slice(split + 1),
      attributes: Object.fromEntries(attributes),
    };
  });
}
