import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
} from '@nestjs/websockets';
import { Auth, IdToken } from 'nestjs-oidc-auth';

/** Who can be told something: a client, or all of them. */
interface Audience {
  emit(event: string, data: unknown): void;
}

/** The guard is on the whole application: nobody connects without a token, and a connection ends with its token. */
@WebSocketGateway()
export class ChatGateway {
  @WebSocketServer()
  private readonly everybody?: Audience;

  @SubscribeMessage('say')
  say(@MessageBody() text: string, @IdToken('preferred_username') name: string): void {
    this.everybody?.emit('said', { name, text });
  }

  /** Alice has no such role: her client hears of it by the event `exception`. */
  @SubscribeMessage('clear')
  @Auth({ roles: 'moderators' })
  clear(@ConnectedSocket() client: Audience): void {
    client.emit('cleared', {});
  }
}
