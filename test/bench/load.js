// The load generator: a process of its own that keeps every server saturated over connections that stay open. Requests are written whole and
// answers are counted by their length, because a client that parses would be slower than the servers that it is to measure.
import { once } from 'node:events';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';

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

/** A connection that answers come from, one at a time. */
class Connection {
  #bytes = Buffer.alloc(0);
  #answered = () => {};

  constructor(port) {
    this.socket = connect(port, '127.0.0.1').setNoDelay();
    this.socket.on('data', (chunk) => this.#read(chunk));
  }

  /** @param answered is told the status when the whole answer is there. */
  send(request, answered) {
    this.#answered = answered;
    this.socket.write(request, 'latin1');
  }

  #read(chunk) {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const answer = answerIn(this.#bytes);
    if (answer === undefined) return;
    this.#bytes = this.#bytes.subarray(answer.end);
    this.#answered(answer.status);
  }
}

function note(tally, status, askedAt) {
  tally.answers += 1;
  tally.statuses[status] = (tally.statuses[status] ?? 0) + 1;
  tally.waits.push(performance.now() - askedAt);
}

function nextOf({ requests }, tally) {
  const request = requests[tally.sent % requests.length];
  tally.sent += 1;
  return request;
}

/** As many as possible over one connection: a request, its answer, the next request. */
function worker(target, tally, isOver) {
  return new Promise((resolve, reject) => {
    const connection = new Connection(target.port);
    const { socket } = connection;
    const next = () => {
      if (isOver() || (target.once && tally.sent >= target.requests.length)) {
        socket.destroy();
        resolve();
        return;
      }
      const askedAt = performance.now();
      connection.send(nextOf(target, tally), (status) => {
        note(tally, status, askedAt);
        next();
      });
    };
    socket.on('connect', next);
    socket.on('error', reject);
    socket.on('close', resolve);
  });
}

/**
 * So many a second over all connections, whatever the server does meanwhile: what finds no connection free goes as soon as one is, and has waited since it was due to be sent.
 */
async function paced(target, tally, isOver) {
  const connections = Array.from({ length: target.connections }, () => new Connection(target.port));
  await Promise.all(connections.map(({ socket }) => once(socket, 'connect')));
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const workerData = { perSecond: target.perSecond, stop };
  const pacer = new Worker(new URL('pacer.js', import.meta.url), { workerData });
  const free = [...connections];
  const waiting = [];
  const isDone = () => isOver() || (target.once && tally.sent >= target.requests.length);
  await new Promise((resolve, reject) => {
    const end = () => {
      if (isDone() && free.length === connections.length) resolve();
    };
    const send = () => {
      while (waiting.length > 0 && free.length > 0 && !isDone()) {
        const connection = free.shift();
        const askedAt = waiting.shift();
        tally.sentAt.push(performance.now());
        connection.send(nextOf(target, tally), (status) => {
          note(tally, status, askedAt);
          free.push(connection);
          send();
        });
      }
      end();
    };
    for (const { socket } of connections) {
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('The server hung up')));
    }
    pacer.on('error', reject);
    pacer.on('message', (dueAt) => {
      const now = performance.now();
      tally.late.push(performance.timeOrigin + now - dueAt);
      waiting.push(now);
      send();
    });
  }).finally(() => {
    Atomics.store(stop, 0, 1);
    Atomics.notify(stop, 0);
  });
  for (const { socket } of connections) socket.removeAllListeners('close').destroy();
}

function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function inOrder(values) {
  return values.toSorted((one, other) => one - other);
}

/** How requests of a rate came, in milliseconds: independent ones of r a second have gaps of 693 / r in the middle, and one in a hundred is longer than 4,605 / r. */
function arrivalsOf(sentAt, late) {
  const gaps = inOrder(sentAt.slice(1).map((at, index) => at - sentAt[index]));
  const inEach = new Map();
  for (const at of sentAt) inEach.set(Math.floor(at), (inEach.get(Math.floor(at)) ?? 0) + 1);
  const counts = inOrder([...inEach.values()]);
  return {
    perSecond: ((sentAt.length - 1) * 1000) / (sentAt.at(-1) - sentAt[0]),
    gapP50: quantile(gaps, 0.5),
    gapP99: quantile(gaps, 0.99),
    mostInOneMs: counts.at(-1),
    lateP50: quantile(inOrder(late), 0.5),
    lateP99: quantile(inOrder(late), 0.99),
  };
}

/** Every target at once, until the slowest has given so many answers or one of them has had all of its requests: so none is ever alone. */
async function run({ targets, answers: wanted }) {
  const tallies = targets.map(() => ({
    sent: 0,
    answers: 0,
    statuses: {},
    waits: [],
    sentAt: [],
    late: [],
  }));
  const isOver = () =>
    tallies.every(({ answers }) => answers >= wanted) ||
    targets.some((target, at) => target.once && tallies[at].sent >= target.requests.length);
  const beganAt = performance.now();
  await Promise.all(
    targets.flatMap((target, at) =>
      target.perSecond === undefined
        ? Array.from({ length: target.connections }, () => worker(target, tallies[at], isOver))
        : [paced(target, tallies[at], isOver)],
    ),
  );
  const tookSec = (performance.now() - beganAt) / 1000;
  return tallies.map(({ answers, statuses, waits, sentAt, late }) => {
    const sorted = inOrder(waits);
    return {
      answers,
      perSecond: answers / tookSec,
      statuses,
      p50: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
      ...(sentAt.length > 0 && { arrivals: arrivalsOf(sentAt, late) }),
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
