import type { Random } from './random.js';

/** What a schedule is full of. Probabilities, and times in milliseconds. */
export interface Mood {
  readonly name: string;
  /** A call of the store: the request, or the answer, does not arrive. */
  readonly storeFails: number;
  readonly storeAnswerLost: number;
  /** A taking of a lease is answered late, or reaches the store late. */
  readonly leaseLate: number;
  /** The end of a session reaches the store late. */
  readonly endLate: number;
  /** Short outages of the store, each minute; none of them may cost anybody a login. */
  readonly shortOutages: number;
  readonly longOutages: number;
  /** The provider refuses before it does anything, loses its answer, or says `invalid_grant` although all is well. */
  readonly providerFails: number;
  readonly providerAnswerLost: number;
  readonly providerHiccup: number;
  /** Each minute, of all instances together. */
  readonly freezes: number;
  readonly kills: number;
  /** How long the provider's access tokens live. */
  readonly accessTokenMs: number;
  /** How often users come back. */
  readonly pauseMs: number;
  /** How long after the first tab the others use the same refresh token. */
  readonly tabsMs: number;
  /** Instances are configured with different lifetimes of tokens, and the schedule is long. */
  readonly rollingUpdate: boolean;
}

const calm: Mood = {
  name: 'calm',
  storeFails: 0.002,
  storeAnswerLost: 0.002,
  leaseLate: 0,
  endLate: 0,
  shortOutages: 0,
  longOutages: 0,
  providerFails: 0.02,
  providerAnswerLost: 0,
  providerHiccup: 0,
  freezes: 0,
  kills: 0,
  accessTokenMs: 60_000,
  pauseMs: 12_000,
  tabsMs: 3000,
  rollingUpdate: false,
};

const moods: readonly Mood[] = [
  calm,
  { ...calm, name: 'slow leases', leaseLate: 0.4, accessTokenMs: 33_000, pauseMs: 4000 },
  { ...calm, name: 'late ends', endLate: 0.8, providerHiccup: 0.4, pauseMs: 2000, tabsMs: 14_000 },
  { ...calm, name: 'restarting database', shortOutages: 20, storeAnswerLost: 0.02, pauseMs: 4000 },
  { ...calm, name: 'lost answers', storeFails: 0.05, storeAnswerLost: 0.1, pauseMs: 6000 },
  { ...calm, name: 'freezing', freezes: 12, kills: 2, pauseMs: 4000, tabsMs: 9000 },
  { ...calm, name: 'rolling update', rollingUpdate: true, pauseMs: 8000 },
  {
    ...calm,
    name: 'everything',
    storeFails: 0.02,
    storeAnswerLost: 0.03,
    leaseLate: 0.1,
    endLate: 0.1,
    shortOutages: 4,
    longOutages: 2,
    providerFails: 0.05,
    providerAnswerLost: 0.05,
    providerHiccup: 0.02,
    freezes: 2,
    kills: 0.7,
    accessTokenMs: 40_000,
    pauseMs: 7000,
  },
];

export function moodOf(random: Random): Mood {
  return random.pick(moods);
}
