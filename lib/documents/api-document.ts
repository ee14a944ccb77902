import { Inject, Injectable } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { brokerRoutes } from '../options/resolve-routes.js';
import { isRecord } from '../options/value-rules.js';
import {
  OPEN_EXTENSION,
  ROUTE_EXTENSION,
  SECURITY_SCHEME,
  errorAnswer,
} from '../tokens/api-description.js';
import { guardsEverything } from '../tokens/whole-application.js';

type Members = Record<string, unknown>;

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** Completes a document of the host's API, as `SwaggerModule.createDocument()` makes it. */
@Injectable()
export class ApiDocument {
  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    private readonly application: ApplicationConfig,
  ) {}

  complete(document: object): void {
    const paths: unknown = Reflect.get(document, 'paths');
    if (!isRecord(paths)) return;
    for (const [path, item] of Object.entries(paths)) {
      if (!isRecord(item)) continue;
      for (const method of METHODS) {
        const operation = item[method];
        if (!isRecord(operation)) continue;
        if (this.#answersNothing(operation)) delete item[method];
        else this.#completeOperation(operation);
      }
      if (!METHODS.some((method) => method in item)) delete paths[path];
    }
    this.#addScheme(document);
  }

  /** Routes of broker mode are 404 without it, and so is introspection unless it is switched on. */
  #answersNothing(operation: Members): boolean {
    const route = operation[ROUTE_EXTENSION];
    const { broker } = this.options;
    if (broker === undefined) return brokerRoutes.some((name) => name === route);
    return route === 'introspect' && broker.introspectionScope === undefined;
  }

  #completeOperation(operation: Members): void {
    const isOpen = operation[OPEN_EXTENSION] === true;
    const isOurs = operation[ROUTE_EXTENSION] !== undefined;
    delete operation[OPEN_EXTENSION];
    delete operation[ROUTE_EXTENSION];
    if (isOpen) {
      this.#open(operation);
      return;
    }
    const required = requirementsOf(operation);
    if (required.length > 0) operation['security'] = this.#sum(required);
    else if (!isOurs && operation['security'] === undefined && guardsEverything(this.application)) {
      operation['security'] = [{ [SECURITY_SCHEME]: [] }];
      operation['responses'] = {
        401: errorContent('No access token, or none that is valid'),
        ...Object(operation['responses']),
      };
    }
  }

  /** `@Public()` under a class with `@Auth()`. */
  #open(operation: Members): void {
    const others = securityOf(operation).filter((one) => !(SECURITY_SCHEME in one));
    if (others.length > 0) operation['security'] = others;
    else delete operation['security'];
  }

  /** Rules of class and handler stand beside each other in the metadata, and hold together. */
  #sum(requirements: readonly Members[]): Members[] {
    const ours = requirements.filter((one) => SECURITY_SCHEME in one);
    const scopes = ours.flatMap((one): unknown[] => {
      const listed = one[SECURITY_SCHEME];
      return Array.isArray(listed) ? listed : [];
    });
    // Only OpenID Connect has scopes in OpenAPI 3.0.
    const named = this.options.broker === undefined ? [...new Set(scopes)] : [];
    const empty = requirements.filter((one) => Object.keys(one).length === 0);
    const optional = empty.length >= ours.length ? [{}] : [];
    const others = requirements.filter(
      (one) => !(SECURITY_SCHEME in one) && Object.keys(one).length > 0,
    );
    return [{ [SECURITY_SCHEME]: named }, ...others, ...optional];
  }

  #addScheme(document: object): void {
    const components = memberOf(document, 'components');
    const schemes = memberOf(components, 'securitySchemes');
    schemes[SECURITY_SCHEME] ??=
      this.options.broker === undefined
        ? { type: 'openIdConnect', openIdConnectUrl: this.options.discoveryUrl }
        : { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' };
  }
}

function securityOf(operation: Members): Members[] {
  const security = operation['security'];
  return Array.isArray(security) ? security.filter(isRecord) : [];
}

/** Those of an operation that has one of ours. */
function requirementsOf(operation: Members): Members[] {
  const security = securityOf(operation);
  return security.some((one) => SECURITY_SCHEME in one) ? security : [];
}

function memberOf(holder: object, name: string): Members {
  const member: unknown = Reflect.get(holder, name);
  if (isRecord(member)) return member;
  const made: Members = {};
  Object.assign(holder, { [name]: made });
  return made;
}

function errorContent(description: string): object {
  const { schema } = errorAnswer(description);
  return { description, content: { 'application/json': { schema } } };
}
