import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { installBeside, installPackages } from './npm.js';
import { run } from './run-command.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oidc-weight-'));
});

afterAll(() => rm(folder, { recursive: true }));

const inFolder = (name: string): string => join(folder, name);

it('brings three packages along, none of which brings more', async () => {
  const alone = await mkdtemp(inFolder('alone-'));
  await writeFile(join(alone, 'package.json'), JSON.stringify({ private: true }));

  await installPackages([inject('tarball'), '--omit=peer', '--legacy-peer-deps'], alone);

  const installed = await readdir(join(alone, 'node_modules'));
  expect(installed.filter((name) => !name.startsWith('.'))).toEqual([
    'jose',
    'nestjs-oidc-auth',
    'oauth4webapi',
    'openid-client',
  ]);
});

/** A host that validates with a class-validator of its own, in a way that would stop every other user of it. */
const HOST = `
  import 'reflect-metadata';
  import { Module, ValidationPipe } from '@nestjs/common';
  import { NestFactory } from '@nestjs/core';
  import { IsInt, getMetadataStorage, useContainer } from 'class-validator';
  import { OidcAuthModule } from 'nestjs-oidc-auth';

  class Order {}
  IsInt()(Order.prototype, 'amount');
  const pipe = new ValidationPipe();
  const validated = (value) =>
    pipe.transform(value, { type: 'body', metatype: Order }).then(() => 'taken', (error) => error.getStatus());
  const answers = [await validated({ amount: 1 }), await validated({ amount: 'many' })];

  useContainer({ get() { throw new Error('not registered'); } });
  const start = async (changes) => {
    class App {}
    const options = {
      clientId: 'my-client',
      discoveryUrl: 'http://localhost:1',
      audience: 'my-aud',
      publicUrl: 'http://localhost:3000',
      ...changes,
    };
    Module({ imports: [OidcAuthModule.forRoot(options)] })(App);
    const app = await NestFactory.create(App, { logger: false, abortOnError: false });
    await app.init();
    await app.close();
    return 'started';
  };
  const starts = [await start({}), await start({ timeoutMs: 'long' }).catch(({ name, message }) => name + ': ' + message)];
  const classes = [...getMetadataStorage().validationMetadatas.keys()].map(({ name }) => name);
  console.log(JSON.stringify({ answers, starts, classes }));
  process.exit();`;

describe('beside a class-validator of the host', () => {
  it('keeps its own rules apart from the rules of the host, and checks options all the same', async () => {
    const host = await mkdtemp(inFolder('host-'));
    const validation = ['class-validator@^0.14.0', 'class-transformer'];
    await installBeside('^12.0.0', inject('tarball'), host, validation);

    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', HOST], {
      cwd: host,
    });

    expect(JSON.parse(stdout)).toEqual({
      answers: ['taken', 400],
      starts: ['started', expect.stringMatching(/^OidcConfigError: Option "timeoutMs"/)],
      classes: ['Order'],
    });
  });
});
