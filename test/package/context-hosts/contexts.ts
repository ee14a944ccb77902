import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Controller, Module, type Type } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import {
  ClientProxyFactory,
  MessagePattern,
  type MicroserviceOptions,
  Transport,
} from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Auth, AuthGuard, IdToken, OidcAuthModule } from 'nestjs-oidc-auth';
import { OidcGraphqlModule } from 'nestjs-oidc-auth/graphql';
import { OidcMicroservicesModule } from 'nestjs-oidc-auth/microservices';
import { TestIssuer } from 'nestjs-oidc-auth/testing';
import { OidcWebsocketsModule } from 'nestjs-oidc-auth/websockets';
import { firstValueFrom } from 'rxjs';
import { io } from 'socket.io-client';

// One host with a resolver, a gateway and a message handler, none of which says anything: the guard of the whole application guards them. It
// calls itself and prints what it was answered as one line of JSON.

@Resolver()
class MeResolver {
  @Query()
  me(@IdToken('sub') sub: string): string {
    return sub;
  }
}

@WebSocketGateway()
class MeGateway {
  @SubscribeMessage('me')
  me(@IdToken('sub') sub: string): string {
    return sub;
  }

  @SubscribeMessage('owners')
  @Auth({ roles: 'owners' })
  owners(): string {
    return 'secret';
  }
}

@Controller()
class MeMessages {
  @MessagePattern('me')
  me(@IdToken('sub') sub: string): string {
    return sub;
  }
}

function hostModule(issuer: TestIssuer, entries: readonly Type<unknown>[]): Type<unknown> {
  @Module({
    imports: [
      OidcAuthModule.forRoot({ ...issuer.options, publicUrl: 'http://localhost:3000' }),
      GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        typeDefs: 'type Query { me: String }',
      }),
      OidcGraphqlModule,
      // Over TCP messages have headers since Nest 12 only.
      OidcMicroservicesModule.forRoot({
        extract: (context) => context.switchToRpc().getData<{ token?: string }>().token,
      }),
      ...entries,
    ],
    controllers: [MeMessages],
    providers: [MeResolver, MeGateway, { provide: APP_GUARD, useExisting: AuthGuard }],
  })
  class HostModule {}
  return HostModule;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function overGraphql(url: string, headers: Record<string, string>): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query: '{ me }' }),
  });
  const { data, errors } = JSON.parse(await response.text());
  return errors?.[0]?.extensions ?? data;
}

/** What the handler answered, or the body of the refusal. */
async function overWebSocket(url: string, event: string, token?: string): Promise<unknown> {
  const auth = token === undefined ? {} : { token };
  const socket = io(url, { transports: ['websocket'], reconnection: false, auth });
  try {
    return await new Promise((resolve) => {
      socket.once('connect_error', (error) => resolve(Reflect.get(error, 'data')));
      socket.once('exception', resolve);
      socket.once('connect', () => socket.emit(event, {}, resolve));
    });
  } finally {
    socket.disconnect();
  }
}

async function overTcp(port: number, data: object): Promise<unknown> {
  const client = ClientProxyFactory.create({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
  });
  try {
    return await firstValueFrom(client.send('me', data));
  } catch (error) {
    return error;
  } finally {
    await client.close();
  }
}

/** With a gateway, and nothing that guards it. */
async function startWithoutEntry(issuer: TestIssuer): Promise<string> {
  const app = await NestFactory.create(hostModule(issuer, []), { logger: false });
  try {
    await app.init();
    return 'started';
  } catch (error) {
    return String(error);
  } finally {
    await app.close();
  }
}

async function main(): Promise<void> {
  const issuer = await TestIssuer.start();
  const token = await issuer.token({ sub: 'alice' });
  const app = await NestFactory.create(hostModule(issuer, [OidcWebsocketsModule]), {
    logger: ['error', 'warn'],
  });
  const port = await freePort();
  app.connectMicroservice<MicroserviceOptions>({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
  });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const address: AddressInfo = app.getHttpServer().address();
  const url = `http://127.0.0.1:${address.port}`;
  const answers = {
    graphql: [
      await overGraphql(url, { authorization: `Bearer ${token}` }),
      await overGraphql(url, {}),
    ],
    websockets: [
      await overWebSocket(url, 'me', token),
      await overWebSocket(url, 'owners', token),
      await overWebSocket(url, 'me'),
    ],
    microservices: [await overTcp(port, { token }), await overTcp(port, {})],
    withoutEntry: await startWithoutEntry(issuer),
  };
  await app.close();
  await issuer.close();
  console.log(JSON.stringify(answers));
}

void main();
