import { type OtherParty } from './refreshed-tokens.js';

/** The `cause` of a refusal because an answer is about another subject than it should be. */
export const OTHER_SUBJECT = 'another subject';

/** The `cause` of a refusal because a refreshed ID token is not of the same issuer, subject or audience as before. */
export const OTHER_PARTIES: Readonly<Record<OtherParty, string>> = {
  subject: OTHER_SUBJECT,
  issuer: 'another issuer',
  audience: 'another audience',
};
