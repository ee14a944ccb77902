import { Controller, Get, Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Auth } from '../../lib/index.js';
import { startChangingApp } from '../support/changing-providers.js';
import { guarded } from '../support/broker-app.js';
import {
  type TwoProviders,
  entryOf,
  startTwoProviderApp,
  startTwoProviders,
} from '../support/two-providers.js';

@Controller()
class Misspelt {
  @Get('reports')
  @Auth({ providers: ['staff', 'stafff'] })
  reports(): object {
    return {};
  }
}

@Controller()
@Auth({ providers: 'guests' })
class OfGuests {
  @Get('guests')
  guests(): object {
    return {};
  }
}

class Base {
  @Get('inherited')
  @Auth({ providers: 'elsewhere' })
  inherited(): object {
    return {};
  }
}

@Controller()
class Heir extends Base {}

@Controller()
class Right {
  @Get('staff-only')
  @Auth({ providers: 'staff' })
  @Auth({ providers: ['staff', 'default'] })
  staffOnly(): object {
    return {};
  }
}

@Injectable()
class NoHandler {
  reports(): object {
    return {};
  }
}

describe('@Auth({ providers }) with names that nobody has', () => {
  let both: TwoProviders;

  beforeAll(async () => {
    both = await startTwoProviders();
  });

  afterAll(async () => {
    await Promise.all([both.main.close(), both.staff.close()]);
  });

  it.each([
    [
      'a handler',
      Misspelt,
      '@Auth({ providers }) on Misspelt.reports names "stafff", and there is no such provider; did you mean "staff"? Known: default, staff.',
    ],
    ['a class', OfGuests, 'on OfGuests.guests names "guests"'],
    ['a class that it extends', Heir, 'on Heir.inherited names "elsewhere"'],
  ])('stops start-up for %s', async (_what, controller, message) => {
    for (const broker of [false, true]) {
      await expect(
        startTwoProviderApp(both, { controllers: [controller], broker }),
      ).rejects.toThrow(message);
    }
  });

  it('starts with names that are there, and where a function gives the providers', async () => {
    const right = await startTwoProviderApp(both, {
      controllers: [Right],
      providers: [NoHandler],
    });
    const changing = await startChangingApp(
      both,
      { default: entryOf(both.main) },
      { broker: false, controllers: [Misspelt] },
    );

    expect(await guarded(right, both.staff.accessToken(), '/staff-only')).toBe('200');
    await changing.change({ default: entryOf(both.main), stafff: entryOf(both.staff) });
    expect(await guarded(changing, both.staff.accessToken(), '/reports')).toBe('200');
    await Promise.all([right.close(), changing.close()]);
  });
});
