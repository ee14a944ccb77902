import { format } from 'node:util';

const lines: string[] = [];
const consoleMethods = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const;

const showError = globalThis.console.error.bind(globalThis.console);

let installed = false;
let checked = 0;

/** Set to see what the application logs while tests run. */
const shown = process.env['TEST_OUTPUT'] === '1';

/**
 * Captures everything that this process writes: standard output and error, where Nest's logger writes,
 * the console and Node's warnings. What goes to the streams is held back; `TEST_OUTPUT=1` shows it.
 */
export function installOutputCapture(): void {
  if (installed) return;
  installed = true;

  captureStream(process.stdout);
  captureStream(process.stderr);
  for (const method of consoleMethods) captureConsole(method);
  process.on('warning', (warning) => recordOutput(String(warning.stack ?? warning)));
}

/** Every line captured since the test file began, or since {@link clearCapturedLogs}. */
export function capturedLogs(): readonly string[] {
  return [...lines];
}

/** Forgets what was captured; the check for secrets has still seen what came before the running test. */
export function clearCapturedLogs(): void {
  lines.length = 0;
  checked = 0;
}

/** Adds a text as if it had been written. */
export function recordOutput(text: string): void {
  lines.push(...text.split('\n').filter((line) => line !== ''));
}

/** The lines that no check has seen yet; they count as seen from then on. */
export function takeUncheckedOutput(): readonly string[] {
  const fresh = lines.slice(checked);
  checked = lines.length;
  return fresh;
}

/** Writes lines where the test runner shows them; used for the output of a test that failed. */
export function showLines(texts: readonly string[]): void {
  showError(texts.join('\n'));
}

function captureStream(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream);
  type Callback = (error?: Error | null) => void;

  stream.write = (
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | Callback,
    callback?: Callback,
  ): boolean => {
    recordOutput(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    if (shown) write(chunk);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done !== undefined) process.nextTick(done);
    return true;
  };
}

function captureConsole(method: (typeof consoleMethods)[number]): void {
  const target = globalThis.console;
  const original = target[method].bind(target);

  target[method] = (...values: unknown[]): void => {
    const text = format(...values);
    recordOutput(text);
    // The provider under test greets every process with hints for production.
    if (shown || !text.startsWith('oidc-provider ')) original(...values);
  };
}
