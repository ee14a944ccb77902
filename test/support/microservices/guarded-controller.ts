import { Controller, type Type } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall, MessagePattern } from '@nestjs/microservices';
import type { EventEmitter } from 'node:events';
import { type Observable, Subject, startWith } from 'rxjs';

import { Auth, CurrentUser, IdToken, type IdTokenClaims, Public } from '../../../lib/index.js';

interface Message {
  readonly text: string;
}

/** A call of `@GrpcStreamCall()`. */
interface StreamCall extends EventEmitter {
  write(message: Message): void;
  end(): void;
}

/** What goes on until somebody ends it. */
export const endless = new Subject<Message>();

const say = (text: unknown): Message => ({ text: JSON.stringify(text ?? null) });

/** Handlers of messages that are listened for in the same way by each transport. */
function guardedController(on: (name: string) => MethodDecorator): Type {
  @Controller()
  class Guarded {
    constructor(private readonly user: CurrentUser) {}

    @on('Plain')
    plain(_: unknown, @IdToken() token: IdTokenClaims): Message {
      return say(token.sub);
    }

    @on('Admins')
    @Auth({ roles: 'owners' })
    admins(): Message {
      return say('secret');
    }

    @on('Gold')
    @Auth({ acr: 'gold', maxAgeSec: 60 })
    gold(): Message {
      return say('secret');
    }

    @on('Maybe')
    @Auth({ optional: true, roles: 'owners' })
    maybe(_: unknown, @IdToken('sub') sub?: string): Message {
      return say(sub);
    }

    @on('Open')
    @Public()
    open(_: unknown, @IdToken('sub') sub?: string): Message {
      return say(sub);
    }

    @on('Current')
    async current(): Promise<Message> {
      await Promise.resolve();
      return say(this.user.sub);
    }

    @on('Broken')
    @Auth({
      when: () => {
        throw new Error('a secret of the host');
      },
    })
    broken(): Message {
      return say('secret');
    }

    @on('Ticks')
    ticks(): Observable<Message> {
      return endless.pipe(startWith(say(1)));
    }
  }
  return Guarded;
}

export const MessageController = guardedController((name) => MessagePattern(name));

export const GrpcController = guardedController((name) => GrpcMethod('Guarded', name));

/** Handlers that gRPC hands its calls to as they are. */
@Controller()
export class StreamCallController {
  @GrpcStreamCall('Guarded', 'Echo')
  echo(call: StreamCall): void {
    call.on('data', (message: Message) => call.write(message));
    call.on('end', () => call.end());
  }

  @GrpcStreamCall('Guarded', 'Count')
  count(call: StreamCall, answer: (error: null, message: Message) => void): void {
    let count = 0;
    call.on('data', () => (count += 1));
    call.on('end', () => answer(null, say(count)));
  }
}
