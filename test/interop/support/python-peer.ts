import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { BROKER_AUDIENCE } from '../../support/broker-app.js';
import { request } from '../../support/http-request.js';
import { TEST_CLIENT_ID } from '../../support/provider-options.js';
import { ended, listening, startChild } from '../../support/services/child.js';
import { quietPort } from './quiet-port.js';

const FOLDER = fileURLToPath(new URL('../python', import.meta.url));

export type PeerFramework = 'fastapi' | 'tornado';

export interface PeerOptions {
  /** The interpreter. */
  readonly python: string;
  readonly framework: PeerFramework;
  readonly provider: { readonly discoveryUrl: string; readonly clientSecret: string };
  /** What it writes as `iss`. Default: its own address. */
  readonly issuer?: string;
  /** Path before its routes. */
  readonly prefix?: string;
}

/** A service on the reference implementation in broker mode; it finds keys and peers again in its SQLite file. */
export class PythonPeer {
  /** Where its routes are: address and prefix. */
  readonly url: string;
  /** Where peers look for its key set. */
  readonly address: string;
  #child: ReturnType<typeof startChild> | undefined;
  #trusted: readonly string[] = [];

  private constructor(
    private readonly options: PeerOptions,
    private readonly port: number,
    private readonly folder: string,
  ) {
    this.address = `http://127.0.0.1:${port}`;
    this.url = this.address + (options.prefix ?? '');
  }

  /** Its address is known before it runs: peers must name each other. */
  static async prepare(options: PeerOptions): Promise<PythonPeer> {
    const folder = await mkdtemp(join(tmpdir(), 'oidc-python-peer-'));
    return new PythonPeer(options, await quietPort(), folder);
  }

  /** `iss` of its tokens. */
  get issuer(): string {
    return this.options.issuer ?? this.address;
  }

  /** Starts it, or starts it again; it asks the issuers that it trusts for their keys. */
  async start(trusted: readonly string[] = this.#trusted): Promise<void> {
    this.#trusted = trusted;
    const { python, framework, provider, prefix = '' } = this.options;
    const settings = {
      port: this.port,
      prefix,
      clientId: TEST_CLIENT_ID,
      clientSecret: provider.clientSecret,
      discoveryUrl: provider.discoveryUrl,
      issuer: this.issuer,
      audience: BROKER_AUDIENCE,
      storeUrl: `sqlite:///${join(this.folder, 'broker.sqlite')}`,
      trustedIssuers: trusted,
    };
    const env = {
      PATH: process.env['PATH'],
      HOME: this.folder,
      PYTHONDONTWRITEBYTECODE: '1',
      PEER_SETTINGS: JSON.stringify(settings),
    };
    this.#child = startChild([python, [join(FOLDER, `${framework}_peer.py`)]], { env });
    await listening(this.port, this.#child);
    const { status } = await request(`${this.url}/auth/v2/.well-known/jwks.json`); // sets it up
    if (status !== 200) throw new Error(`The peer has no keys: ${status}`);
  }

  async stop(): Promise<void> {
    if (this.#child !== undefined) await ended(this.#child.child);
  }

  /** Stops it; its database is lost. */
  async loseAll(): Promise<void> {
    await this.remove();
    await mkdir(this.folder);
  }

  /** Stops it for good. */
  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Makes its intervals pass. */
  async letPass(seconds: number): Promise<void> {
    await request(`${this.address}/clock?seconds=${seconds}`, { method: 'POST' });
  }

  /** What its guard says of a token: the claims that its handler gets, or the status of its refusal. */
  async guard(bearer: string, path = '/required'): Promise<Record<string, unknown> | number> {
    const reply = await request(this.address + path, { bearer });
    return reply.status === 200 ? reply.json() : reply.status;
  }
}
