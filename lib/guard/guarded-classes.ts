import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { guardsEverything } from '../tokens/whole-application.js';
import type { AuthGuard } from './auth.guard.js';

/** Where `@UseGuards()` leaves the guards of a class. */
const GUARDS = '__guards__';

class ClassGuard implements CanActivate {
  constructor(
    readonly type: string,
    readonly canActivate: (context: ExecutionContext) => boolean | Promise<boolean>,
  ) {}
}

/**
 * Makes the guard of the whole application run on classes where Nest may leave it out: before their own guards, in one type of context. What
 * `@Auth()` demands there it guards itself.
 */
export function guardClasses(
  type: string,
  classes: readonly object[],
  guard: AuthGuard,
  application: ApplicationConfig,
): void {
  const ours = new ClassGuard(type, (context) => {
    const counts = context.getType<string>() === type && guardsEverything(application);
    return counts ? guard.canActivate(context) : true;
  });
  for (const one of classes) {
    const guards: unknown = Reflect.getMetadata(GUARDS, one);
    const others = (Array.isArray(guards) ? guards : []).filter(
      (other) => !(other instanceof ClassGuard && other.type === type),
    );
    Reflect.defineMetadata(GUARDS, [ours, ...others], one);
  }
}
