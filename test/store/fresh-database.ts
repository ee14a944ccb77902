import { randomBytes } from 'node:crypto';

import { DataSource } from 'typeorm';

/** A database of its own on a server that runs, and its removal. */
export interface FreshDatabase {
  readonly url: string;
  readonly drop: () => Promise<void>;
  /** Makes it again. */
  readonly create: () => Promise<void>;
}

async function run(server: string, statement: string): Promise<void> {
  const type = server.startsWith('postgres') ? 'postgres' : 'mysql';
  const connection = await new DataSource({ type, url: server }).initialize();
  try {
    await connection.query(statement);
  } finally {
    await connection.destroy();
  }
}

/** @param server the address of a server, a database on it, and a user who may create others. */
export async function freshDatabase(server: string): Promise<FreshDatabase> {
  const name = `oidc_test_${randomBytes(6).toString('hex')}`;
  const create = () => run(server, `CREATE DATABASE ${name}`);
  await create();
  const url = new URL(server);
  url.pathname = `/${name}`;
  // A proxy keeps connections after its clients have gone.
  const drop = `DROP DATABASE ${name}${server.startsWith('postgres') ? ' WITH (FORCE)' : ''}`;
  return { url: url.href, create, drop: () => run(server, drop) };
}
