/** A schema object of OpenAPI. */
export type Schema = Readonly<Record<string, unknown>>;

export const text: Schema = { type: 'string' };
const seconds: Schema = { type: 'integer', description: 'seconds since 1970' };

/** What our routes answer. */
export const schemas = {
  tokens: {
    type: 'object',
    required: ['access_token', 'token_type', 'expires', 'expires_in', 'scope'],
    properties: {
      access_token: text,
      token_type: text,
      expires: seconds,
      expires_in: { type: 'integer', description: 'seconds from now' },
      refresh_token: text,
      refresh_expires: seconds,
      scope: text,
      issued_token_type: text,
    },
  },
  device: {
    type: 'object',
    required: ['device_code', 'user_code', 'verification_uri', 'expires_in', 'interval'],
    properties: {
      device_code: text,
      user_code: text,
      verification_uri: text,
      verification_uri_complete: text,
      expires_in: { type: 'integer' },
      interval: { type: 'integer' },
    },
  },
  profile: {
    type: 'object',
    properties: {
      username: text,
      last_name: text,
      first_name: text,
      pw_name: text,
      email: text,
    },
  },
  introspection: {
    type: 'object',
    required: ['active'],
    properties: { active: { type: 'boolean' } },
    additionalProperties: true,
  },
  keys: {
    type: 'object',
    required: ['keys'],
    properties: { keys: { type: 'array', items: { type: 'object' } } },
  },
  providers: {
    type: 'array',
    items: {
      type: 'object',
      required: ['name', 'title', 'loginUrl'],
      properties: { name: text, title: text, loginUrl: text },
    },
  },
  session: {
    type: 'object',
    required: ['authenticated'],
    properties: {
      authenticated: { type: 'boolean' },
      claims: { type: 'object', additionalProperties: true },
      expires: seconds,
    },
  },
  location: { type: 'object', required: ['location'], properties: { location: text } },
  nothing: { type: 'object' },
} satisfies Readonly<Record<string, Schema>>;
