import type { ApplicationConfig } from '@nestjs/core';
import { isRecord } from '../options/value-rules.js';
import {
  LOGIN_EXTENSION,
  OPEN_EXTENSION,
  ROUTE_EXTENSION,
  SECURITY_SCHEME,
  SESSION_SCHEME,
  errorAnswer,
} from '../tokens/api-description.js';
import type { Providers } from '../providers/providers.js';
import { textList } from '../tokens/text-list.js';
import type { ApiSecurity } from './api-security.js';
import {
  type Members,
  addFailurePages,
  completeBrowserRoute,
  memberOf,
} from './browser-operations.js';
import { guardsEverything } from '../tokens/whole-application.js';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** Types of schemes that have scopes in OpenAPI 3.0. */
const SCOPED = ['oauth2', 'openIdConnect'];

const REFUSALS = {
  401: 'No access token, or none that is valid',
  403: 'The access token does not allow this',
} as const;

/** Completes a document of the host's API, as `SwaggerModule.createDocument()` makes it. */
export class ApiDocument {
  constructor(
    private readonly security: ApiSecurity,
    private readonly application: ApplicationConfig,
    private readonly providers: Pick<Providers, 'known'>,
  ) {}

  complete(document: object): void {
    const paths: unknown = Reflect.get(document, 'paths');
    if (!isRecord(paths)) return;
    const hasScopes = SCOPED.some((type) => type === this.#scheme(document)['type']);
    const hasCookies = this.security.cookieName !== undefined;
    for (const [path, item] of Object.entries(paths)) {
      if (!isRecord(item)) continue;
      for (const method of METHODS) {
        const operation = item[method];
        if (!isRecord(operation)) continue;
        const route = operation[ROUTE_EXTENSION];
        if (this.security.answersNothing(route)) {
          delete item[method];
          continue;
        }
        if (route === 'login') this.#addLoginParameters(operation);
        if (route === 'callback') addFailurePages(operation);
        this.#completeOperation(operation, hasScopes);
        if (hasCookies) completeBrowserRoute(route, operation);
      }
      if (!METHODS.some((method) => method in item)) delete paths[path];
    }
  }

  /** What any provider is handed on from the caller of the login route. */
  #addLoginParameters(operation: Members): void {
    const { parameters } = operation;
    const names = new Set(this.providers.known().flatMap((one) => one.options.loginParameters));
    const further = [...names].map((name) => ({
      name,
      in: 'query',
      required: false,
      schema: { type: 'string' },
    }));
    operation['parameters'] = [...(Array.isArray(parameters) ? parameters : []), ...further];
  }

  #completeOperation(operation: Members, hasScopes: boolean): void {
    const isOpen = operation[OPEN_EXTENSION] === true;
    const isOurs = operation[ROUTE_EXTENSION] !== undefined;
    delete operation[OPEN_EXTENSION];
    delete operation[ROUTE_EXTENSION];
    const ofClass = take(operation, OPEN_EXTENSION).length > 0;
    const logins = take(operation, LOGIN_EXTENSION).flatMap((one) =>
      textList(one[LOGIN_EXTENSION]),
    );
    const required = requirementsOf(operation);
    if (isOpen || (ofClass && required.length === 0)) {
      open(operation);
      return;
    }
    if (required.length > 0) {
      operation['security'] = sumOf(required, hasScopes, isOurs ? [] : this.#cookie());
      if (!isOurs && !isOptional(required)) addRefusals(operation, [401, 403], logins);
    } else if (
      !isOurs &&
      operation['security'] === undefined &&
      guardsEverything(this.application)
    ) {
      operation['security'] = [{ [SECURITY_SCHEME]: [] }, ...this.#cookie()];
      addRefusals(operation, [401]);
    }
  }

  /** What a caller may bring in place of a token. */
  #cookie(): Members[] {
    return this.security.cookieName === undefined ? [] : [{ [SESSION_SCHEME]: [] }];
  }

  /** The scheme of a document, the host's own or ours. */
  #scheme(document: object): Members {
    const schemes = memberOf(memberOf(document, 'components'), 'securitySchemes');
    schemes[SECURITY_SCHEME] ??= this.security.scheme();
    const { cookieName: name } = this.security;
    if (name !== undefined) schemes[SESSION_SCHEME] ??= { type: 'apiKey', in: 'cookie', name };
    return memberOf(schemes, SECURITY_SCHEME);
  }
}

function securityOf(operation: Members): Members[] {
  const security = operation['security'];
  return Array.isArray(security) ? security.filter(isRecord) : [];
}

function setSecurity(operation: Members, requirements: readonly Members[]): void {
  if (requirements.length > 0) operation['security'] = requirements;
  else delete operation['security'];
}

/** `@Public()` under a class with `@Auth()`. */
function open(operation: Members): void {
  setSecurity(
    operation,
    securityOf(operation).filter((one) => !(SECURITY_SCHEME in one)),
  );
}

/** Removes our marks of one kind, which stand beside the requirements: of classes, extensions are not read. @returns those that there were. */
function take(operation: Members, mark: string): readonly Members[] {
  const all = securityOf(operation);
  const marks = all.filter((one) => mark in one);
  if (marks.length > 0) {
    setSecurity(
      operation,
      all.filter((one) => !(mark in one)),
    );
  }
  return marks;
}

/** Those of an operation that has one of ours. */
function requirementsOf(operation: Members): Members[] {
  const security = securityOf(operation);
  return security.some((one) => SECURITY_SCHEME in one) ? security : [];
}

/** Everybody may come where there is an empty requirement for each of ours. */
function isOptional(requirements: readonly Members[]): boolean {
  const ours = requirements.filter((one) => SECURITY_SCHEME in one);
  return requirements.filter((one) => Object.keys(one).length === 0).length >= ours.length;
}

/** Rules of class and handler stand beside each other in the metadata, and hold together. */
function sumOf(
  requirements: readonly Members[],
  hasScopes: boolean,
  alternatives: readonly Members[],
): Members[] {
  const scopes = requirements.flatMap((one): unknown[] => {
    const listed = one[SECURITY_SCHEME];
    return Array.isArray(listed) ? listed : [];
  });
  const others = requirements.filter(
    (one) => !(SECURITY_SCHEME in one) && Object.keys(one).length > 0,
  );
  return [
    { [SECURITY_SCHEME]: hasScopes ? [...new Set(scopes)] : [] },
    ...alternatives,
    ...others,
    ...(isOptional(requirements) ? [{}] : []),
  ];
}

/** What the host says of an answer stays. */
function addRefusals(
  operation: Members,
  statuses: readonly (keyof typeof REFUSALS)[],
  logins: readonly string[] = [],
): void {
  const better = logins.length === 0 ? '' : `; or no login as demanded (${logins.join(', ')})`;
  const refusals = statuses.map((status) => [
    status,
    errorContent(status === 401 ? REFUSALS[401] + better : REFUSALS[status]),
  ]);
  operation['responses'] = {
    ...Object.fromEntries(refusals),
    ...Object(operation['responses']),
  };
}

function errorContent(description: string): object {
  const { schema } = errorAnswer(description);
  return { description, content: { 'application/json': { schema } } };
}
