import { describe, expect, it } from 'vitest';

import { FinishedLogins } from '../../../lib/login/finished-logins.js';
import { FakeClock } from '../../support/fake-clock.js';

const CAPACITY = 50_000;

describe('FinishedLogins', () => {
  it('CB-1: gives each login to the first taker only', () => {
    const finished = new FinishedLogins(new FakeClock());

    const taken = ['a', 'b', 'a', 'a', 'b'].map((id) => finished.take(id));

    expect(taken).toEqual([true, true, false, false, false]);
  });

  it('CB-1: remembers a login as long as its handle lives, whatever the wall clock says', () => {
    const clock = new FakeClock();
    const finished = new FinishedLogins(clock);
    finished.take('a');

    clock.advance(600);
    clock.set(new Date(0));

    expect(finished.take('b')).toBe(true); // forgets what has expired
    expect(finished.take('a')).toBe(false);
  });

  it('CB-1: forgets a login when its handle is over, and no sooner', () => {
    const clock = new FakeClock();
    const finished = new FinishedLogins(clock);
    clock.advance(400);
    finished.take('a');

    clock.advance(500);
    expect([finished.take('b'), finished.take('a')]).toEqual([true, false]);
    clock.advance(100.2);
    expect([finished.take('c'), finished.take('a')]).toEqual([true, true]);
  });

  it('CB-1: gives a login back that came to nothing', () => {
    const finished = new FinishedLogins(new FakeClock());
    finished.take('a');

    finished.release('a');

    expect([finished.take('a'), finished.take('a')]).toEqual([true, false]);
  });

  it('CB-1: forgets the oldest beyond its capacity and never the newest', () => {
    const finished = new FinishedLogins(new FakeClock());

    for (let number = 0; number <= CAPACITY; number += 1) finished.take(`login ${number}`);

    expect(finished.take(`login ${CAPACITY}`)).toBe(false);
    expect(finished.take('login 1')).toBe(false);
    expect(finished.take('login 0')).toBe(true);
  });
});
