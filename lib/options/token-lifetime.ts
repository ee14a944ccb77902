/** The default of `broker.accessTokenLifetimeSec`: an hour. */
export const USUAL_TOKEN_LIFETIME_SEC = 3600;

/** The most that `broker.accessTokenLifetimeSec` may be: 30 days. */
export const LONGEST_TOKEN_LIFETIME_SEC = 2_592_000;
