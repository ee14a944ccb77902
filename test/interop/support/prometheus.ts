import { spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { freePort } from '../../support/free-port.js';
import { ended, listening, serviceFolder, startChild } from '../../support/services/child.js';

/** A Prometheus that scrapes one address every second. */
export interface Prometheus {
  /** What a query gives now. @throws Error with Prometheus' own words when it is none. */
  query(
    text: string,
  ): Promise<readonly { metric: Record<string, string>; value: [number, string] }[]>;
  stop(): Promise<void>;
}

/** Why there can be none. */
export function missingPrometheus(): string | undefined {
  const { error } = spawnSync('prometheus', ['--version']);
  return error && 'prometheus is not installed here';
}

/** @param target host and port of what is scraped. */
export async function startPrometheus(target: string): Promise<Prometheus> {
  const port = await freePort();
  const folder = await serviceFolder();
  const settings = join(folder, 'prometheus.yml');
  const jobs = `scrape_configs: [{ job_name: app, static_configs: [{ targets: ['${target}'] }] }]`;
  await writeFile(settings, `global: { scrape_interval: 1s }\n${jobs}\n`);
  const server = startChild([
    'prometheus',
    [
      `--config.file=${settings}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
  ]);
  const stop = async (): Promise<void> => {
    await ended(server.child);
    await rm(folder, { recursive: true });
  };
  await listening(port, server);
  const query = async (text: string) => {
    const address = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(text)}`;
    const answer: Answer = JSON.parse(await (await fetch(address)).text());
    const { status, error, data } = answer;
    if (status !== 'success' || data === undefined) throw new Error(`${text}: ${error}`);
    return data.result;
  };
  return { query, stop };
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: Awaited<ReturnType<Prometheus['query']>> };
}
