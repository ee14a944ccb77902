import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

/** Under which Nest's RouterModule keeps the path of a module, with the id of the application; Nest exports no reader of it. */
const METADATA_KEY = '__module_path__';

/** The path under which the host's RouterModule mounted a module: `''`, or with `/` at its beginning and not at its end. */
export function mountPathOf(module: Type, { applicationId }: ModulesContainer): string {
  const path: unknown = Reflect.getMetadata(METADATA_KEY + applicationId, module);
  return typeof path === 'string' ? path.replace(/\/$/, '') : '';
}
