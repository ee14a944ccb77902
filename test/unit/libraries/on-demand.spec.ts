import { describe, expect, it, vi } from 'vitest';

import { OidcConfigError } from '../../../lib/errors/oidc-config.error.js';
import { OnDemand } from '../../../lib/libraries/on-demand.js';

describe('a library that is loaded on demand', () => {
  it('is loaded when it is first asked for, and once', async () => {
    const load = vi.fn(async () => ({ sign: 'signs' }));
    const library = new OnDemand('some-library', load);
    expect(load).not.toHaveBeenCalled();

    const both = await Promise.all([library.get(), library.get()]);

    expect(both).toStrictEqual([{ sign: 'signs' }, { sign: 'signs' }]);
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('that is not there is named to the developer, and looked for again the next time', async () => {
    const cause = new Error('not found');
    const load = vi.fn(async () => 'the library').mockRejectedValueOnce(cause);
    const library = new OnDemand('some-library', load);

    const failed = await library.get().catch((error: unknown) => error);

    expect(failed).toBeInstanceOf(OidcConfigError);
    expect(failed).toMatchObject({
      message: expect.stringContaining('some-library cannot be loaded'),
      cause,
    });
    await expect(library.get()).resolves.toBe('the library');
  });
});
