// `npm test`: checks the types while the tests run, and fails when either fails. What is given goes to Vitest.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

const PROJECTS = ['tsconfig.json', 'sample/spa/page'];

/** Whether the types of all projects hold; and what the compiler says of them, once. */
async function checkTypes() {
  let good = true;
  let said = '';
  for (const project of PROJECTS) {
    const compiler = spawn(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output, [status]] = await Promise.all([text(compiler.stdout), once(compiler, 'close')]);
    good &&= status === 0;
    said += output;
  }
  return { good, said };
}

async function runTests() {
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)];
  const [status] = await once(spawn(process.execPath, vitest, { stdio: 'inherit' }), 'close');
  return { good: status === 0 };
}

const [types, tests] = await Promise.all([checkTypes(), runTests()]);

// At the end, where it is seen.
if (!types.good) process.stderr.write(`\nThe types do not hold:\n${types.said}`);
process.exitCode = types.good && tests.good ? 0 : 1;
