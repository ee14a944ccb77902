// A thread that says when the next request is due: at a rate, each independent of those before, as clients that do not know of each other come. Timers of Node are
// rounded to whole milliseconds, so that requests which wait for them come in bursts.
import { parentPort, workerData } from 'node:worker_threads';

const { perSecond, stop } = workerData;
const tell = parentPort.postMessage.bind(parentPort);
const now = () => performance.timeOrigin + performance.now();

let dueAt = now();
for (;;) {
  dueAt -= (Math.log(1 - Math.random()) * 1000) / perSecond;
  const leftMs = Math.max(0, dueAt - now());
  if (Atomics.wait(stop, 0, 0, leftMs) !== 'timed-out') break;
  tell(dueAt);
}
