import {
  Controller,
  UseFilters,
  UseInterceptors,
  type Type,
  VERSION_NEUTRAL,
  applyDecorators,
} from '@nestjs/common';
import { Public } from '../guard/auth.decorator.js';
import { ForeignErrorFilter, RouteInterceptor } from './route-errors.js';

/**
 * A controller of ours at one path: the same under a host's URI versioning, exempt from an {@link AuthGuard} on the whole
 * application, with the error bodies of the wire contract.
 */
export const RouteController = (
  path: string,
  interceptor: Type<RouteInterceptor> = RouteInterceptor,
): ClassDecorator =>
  applyDecorators(
    Controller({ path, version: VERSION_NEUTRAL }),
    Public(),
    UseInterceptors(interceptor),
    UseFilters(ForeignErrorFilter),
  );
