import { Args, Mutation, Query, Resolver, Subscription } from '@nestjs/graphql';
import { Auth, CurrentUser, IdToken, Public } from 'nestjs-oidc-auth';

import { OrderFeed } from './order-feed.js';

export const typeDefs = `
  type Query { status: String! me: String! orders: [String!]! }
  type Mutation { order(item: String!): String! }
  type Subscription { ordered: String! }
`;

/** The guard is on the whole application: what says nothing needs a token. */
@Resolver()
export class OrdersResolver {
  readonly #orders: string[] = [];

  constructor(
    private readonly user: CurrentUser,
    private readonly feed: OrderFeed,
  ) {}

  @Query()
  @Public()
  status(): string {
    return 'open';
  }

  @Query()
  me(@IdToken('preferred_username') name: string): string {
    return name;
  }

  /** Alice has no such role. */
  @Query()
  @Auth({ roles: 'admins' })
  orders(): readonly string[] {
    return this.#orders;
  }

  @Mutation()
  order(@Args('item') item: string): string {
    const order = `${item} for ${this.user.claims?.['preferred_username']}`;
    this.#orders.push(order);
    this.feed.tell(order);
    return order;
  }

  /** Ends with the token that its connection brought. */
  @Subscription()
  ordered(): AsyncIterableIterator<{ ordered: string }> {
    return this.feed.listen();
  }
}
