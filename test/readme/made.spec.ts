import { describe, expect, it } from 'vitest';

import { madePages } from '../../scripts/docs/made-parts.js';
import { shownInterfaces } from '../../scripts/docs/options-page.js';
import { TsDoc } from '../../scripts/docs/tsdoc.js';
import { BrokerGroup } from '../../lib/options/broker-options.js';
import { ApplicationGroup } from '../../lib/options/oidc-auth-options.js';
import { ProviderGroup } from '../../lib/options/provider-options.js';
import { root, textOf } from './documents.js';

describe('what pages say of options and events', () => {
  it('is what the comments of the code say', async () => {
    for (const { page, written, made } of await madePages(root)) {
      expect(written, `${page} is older than the code: npm run docs:write`).toBe(made);
    }
  });

  it('leaves out no interface of options that hosts write', () => {
    const names = [...textOf('lib/index.ts').matchAll(/\b(\w+Options)\b/g)].map(([, name]) => name);
    // What the others are put together to.
    const notWritten = [
      'OidcAuthFactoryOptions',
      'OidcAuthModuleOptions',
      'OidcAuthOptions',
      'SeveralProvidersOptions',
    ];

    expect(names).toContain('BrokerOptions');
    for (const name of names.filter((one) => !notWritten.includes(one ?? ''))) {
      const group = name?.replace(/Options$/, 'Group');
      const shown = shownInterfaces.filter((one) => one === name || one === group);
      expect(shown, `add ${name} to scripts/docs/options-page.ts`).toHaveLength(1);
    }
  });

  it('names every option, with its default', () => {
    const page = textOf('docs/options.md');

    const groups = [new ApplicationGroup(), new ProviderGroup()];
    const options = groups.flatMap((group): [string, unknown][] => Object.entries(group));
    for (const [name, value] of options) {
      if (value === undefined) continue;
      const [, entry = ''] =
        new RegExp(`### \`${name}\`\\n([\\s\\S]*?)(?:\\n##|$)`).exec(page) ?? [];
      if (typeof value === 'number') expect(entry, name).toContain(`default: \`${value}\``);
      else expect(entry, name).toContain('default: ');
    }
    for (const name of Object.keys(new BrokerGroup()))
      expect(page).toContain(`### \`broker.${name}\``);
  });

  it('comes from comments: links become code, defaults are taken apart', () => {
    const code = new TsDoc('lib');
    const members = code.membersOf('ApplicationGroup');
    const timeout = code.membersOf('CallGroup').find(({ name }) => name === 'timeoutMs');
    const secret = members.find(({ name }) => name === 'encryptionKeys');

    expect(timeout).toMatchObject({ type: 'number', optional: true, defaultValue: '`10000`' });
    expect(timeout?.text).not.toContain('@defaultValue');
    expect(secret?.text).toContain('`clientSecret`');
    expect(secret?.text).not.toContain('{@link');
  });
});
