/** What an OpenAPI document says of our security scheme and routes: where the modes differ. */
export abstract class ApiSecurity {
  /** The security scheme object. */
  abstract scheme(): object;

  /** The name of the session cookie, which serves beside a token; `undefined` where there are no sessions by cookie. */
  abstract readonly cookieName: string | undefined;

  /** Whether one of our routes is always 404, so that the document must not show it. */
  abstract answersNothing(route: unknown): boolean;
}
