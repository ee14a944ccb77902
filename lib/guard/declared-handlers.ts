import { MetadataScanner, type ModulesContainer } from '@nestjs/core';

/** A method of a controller or a provider that may be a handler. */
export interface DeclaredHandler {
  readonly type: Function;
  readonly handler: Function;
  /** `Type.method` */
  readonly name: string;
}

/** All methods that bear any decorator: those without one are no handlers. */
export function* declaredHandlers(modules: ModulesContainer): Generator<DeclaredHandler> {
  const scanner = new MetadataScanner();
  for (const type of classesOf(modules)) {
    for (const method of scanner.getAllMethodNames(type.prototype)) {
      const handler: unknown = Reflect.get(type.prototype, method);
      if (typeof handler !== 'function' || Reflect.getMetadataKeys(handler).length === 0) continue;
      yield { type, handler, name: `${type.name}.${method}` };
    }
  }
}

function classesOf(modules: ModulesContainer): Set<Function> {
  const wrappers = [...modules.values()].flatMap(({ controllers, providers }) => [
    ...controllers.values(),
    ...providers.values(),
  ]);
  return new Set(wrappers.map(({ metatype }) => metatype).filter(isClass));
}

function isClass(value: unknown): value is Function {
  return typeof value === 'function' && typeof value.prototype === 'object';
}
