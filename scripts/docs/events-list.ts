import type { TsDoc } from './tsdoc.js';

export const EVENTS_BEGIN = '<!-- Made from `OidcEventMap` by `npm run docs:write`. -->';
export const EVENTS_END = '<!-- End of what is made. -->';

/** `EventBase & { session?: string }` as `session?: string`. */
function payloadOf(type: string): string {
  const [, members = ''] = /\{ ?([\s\S]*?);? ?\}$/.exec(type) ?? [];
  return members.replaceAll(';', ',').trim();
}

/** The events on the page about operations, before formatting. */
export function eventsText(code: TsDoc): string {
  const events = code.membersOf('OidcEventMap').map(({ name, type, text }) => {
    const payload = payloadOf(type);
    const says = payload === '' ? '' : ` Says \`${payload}\`.`;
    return `- <a id="event-${name}"></a>**\`${name}\`**: ${text.replace(/\s+/g, ' ')}${says}`;
  });
  const all =
    'Each says `provider`, the name of the identity provider, and `requestId` where the option [`requestId`](options.md#requestid) gives one.';
  return [all, events.join('\n')].join('\n\n');
}
