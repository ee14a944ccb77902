import { EventEmitter, on } from 'node:events';

import { Injectable } from '@nestjs/common';

/** Hands new orders to everybody who listens, in this process. */
@Injectable()
export class OrderFeed {
  readonly #events = new EventEmitter();

  tell(order: string): void {
    this.#events.emit('order', order);
  }

  listen(): AsyncIterableIterator<{ ordered: string }> {
    const events = on(this.#events, 'order');
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        const { done, value } = await events.next();
        return done === true
          ? { done, value: undefined }
          : { done: false, value: { ordered: String(value[0]) } };
      },
      async return() {
        await events.return?.();
        return { done: true, value: undefined };
      },
    };
  }
}
