import { describe, expect, it } from 'vitest';

import { routeDefaults } from '../../lib/options/option-defaults.js';
import { textOf } from './documents.js';

const { prefix, metadata, apiTag, ...paths } = routeDefaults;

describe('the page on routes', () => {
  const rows = textOf('docs/routes.md')
    .split('\n')
    .filter((line) => /^\| `(?:GET|POST) /.test(line));

  it.each(Object.entries(paths))('has a row for the route "%s"', (_name, path) => {
    expect(rows.filter((row) => row.includes(`${path}\``))).toHaveLength(1);
  });

  it('has no row for a route that does not exist', () => {
    const known = [
      ...Object.values(paths),
      '/.well-known/openid-configuration',
      '/.well-known/oauth-protected-resource',
    ];
    const unknown = rows.filter((row) => !known.some((path) => row.includes(`${path}\``)));

    expect({ prefix, metadata, apiTag }).toEqual({ prefix: '', metadata: true, apiTag: 'auth' });
    expect(unknown).toEqual([]);
  });
});
