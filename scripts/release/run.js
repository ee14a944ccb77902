// Node 20 runs no TypeScript by itself.
import { runnerImport } from 'vite';

try {
  const { module } = await runnerImport(new URL('release.ts', import.meta.url).pathname);
  module.main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(
    `\nNot released: ${error instanceof Error ? error.message : String(error)}\n\n`,
  );
  process.exitCode = 1;
}
