// Node 20 runs no TypeScript by itself.
import { runnerImport } from 'vite';

const { module } = await runnerImport(new URL('bench.ts', import.meta.url).pathname);
await module.main(process.argv.slice(2));
