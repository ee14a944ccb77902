import { Controller, Get } from '@nestjs/common';
import { expect } from 'vitest';

import { Auth, IdToken, Public, type IdTokenClaims } from '../../lib/index.js';
import type { Reply } from './http-request.js';

/** Handlers that stand for a host's own: one for each kind of rule. What they return is in `reached`. */
@Controller()
export class GuardedRoutes {
  /** The handlers that were entered, in order: a refused request enters none. */
  static readonly reached: string[] = [];

  @Get('required')
  @Auth()
  required(@IdToken() token: IdTokenClaims): object {
    return entered('required', { iss: token.iss, sub: token.sub });
  }

  @Get('optional')
  @Auth({ optional: true })
  optional(@IdToken() token?: IdTokenClaims, @IdToken('email') email?: string): object {
    const type = token === undefined ? 'undefined' : 'claims';
    return entered('optional', { type, sub: token?.sub ?? null, email: email ?? null });
  }

  @Get('optional-admins')
  @Auth({ optional: true, scopes: 'myscope', roles: 'admins' })
  optionalAdmins(@IdToken() token?: IdTokenClaims): object {
    return entered('optional-admins', { sub: token?.sub ?? null });
  }

  @Get('scoped')
  @Auth({ scopes: ['myscope', 'admin'] })
  scoped(): object {
    return entered('scoped', {});
  }

  @Get('admins')
  @Auth({ roles: 'admins' })
  admins(): object {
    return entered('admins', {});
  }

  @Get('superusers')
  @Auth({ roles: 'superuser' })
  superusers(): object {
    return entered('superusers', {});
  }

  @Get('gold')
  @Auth({ claims: { 'account.tier': 'gold' } })
  gold(): object {
    return entered('gold', {});
  }

  @Get('lifted')
  @Auth({ claims: false })
  lifted(): object {
    return entered('lifted', {});
  }

  @Get('public')
  @Public()
  open(@IdToken() token?: IdTokenClaims): object {
    return entered('public', { sub: token?.sub ?? null });
  }
}

function entered(handler: string, body: object): object {
  GuardedRoutes.reached.push(handler);
  return body;
}

/** Asserts that the guard refused a request in the shape of the wire contract and that no handler ran. */
export function expectGuardRefusal(reply: Reply, status: number, error: string): void {
  const body = reply.json();
  const challenge = reply.headers.get('www-authenticate');

  expect({ status: reply.status, error: body['error'] }).toEqual({ status, error });
  expect(body).toEqual({
    statusCode: status,
    error,
    error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/),
    detail: body['error_description'],
  });
  if (status === 401 || status === 403) {
    expect(challenge).toMatch(
      /^Bearer( (error|resource_metadata)="[\x20-\x21\x23-\x5b\x5d-\x7e]+"(, (error_description|scope|resource_metadata)="[\x20-\x21\x23-\x5b\x5d-\x7e]+")*)?(, DPoP algs="[A-Za-z\d ]+")?$/,
    );
    expect(challenge?.includes(', DPoP algs=')).toBe(status === 401);
    expect(challenge?.includes('resource_metadata=')).toBe(status === 401);
  } else {
    expect(challenge).toBeNull();
  }
  expect(reply.headers.has('retry-after')).toBe(status === 503);
  expect(reply.headers.getSetCookie()).toEqual([]);
  expect(GuardedRoutes.reached).toEqual([]);
}
