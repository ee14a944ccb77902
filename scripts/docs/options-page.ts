import type { DocumentedMember, TsDoc } from './tsdoc.js';

/** The interfaces that the page shows, in its order: what is written before a member's name, and what the section says first. */
const SECTIONS: readonly {
  readonly title: string;
  readonly of: string;
  readonly prefix?: string;
  readonly intro?: string;
  readonly leaveOut?: readonly string[];
}[] = [
  {
    title: 'The client at the identity provider',
    of: 'ClientGroup',
    intro:
      'At the top for one provider; in the entries of `providers` for [several](several-providers.md).',
  },
  {
    title: 'What is asked of the identity provider',
    of: 'RequestGroup',
    intro:
      'At the top for one provider; in the entries of `providers` for [several](several-providers.md).',
  },
  {
    title: 'The identity provider',
    of: 'ProviderGroup',
    intro:
      'At the top for one provider; in the entries of `providers` for [several](several-providers.md).',
  },
  { title: 'Calls to other servers', of: 'CallGroup' },
  { title: 'The application', of: 'ApplicationGroup' },
  {
    title: 'Tokens that are bound to a key',
    of: 'PossessionGroup',
    intro: 'What they are for: [DPoP](dpop.md).',
  },
  {
    title: 'Several identity providers',
    of: 'SeveralGroup',
    intro: 'What they are for: [Several identity providers](several-providers.md).',
  },
  {
    title: 'One of several',
    of: 'EntryGroup',
    prefix: 'providers.<name>.',
    intro: 'Beside those of [the identity provider](#the-identity-provider).',
  },
  {
    title: 'Broker mode',
    of: 'BrokerGroup',
    prefix: 'broker.',
    intro:
      'What they are for: [Broker mode](broker.md), [Stores](stores.md), [Federation](federation.md).',
  },
  {
    title: 'Sessions of browsers',
    of: 'BrowserSessionGroup',
    prefix: 'session.',
    intro: 'What they are for: [Browser applications](browser-applications.md).',
  },
  {
    title: 'A trusted issuer',
    of: 'TrustedIssuer',
    prefix: 'broker.trustedIssuers[].',
  },
  {
    title: 'Routes',
    of: 'RouteOptions',
    prefix: 'routes.',
    intro:
      'A path that begins with `/`, or `false`: the route does not exist. What each does: [Routes](routes.md).',
  },
  { title: 'Grants', of: 'GrantGroup', prefix: 'grants.' },
  { title: 'Endpoints of the provider', of: 'EndpointGroup', prefix: 'endpoints.' },
  { title: 'Keys of the client', of: 'ClientKey', prefix: 'clientKeys[].' },
  {
    title: 'Introspection at the provider',
    of: 'IntrospectionGroup',
    prefix: 'introspection.',
    intro: 'What it is for: [Opaque access tokens](providers/index.md#opaque-access-tokens).',
  },
  { title: 'Loopback redirects', of: 'LoopbackRedirectOptions', prefix: 'loopbackRedirects.' },
  {
    title: 'Registration',
    of: 'OidcAuthRegistration',
    intro:
      'What decides which controllers and exports the container holds. In `forRootAsync` it stands beside the factory.',
    leaveOut: ['routes'],
  },
];

/** The interfaces that the page shows. */
export const shownInterfaces: readonly string[] = SECTIONS.map(({ of }) => of);

export const OPTIONS_BEGIN = '<!-- Made from the comments of the code by `npm run docs:write`. -->';
export const OPTIONS_END = '<!-- End of what is made. -->';

function entry(
  prefix: string,
  { name, type, optional, text, defaultValue }: DocumentedMember,
): string {
  const shown = `\`${prefix}${name}\``;
  const facts = [
    `Type: \`${type}\``,
    ...(defaultValue === undefined ? [] : [`default: ${defaultValue}`]),
    ...(optional ? [] : ['required']),
  ].join(', ');
  return [`### ${shown}`, facts, text].filter((part) => part !== '').join('\n\n');
}

/** What stands between the marks of `docs/options.md`, before formatting. */
export function optionsText(code: TsDoc): string {
  const sections = SECTIONS.map(({ title, of, prefix = '', intro, leaveOut = [] }) => {
    const members = code.membersOf(of).filter(({ name }) => !leaveOut.includes(name));
    if (members.length === 0) throw new Error(`${of} has no members of its own to be shown`);
    return [
      `## ${title}`,
      ...(intro === undefined ? [] : [intro]),
      ...members.map((one) => entry(prefix, one)),
    ].join('\n\n');
  });
  return sections.join('\n\n');
}
