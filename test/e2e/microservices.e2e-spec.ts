import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  UseFilters,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import {
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  RedisContext,
  RpcException,
  ServerRedis,
  ServerTCP,
  TcpContext,
  Transport,
} from '@nestjs/microservices';
import { once } from 'node:events';
import { type Observable, throwError } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { epochSeconds } from '../../lib/clock/clock.js';
import { LiveCalls } from '../../lib/guard/live-calls.js';
import { Auth, AuthGuard, IdToken, Public, verifiedClaims } from '../../lib/index.js';
import { Authenticator } from '../../lib/tokens/authenticator.js';
import { OidcMicroservicesModule } from '../../lib/microservices/index.js';
import { required } from '../store/required.js';
import { type AppOptions, hostModule, startApp } from '../support/app.js';
import { ProvingClient } from '../support/dpop.js';
import { FakeClock } from '../support/fake-clock.js';
import { freePort } from '../support/free-port.js';
import { endless, MessageController } from '../support/microservices/guarded-controller.js';
import {
  type Link,
  type LinkKind,
  grpc,
  grpcClient,
  grpcMetadata,
  grpcStream,
  mqtt,
  nats,
  rabbitmq,
  redis,
  tcp,
} from '../support/microservices/links.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { capturedLogs } from '../support/output-capture.js';
import { RecordingLogger } from '../support/recording-logger.js';
import {
  mosquitto,
  natsServer,
  redisServer,
  startMessageBroker,
} from '../support/services/message-broker.js';

const clock = new FakeClock();
let provider: MisbehavingProvider;

const everywhere = { provide: APP_GUARD, useExisting: AuthGuard };

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** A running host, and how to end it. */
interface Host {
  readonly live: LiveCalls;
  close(): Promise<void>;
}

const modes = ['hybrid, inheriting', 'hybrid, not inheriting', 'alone'] as const;

type Mode = (typeof modes)[number];

async function serve(
  kind: LinkKind,
  port: number,
  mode: Mode,
  more: Partial<AppOptions> = {},
): Promise<Host> {
  const options: AppOptions = {
    provider,
    clock,
    imports: [OidcMicroservicesModule],
    controllers: [...kind.controllers],
    providers: [everywhere],
    ...more,
  };
  if (mode === 'alone') return serveAlone(kind, port, options);
  const app = await startApp({
    ...options,
    configure: async (created) => {
      created.connectMicroservice(kind.options(port), {
        inheritAppConfig: mode === 'hybrid, inheriting',
      });
      await created.startAllMicroservices();
    },
  });
  return { live: app.app.get(LiveCalls, { strict: false }), close: () => app.close() };
}

async function serveAlone(kind: LinkKind, port: number, options: AppOptions): Promise<Host> {
  const service = await NestFactory.createMicroservice<MicroserviceOptions>(
    hostModule(options, 'http://localhost:9'),
    {
      ...kind.options(port),
      logger: new RecordingLogger(),
      abortOnError: false,
    },
  );
  await service.listen();
  return {
    live: service.get(LiveCalls, { strict: false }),
    close: async () => service.close(),
  };
}

const refusalOf = (answer: Promise<unknown>): Promise<unknown> =>
  answer.then(
    (value) => ({ answered: value }),
    (error: unknown) => error,
  );

beforeAll(async () => {
  provider = await startMisbehavingProvider();
  provider.behaviour.now = () => clock.now();
});

afterAll(async () => {
  await provider.close();
});

const brokers = await Promise.all(
  [
    { kind: redis, broker: redisServer },
    { kind: nats, broker: natsServer },
    { kind: mqtt, broker: mosquitto },
  ].map(async ({ kind, broker }) => {
    const service = await startMessageBroker(broker);
    const missing = service === undefined ? `${broker.program} is not installed` : undefined;
    return { kind, service, missing: required(`messages over ${kind.title}`, missing) };
  }),
);

// RabbitMQ starts too slowly to be started for this.
const { OIDC_TEST_RABBITMQ_URL: rabbitmqUrl } = process.env;
const runningRabbitmq = {
  kind: rabbitmq,
  service: rabbitmqUrl === undefined ? undefined : { url: rabbitmqUrl },
  missing: rabbitmqUrl === undefined ? 'skipped: OIDC_TEST_RABBITMQ_URL is not set' : undefined,
};

afterAll(async () => {
  for (const { service } of brokers) await service?.stop();
});

const cases = modes.flatMap((mode) =>
  [
    { kind: tcp, service: undefined, missing: undefined },
    { kind: grpc, service: undefined, missing: undefined },
    ...brokers,
    runningRabbitmq,
  ].map((one) => ({ ...one, mode, title: one.kind.title })),
);

describe.each(cases)('messages over $title, $mode', ({ kind, service, mode, missing }) => {
  let host: Host;
  let client: Link;

  beforeAll(async () => {
    if (missing) return;
    const port = service === undefined ? await freePort() : Number(new URL(service.url).port);
    host = await serve(kind, port, mode);
    client = await kind.connect(port);
  });

  afterAll(async () => {
    if (missing) return;
    await client.close();
    await host.close();
  });

  it.skipIf(missing)('hands out claims, to handlers and to services', async () => {
    const headers = bearer(provider.accessToken());

    expect(await client.call('Plain', headers)).toBe('sub-0001-alice');
    expect(await client.call('Current', headers)).toBe('sub-0001-alice');
  });

  it.skipIf(missing).each([
    ['no token', 401, 'invalid_token', () => ({})],
    ['a bad token', 401, 'invalid_token', () => bearer('not-a-token')],
    ['another scheme', 401, 'invalid_token', () => ({ authorization: 'Basic YTpi' })],
  ] as const)(
    'GW-1: closes a handler that says nothing to %s',
    async (_, status, error, headers) => {
      expect(await refusalOf(client.call('Plain', headers()))).toMatchObject(
        Object(kind.refused(status, error)),
      );
    },
  );

  it.skipIf(missing)('GW-1: @Public() opens a handler', async () => {
    expect(await client.call('Open')).toBeNull();
  });

  it.skipIf(missing)('holds calls against the rule of their handler', async () => {
    const headers = bearer(provider.accessToken());

    expect(await refusalOf(client.call('Admins', headers))).toMatchObject(
      Object(kind.refused(403, 'insufficient_scope')),
    );
    expect(await client.call('Maybe', headers)).toBeNull();
    const owner = bearer(provider.accessToken({ realm_access: { roles: ['owners'] } }));
    expect(await client.call('Admins', owner)).toBe('secret');
    expect(await client.call('Maybe', owner)).toBe('sub-0001-alice');
  });

  it.skipIf(missing)('SU-1: refuses a login that is too weak or too old', async () => {
    const at = epochSeconds(clock);
    const refused: object = Object(kind.refused(401, 'insufficient_user_authentication'));

    for (const claims of [{ auth_time: at }, { acr: 'gold' }]) {
      const weak = bearer(provider.accessToken(claims));
      expect(await refusalOf(client.call('Gold', weak))).toMatchObject(refused);
    }
    const strong = bearer(provider.accessToken({ acr: 'gold', auth_time: at }));
    expect(await client.call('Gold', strong)).toBe('secret');
  });

  it.skipIf(missing)(
    'DP-1: takes no token that is bound to a key, whatever proof it brings',
    async () => {
      const prover = await ProvingClient.create();
      const token = provider.accessToken({ cnf: { jkt: prover.jkt } });
      const url = `http://localhost:9/${kind.title}`;
      const proved = await prover.headers({ method: 'POST', url, token });
      const refused: object = Object(kind.refused(401, 'invalid_token'));

      expect(await refusalOf(client.call('Plain', bearer(token)))).toMatchObject(refused);
      expect(await refusalOf(client.call('Plain', proved))).toMatchObject(refused);
      expect(await client.call('Maybe', proved)).toBeNull();
    },
  );

  it.skipIf(missing)('GW-5: says nothing beyond the contract', async () => {
    const token = provider.accessToken();
    const refusal = await refusalOf(client.call('Admins', bearer(token)));
    const broken = await refusalOf(client.call('Broken', bearer(token)));

    if (kind !== grpc) {
      expect(refusal).toEqual({
        statusCode: 403,
        error: 'insufficient_scope',
        error_description: expect.any(String),
        detail: expect.any(String),
      });
      expect(broken).toEqual({ status: 'error', message: 'Internal server error' });
    }
    for (const one of [refusal, broken]) {
      expect(JSON.stringify(one)).not.toMatch(/secret|\.ts|eyJ/);
    }
  });

  it.skipIf(missing)('GW-2: ends a stream with its token, and lets another go on', async () => {
    const answers: unknown[] = [];
    const open = (headers: Record<string, string>, first: () => void): Promise<unknown> =>
      new Promise((resolve) => {
        client.stream('Ticks', headers).subscribe({
          next: (value) => {
            answers.push(value);
            first();
          },
          error: resolve,
        });
      });
    const started = async (
      headers: Record<string, string>,
    ): Promise<{ over: Promise<unknown> }> => {
      let over: Promise<unknown> = Promise.resolve();
      await new Promise<void>((resolve) => (over = open(headers, resolve)));
      return { over };
    };
    const short = await started(bearer(provider.accessToken({ exp: epochSeconds(clock) + 60 })));
    const long = await started(bearer(provider.accessToken()));
    let longIsOver = false;
    void long.over.then(() => (longIsOver = true));

    clock.advance(100);
    await host.live.sweep();

    expect(await short.over).toMatchObject(Object(kind.refused(401, 'invalid_token')));
    endless.next({ text: '2' });
    await vi.waitFor(() => expect(answers).toEqual([1, 1, 2]));
    expect(longIsOver).toBe(false);
    clock.advance(3600);
    await host.live.sweep();
    expect(await long.over).toMatchObject(Object(kind.refused(401, 'invalid_token')));
  });
});

describe('calls that gRPC hands to handlers as they are', () => {
  let host: Host;
  let port: number;

  beforeAll(async () => {
    port = await freePort();
    host = await serve(grpc, port, 'hybrid, not inheriting');
  });

  afterAll(async () => host.close());

  const echo = async (headers: Record<string, string>): Promise<[string, unknown]> => {
    const client = grpcClient(port);
    const call = grpcStream(client, 'Echo', grpcMetadata(headers));
    const answer = new Promise<[string, unknown]>((resolve) => {
      call.on('data', (message) => resolve(['data', message]));
      call.on('error', (error) => resolve(['error', error]));
    });
    call.write({ text: 'hello' });
    const first = await answer;
    call.cancel();
    client.close();
    return first;
  };

  const count = (headers: Record<string, string>): Promise<unknown> =>
    refusalOf(
      new Promise((resolve, reject) => {
        const client = grpcClient(port);
        const answer = (error: unknown, message: unknown) => {
          client.close();
          if (error) reject(error);
          else resolve(message);
        };
        const call = grpcStream(client, 'Count', grpcMetadata(headers), answer);
        call.write({ text: 'one' });
        call.end();
      }),
    );

  it('lets a valid token in', async () => {
    const headers = bearer(provider.accessToken());

    expect(await echo(headers)).toEqual(['data', { text: 'hello' }]);
    expect(await count(headers)).toEqual({ answered: { text: '1' } });
  });

  it('GW-1: refuses others by a status, and lives on', async () => {
    for (const headers of [{}, bearer('not-a-token')]) {
      expect(await echo(headers)).toEqual(['error', expect.objectContaining({ code: 16 })]);
      expect(await count(headers)).toMatchObject({ code: 16 });
    }
  });

  it('GW-5: hides a fault of the host’s from the caller, and logs it once, without tokens', async () => {
    const token = provider.accessToken();
    const linesBefore = capturedLogs().length;
    const identify = vi.spyOn(Authenticator.prototype, 'identify');
    identify.mockRejectedValueOnce(new TypeError(`a fault with ${token}`));

    const refusal = await count(bearer(token));
    identify.mockRestore();

    expect(refusal).toMatchObject({ code: 13, details: 'The call failed' });
    const lines = capturedLogs().slice(linesBefore).join('\n');
    expect(lines.match(/ERROR .*a fault with/g)).toHaveLength(1);
    expect(lines).not.toContain(token);
  });

  it('GW-2: ends with the token', async () => {
    const client = grpcClient(port);
    const call = grpcStream(client, 'Echo', grpcMetadata(bearer(provider.accessToken())));
    call.write({ text: 'hello' });
    await once(call, 'data');
    const failed = once(call, 'error');

    clock.advance(3600);
    await host.live.sweep();

    expect(await failed).toEqual([expect.objectContaining({ code: 16 })]);
    client.close();
  });
});

describe('messages and what the host does with them', () => {
  const hosts: Host[] = [];
  const links: Link[] = [];

  afterEach(async () => {
    for (const one of links.splice(0)) await one.close();
    for (const one of hosts.splice(0)) await one.close();
  });

  const connected = async (mode: Mode, more: Partial<AppOptions>): Promise<Link> => {
    const port = await freePort();
    hosts.push(await serve(tcp, port, mode, more));
    const client = await tcp.connect(port);
    links.push(client);
    return client;
  };

  it('keeps what one handler of an event may see from the next', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Listeners {
      @EventPattern('happened')
      all(@IdToken('sub') sub?: string): void {
        seen.push(['all', sub]);
      }

      @EventPattern('happened')
      @Auth({ optional: true, roles: 'owners' })
      owners(@IdToken('sub') sub?: string): void {
        seen.push(['owners', sub]);
      }
    }
    const client = await connected('hybrid, not inheriting', { controllers: [Listeners] });
    client.emit('happened', bearer(provider.accessToken()));

    await vi.waitFor(() => expect(seen).toHaveLength(2));
    expect(seen).toContainEqual(['all', 'sub-0001-alice']);
    expect(seen).toContainEqual(['owners', undefined]);
  });

  it('shows filters the caller and the refusal', async () => {
    @Catch()
    class Telling implements ExceptionFilter {
      catch(error: unknown, host: ArgumentsHost): Observable<never> {
        const sub = verifiedClaims(host)?.sub ?? null;
        const told = error instanceof RpcException ? error.message : 'failed';
        return throwError(() => ({ sub, told }));
      }
    }
    @Controller()
    @UseFilters(Telling)
    class Filtered {
      @MessagePattern('fails')
      fails(): never {
        throw new Error('of the host');
      }
    }
    const client = await connected('hybrid, not inheriting', { controllers: [Filtered] });

    expect(await refusalOf(client.call('fails', bearer(provider.accessToken())))).toEqual({
      sub: 'sub-0001-alice',
      told: 'failed',
    });
    expect(await refusalOf(client.call('fails'))).toEqual({
      sub: null,
      told: 'A bearer token is required',
    });
  });

  it('guards handlers that a class inherits', async () => {
    abstract class Base {
      @MessagePattern('inherited')
      inherited(): object {
        return { text: '"secret"' };
      }
    }
    @Controller()
    class Derived extends Base {}
    const client = await connected('hybrid, not inheriting', { controllers: [Derived] });

    expect(await refusalOf(client.call('inherited'))).toMatchObject({ error: 'invalid_token' });
    await expect(
      startApp({ provider, controllers: [Derived], providers: [everywhere] }),
    ).rejects.toThrow(/OidcMicroservicesModule of nestjs-oidc-auth\/microservices/);
  });

  it('without a guard for the whole application guards what says @Auth()', async () => {
    const client = await connected('hybrid, not inheriting', { providers: [] });

    expect(await client.call('Open')).toBeNull();
    expect(await refusalOf(client.call('Admins'))).toMatchObject({ error: 'invalid_token' });
  });

  it('takes the token from where the host says, and from the headers where it does not say', async () => {
    @Controller()
    class Plain {
      @MessagePattern('plain')
      plain(@IdToken('sub') sub: string): object {
        return { text: JSON.stringify(sub) };
      }
    }
    let given: unknown;
    const extracting = OidcMicroservicesModule.forRoot(Object({ extract: () => given }));
    const client = await connected('hybrid, not inheriting', {
      controllers: [Plain],
      imports: [extracting],
    });
    const headers = bearer(provider.accessToken());
    const refusals = ['not-a-token', 'Bearer not-a-token', ''];

    for (given of [provider.accessToken(), `Bearer ${provider.accessToken()}`]) {
      expect(await client.call('plain')).toBe('sub-0001-alice');
    }
    given = undefined;
    expect(await client.call('plain', headers)).toBe('sub-0001-alice');
    expect(await refusalOf(client.call('plain'))).toMatchObject({ error: 'invalid_token' });
    for (given of refusals) {
      expect(await refusalOf(client.call('plain', headers))).toMatchObject({
        error: 'invalid_token',
      });
    }
    given = 7;
    expect(await refusalOf(client.call('plain', headers))).toEqual({
      status: 'error',
      message: 'Internal server error',
    });
  });

  it.each([
    ['the entry is missing', [], /OidcMicroservicesModule of nestjs-oidc-auth\/microservices/],
    [
      'the entry is imported in two ways',
      [OidcMicroservicesModule, OidcMicroservicesModule.forRoot()],
      /imported twice/,
    ],
  ])('stops start-up where the whole application is guarded and %s', async (_, imports, error) => {
    await expect(serve(tcp, await freePort(), 'alone', { imports })).rejects.toThrow(error);
    await expect(serve(tcp, await freePort(), 'hybrid, inheriting', { imports })).rejects.toThrow(
      error,
    );
  });

  it('refuses an extractor that is no function', () => {
    expect(() => OidcMicroservicesModule.forRoot(Object({ extract: 'token' }))).toThrow(
      /extract.*must be a function/,
    );
  });
});

/** Starts on a server that only says which transport it is. */
const start = async (title: string, more: Partial<AppOptions>): Promise<void> => {
  const app = await startApp({
    provider,
    imports: [OidcMicroservicesModule],
    providers: [everywhere],
    configure: async (created) => {
      const strategy = Object.assign(title === 'TCP' ? new ServerTCP({}) : new ServerRedis({}), {
        listen: (callback: () => void) => callback(),
        close: async () => undefined,
      });
      created.connectMicroservice({ strategy });
      await created.startAllMicroservices();
    },
    ...more,
  });
  await app.close();
};

describe('transports without headers, as TCP and Redis before Nest 12', () => {
  @Controller()
  class Guarded {
    @MessagePattern('guarded', Transport.TCP)
    guarded(): void {}
  }
  @Controller()
  class Opened {
    @MessagePattern('open')
    @Public()
    open(): void {}

    @MessagePattern('elsewhere', Transport.NATS)
    elsewhere(): void {}
  }
  const late = [
    { title: 'TCP', context: TcpContext },
    { title: 'Redis', context: RedisContext },
  ];

  describe.each(late)('$title', ({ title, context }) => {
    const forget = (): (() => void) => {
      const known = Object.getOwnPropertyDescriptor(context.prototype, 'getMetadata');
      Reflect.deleteProperty(context.prototype, 'getMetadata');
      return () => Object.defineProperty(context.prototype, 'getMetadata', Object(known));
    };

    const Handlers = title === 'TCP' ? Guarded : MessageController;

    it('stops start-up where a handler demands a token', async () => {
      const restore = forget();
      try {
        await expect(start(title, { controllers: [Handlers] })).rejects.toThrow(
          new RegExp(`Messages of ${title} .*forRoot\\(\\{ extract \\}\\)`),
        );
      } finally {
        restore();
      }
    });

    it('starts where the host says where the token is, and where all is public', async () => {
      const restore = forget();
      try {
        await start(title, {
          controllers: [Handlers],
          imports: [OidcMicroservicesModule.forRoot({ extract: () => undefined })],
        });
        await start(title, { controllers: [Opened] });
      } finally {
        restore();
      }
      await start(title, { controllers: [Handlers] });
    });
  });
});
