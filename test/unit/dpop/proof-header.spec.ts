import { describe, expect, it } from 'vitest';

import { proofsOf } from '../../../lib/dpop/proof-header.js';
import type { RequestHeaders } from '../../../lib/tokens/bearer-token.js';

describe('the proofs that a request brings', () => {
  it.each<[headers: RequestHeaders, proofs: readonly string[]]>([
    [{}, []],
    [{ dpop: undefined }, []],
    [{ dpop: 'one' }, ['one']],
    [{ DPoP: 'one', 'x-dpop': 'other', accept: 'dpop' }, ['one']],
    [{ dpop: ['one', 'two'] }, ['one', 'two']],
    [{ dpop: 'one', DPOP: 'two' }, ['one', 'two']],
    [new Headers(), []],
    [new Headers({ DPoP: 'one' }), ['one']],
    [new Headers({ DPoP: '' }), ['']],
  ])('DP-2: of %j are %j', (headers, proofs) => {
    expect(proofsOf(headers)).toEqual(proofs);
  });

  it.each<[rawHeaders: readonly string[], proofs: readonly string[]]>([
    [
      ['Host', 'x', 'DPoP', 'one', 'dpop', 'two'],
      ['one', 'two'],
    ],
    [
      ['DPOP', 'one', 'Accept', 'y', 'DPoP', 'two'],
      ['one', 'two'],
    ],
    [
      ['DPoP', 'dpop', 'dpop', 'two'],
      ['dpop', 'two'],
    ],
    [['DPoP', 'one'], ['as Node has them']],
    [['X-One', 'dpop', 'X-Two', 'dpop', 'DPoP', 'one'], ['as Node has them']],
    [[], ['as Node has them']],
  ])('DP-2: are counted as they came, where Node joins them: %j: %j', (rawHeaders, proofs) => {
    expect(proofsOf({ dpop: 'as Node has them' }, rawHeaders)).toEqual(proofs);
  });
});
