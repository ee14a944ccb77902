// The class that mints is no entry of the package: it is taken from its source.
import { fileURLToPath } from 'node:url';

import { runnerImport } from 'vite';

import { ready, settings } from './harness.js';

const { module } = await runnerImport(fileURLToPath(new URL('../minting.ts', import.meta.url)));
ready(0, await module.main(settings));
