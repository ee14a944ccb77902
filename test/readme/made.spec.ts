import { describe, expect, it } from 'vitest';

import { madePages } from '../../scripts/docs/made-parts.js';
import { shownInterfaces } from '../../scripts/docs/options-page.js';
import { TsDoc } from '../../scripts/docs/tsdoc.js';
import {
  brokerDefaults,
  optionDefaults,
  providerDefaults,
} from '../../lib/options/option-defaults.js';
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
    const notWritten = ['OidcAuthFactoryOptions', 'OidcAuthModuleOptions', 'OidcAuthOptions'];

    expect(names).toContain('BrokerOptions');
    for (const name of names.filter((one) => !notWritten.includes(one ?? ''))) {
      expect(shownInterfaces, 'add it to scripts/docs/options-page.ts').toContain(name);
    }
  });

  it('names every option, with its default', () => {
    const page = textOf('docs/options.md');

    for (const [name, value] of Object.entries({ ...optionDefaults, ...providerDefaults })) {
      const [, entry = ''] =
        new RegExp(`### \`${name}\`\\n([\\s\\S]*?)(?:\\n##|$)`).exec(page) ?? [];
      if (typeof value === 'number') expect(entry, name).toContain(`default: \`${value}\``);
      else expect(entry, name).toContain('default: ');
    }
    for (const name of Object.keys(brokerDefaults))
      expect(page).toContain(`### \`broker.${name}\``);
  });

  it('comes from comments: links become code, defaults are taken apart', () => {
    const members = new TsDoc('lib').membersOf('ApplicationOptions');
    const timeout = new TsDoc('lib')
      .membersOf('CallOptions')
      .find(({ name }) => name === 'timeoutMs');
    const secret = members.find(({ name }) => name === 'encryptionKeys');

    expect(timeout).toMatchObject({ type: 'number', optional: true, defaultValue: '`10000`' });
    expect(timeout?.text).not.toContain('@defaultValue');
    expect(secret?.text).toContain('`clientSecret`');
    expect(secret?.text).not.toContain('{@link');
  });
});
