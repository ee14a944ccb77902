// The load generator: a process of its own that keeps every server saturated over connections that stay open. Requests are written whole and
// answers are counted by their length, because a client that parses would be slower than the servers that it is to measure.
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';

const HEAD_END = Buffer.from('\r\n\r\n');

/** Where the first answer in the bytes ends, and its status; `undefined` until it is whole. */
function answerIn(bytes) {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd === -1) return undefined;
  const head = bytes.latin1Slice(0, headEnd);
  const status = Number(head.slice(9, 12));
  const bodyAt = headEnd + HEAD_END.length;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length !== null) {
    const end = bodyAt + Number(length[1]);
    return end <= bytes.length ? { end, status } : undefined;
  }
  const last = bytes.indexOf('\r\n0\r\n\r\n', headEnd + 2); // chunked, without trailers
  return last === -1 ? undefined : { end: last + 7, status };
}

/** One connection: a request, its answer, the next request. Those of a rate begin one after another, or all would always come at once. */
function worker(target, tally, isOver, position) {
  return new Promise((resolve, reject) => {
    const socket = connect(target.port, '127.0.0.1').setNoDelay();
    let bytes = Buffer.alloc(0);
    let sentAt = 0;
    const paced = target.perSecond !== undefined;
    let dueAt = performance.now() + (paced ? (1000 * position) / target.perSecond : 0);
    const next = () => {
      if (isOver() || (target.once && tally.sent >= target.requests.length)) {
        socket.destroy();
        resolve();
        return;
      }
      sentAt = performance.now();
      socket.write(target.requests[tally.sent % target.requests.length], 'latin1');
      tally.sent += 1;
    };
    const nextWhenDue = () => setTimeout(next, Math.max(0, dueAt - performance.now()));
    socket.on('connect', paced ? nextWhenDue : next);
    socket.on('error', reject);
    socket.on('close', resolve);
    socket.on('data', (chunk) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const answer = answerIn(bytes);
      if (answer === undefined) return;
      bytes = bytes.subarray(answer.end);
      tally.answers += 1;
      tally.statuses[answer.status] = (tally.statuses[answer.status] ?? 0) + 1;
      tally.waits.push(performance.now() - sentAt);
      if (!paced) {
        next();
        return;
      }
      dueAt = Math.max(dueAt + (1000 * target.connections) / target.perSecond, sentAt);
      nextWhenDue();
    });
  });
}

function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Every target at once, until the slowest has given so many answers or one of them has had all of its requests: so none is ever alone. */
async function run({ targets, answers: wanted }) {
  const tallies = targets.map(() => ({ sent: 0, answers: 0, statuses: {}, waits: [] }));
  const isOver = () =>
    tallies.every(({ answers }) => answers >= wanted) ||
    targets.some((target, at) => target.once && tallies[at].sent >= target.requests.length);
  const beganAt = performance.now();
  await Promise.all(
    targets.flatMap((target, at) =>
      Array.from({ length: target.connections }, (_, position) =>
        worker(target, tallies[at], isOver, position),
      ),
    ),
  );
  const tookSec = (performance.now() - beganAt) / 1000;
  return tallies.map(({ answers, statuses, waits }) => {
    const sorted = waits.toSorted((one, other) => one - other);
    return {
      answers,
      perSecond: answers / tookSec,
      statuses,
      p50: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
    };
  });
}

process.on('disconnect', () => process.exit(0));
process.on('message', (order) => {
  run(order).then(
    (results) => process.send({ results }),
    (error) => process.send({ error: String(error) }),
  );
});
