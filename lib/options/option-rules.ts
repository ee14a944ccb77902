import { repeatsItself } from './secret.js';
import { isLocalPath } from './url-rules.js';
import {
  HTTPS,
  Must,
  MustList,
  Optional,
  isFlag,
  isLogoutTarget,
  isPlainHttpUrl,
  isRecord,
  isRedirectUri,
  isRequestProperty,
  isText,
  isTextList,
  within,
} from './value-rules.js';

/** The rules of what belongs to the application. */
export class ApplicationOptionRules {
  @Optional()
  @Must(`must be ${HTTPS}, without query and fragment`, isPlainHttpUrl)
  readonly publicUrl: unknown;

  @Optional()
  @MustList(
    'must be a list of exact redirect URIs as `new URL(uri).href` writes them, without query and fragment, ' +
      'https (http on loopback only, or with "allowInsecureHttp: true") or a private scheme such as com.example.app:/callback',
    isRedirectUri,
  )
  readonly allowedRedirectUris: unknown;

  @Optional()
  @Must(
    'must be false or { paths: ["/callback", …] } with plain paths beginning with "/"',
    (value) =>
      value === false ||
      (isRecord(value) &&
        Object.keys(value).every((key) => key === 'paths') &&
        isTextList(value['paths']) &&
        value['paths'].every((path) => isLocalPath(path) && !/[?#|]/.test(path))),
  )
  readonly loopbackRedirects: unknown;

  @Optional()
  @MustList(
    `must be a list of paths beginning with one "/", without ".", ".." and what a URL encodes, or of ${HTTPS}`,
    isLogoutTarget,
  )
  readonly allowedPostLogoutRedirectUris: unknown;

  // forRoot takes it out before options come here.
  @Optional()
  @Must(
    'decides which controllers exist, so it stands beside useFactory, not in what the factory returns',
    () => false,
  )
  readonly routes: unknown;

  @Optional()
  @Must('must be an object such as { refresh: false }', isRecord)
  readonly grants: unknown;

  @Optional()
  @Must('must be true or false', isFlag)
  readonly allowInsecureHttp: unknown;

  @Optional()
  @MustList(
    'must be a list of strings of 32 characters and more that do not repeat themselves, e.g. the output of ' +
      '`openssl rand -base64 32`',
    (key) => isText(key) && key.length >= 32 && !repeatsItself(key),
    { least: 1 },
  )
  readonly encryptionKeys: unknown;

  @Optional()
  @Must('must be a whole number of seconds from 0 to 300', within(0, 300))
  readonly clockToleranceSec: unknown;

  @Optional()
  @Must('must be a whole number of seconds from 1 to 31622400 (a year)', within(1, 31_622_400))
  readonly maxTokenAgeSec: unknown;

  @Optional()
  @Must('must be a whole number of bytes from 256 to 1048576', within(256, 1_048_576))
  readonly maxTokenBytes: unknown;

  @Optional()
  @Must('must be a whole number of seconds from 0 to 2592000 (30 days)', within(0, 2_592_000))
  readonly jwksStaleSec: unknown;

  @Optional()
  @Must('must be a whole number of seconds from 1 to 3600', within(1, 3600))
  readonly jwksCooldownSec: unknown;

  @Optional()
  @Must('must be a function', (value) => typeof value === 'function')
  readonly onLogin: unknown;

  @Optional()
  @Must(
    'must be false, or a name such as "user" that requests do not have of themselves',
    (value) => value === false || isRequestProperty(value),
  )
  readonly requestProperty: unknown;

  @Optional()
  @Must(
    'must be an object such as { audience: "myapp-api" }; leave it out for passthrough mode',
    isRecord,
  )
  readonly broker: unknown;

  @Optional()
  @Must('must be a function (claims, provider) => string', (value) => typeof value === 'function')
  readonly subject: unknown;

  @Optional()
  @Must(
    'must be a name for a folder: letters, digits, "-", "_" and ".", beginning with a letter or digit',
    (value) => typeof value === 'string' && /^[A-Za-z0-9][\w.-]{0,99}$/.test(value),
  )
  readonly appName: unknown;
}

export class GrantOptionRules {
  @Optional()
  @Must('must be true or false', isFlag)
  readonly authorizationCode: unknown;

  @Optional()
  @Must('must be true or false', isFlag)
  readonly refresh: unknown;

  @Optional()
  @Must('must be true or false', isFlag)
  readonly device: unknown;

  @Optional()
  @Must('must be true or false', isFlag)
  readonly exchange: unknown;
}
