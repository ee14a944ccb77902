// The four statements of a refresh, and nothing else: straight to the driver, on rows that the package has written. It is the limit of the store.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';

import { ready, settings } from './harness.js';

const require = createRequire(import.meta.url);
const { storeUrl } = settings;
const HOUR_MS = 3_600_000;
/** As many connections as the package's own pool has. */
const CONNECTIONS = 10;
const COLUMNS =
  'id, login_hash, provider, subject_hash, provider_subject_hash, provider_session_hash, created_at, used_at, ends_at, expires_at, ' +
  'generation, refresh_hash, replaced, sealed, lease_id, lease_until, revoked_at, cookie_hash';

const FIND = `SELECT ${COLUMNS} FROM oidc_session WHERE revoked_at IS NULL AND expires_at > ? AND id = ?`;
const TAKE = `UPDATE oidc_session SET lease_id = ?, lease_until = ? WHERE id = ? AND generation = ? AND revoked_at IS NULL
  AND expires_at > ? AND (lease_until IS NULL OR lease_until <= ?)`;
const ROTATE = `UPDATE oidc_session SET used_at = ?, expires_at = ?, generation = ?, refresh_hash = ?, replaced = ?, sealed = ?,
  lease_id = NULL, lease_until = NULL WHERE id = ? AND lease_id = ? AND revoked_at IS NULL`;

/** On a database that takes statements. */
function sqlRefresh(run) {
  return async ({ id }) => {
    const nowMs = Date.now();
    const [row] = (await run(FIND, [nowMs, id])).rows;
    const leaseId = randomBytes(16).toString('hex');
    const lease = [leaseId, nowMs + 15_000, id, row.generation, nowMs, nowMs];
    if ((await run(TAKE, lease)).changes !== 1) throw new Error('No lease');
    await run(FIND, [nowMs, id]);
    const replaced = JSON.stringify([[row.generation, nowMs]]);
    const hash = randomBytes(32).toString('hex');
    const next = [nowMs, nowMs + HOUR_MS, row.generation + 1, hash, replaced, row.sealed];
    if ((await run(ROTATE, [...next, id, leaseId])).changes !== 1)
      throw new Error('The lease was lost');
  };
}

async function openPostgres() {
  const { Pool } = require('pg');
  const pool = new Pool({ connectionString: storeUrl, max: CONNECTIONS });
  const numbered = new Map();
  const run = async (statement, values) => {
    let text = numbered.get(statement);
    if (text === undefined) {
      let at = 0;
      text = statement.replaceAll('?', () => `$${(at += 1)}`);
      numbered.set(statement, text);
    }
    const { rows, rowCount } = await pool.query(text, values);
    return { rows, changes: rowCount };
  };
  const { rows } = await pool.query('SELECT id FROM oidc_session WHERE revoked_at IS NULL');
  return { rows, refresh: sqlRefresh(run) };
}

function openSqlite() {
  const Database = require('better-sqlite3');
  const database = new Database(storeUrl.replace('sqlite://', ''));
  database.pragma('journal_mode = WAL');
  const prepared = new Map([FIND, TAKE, ROTATE].map((text) => [text, database.prepare(text)]));
  const run = async (text, values) => {
    const statement = prepared.get(text);
    return text === FIND ? { rows: statement.all(...values) } : statement.run(...values);
  };
  const rows = database.prepare('SELECT id FROM oidc_session WHERE revoked_at IS NULL').all();
  return { rows, refresh: sqlRefresh(run) };
}

async function openMongo() {
  const { MongoClient } = require('mongodb');
  const client = await MongoClient.connect(storeUrl);
  const sessions = client.db().collection('oidc_sessions');
  const refresh = async ({ id }) => {
    const now = new Date();
    const alive = { revokedAt: { $exists: false }, expiresAt: { $gt: now } };
    const found = await sessions.findOne({ _id: id, ...alive });
    const { generation, sealed } = found;
    const leaseId = randomBytes(16).toString('hex');
    const free = { $or: [{ leaseUntil: { $exists: false } }, { leaseUntil: { $lte: now } }] };
    const until = new Date(now.getTime() + 15_000);
    await sessions.updateOne(
      { _id: id, generation, ...alive, ...free },
      { $set: { leaseId, leaseUntil: until } },
    );
    await sessions.findOne({ _id: id, ...alive });
    const next = {
      usedAt: now,
      expiresAt: new Date(now.getTime() + HOUR_MS),
      generation: generation + 1,
      refreshHash: randomBytes(32).toString('hex'),
      replaced: [{ generation, at: now }],
      sealed,
    };
    const written = await sessions.updateOne(
      { _id: id, leaseId, revokedAt: { $exists: false } },
      { $set: next, $unset: { leaseId: '', leaseUntil: '' } },
    );
    if (written.modifiedCount !== 1) throw new Error('The lease was lost');
  };
  const documents = await sessions.find({}, { projection: { _id: 1 } }).toArray();
  return { rows: documents.map(({ _id }) => ({ id: _id })), refresh };
}

function open() {
  if (storeUrl.startsWith('postgres')) return openPostgres();
  return storeUrl.startsWith('sqlite') ? openSqlite() : openMongo();
}

const { rows, refresh } = await open();

/** So many at once, as long as it is told. */
async function refreshed({ callers, seconds }) {
  const free = [...rows];
  const beganAt = performance.now();
  let done = 0;
  const caller = async () => {
    while (performance.now() - beganAt < seconds * 1000) {
      const row = free.shift();
      await refresh(row);
      free.push(row);
      done += 1;
      await new Promise(setImmediate); // a synchronous driver leaves no room for the time to end otherwise
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return done / ((performance.now() - beganAt) / 1000);
}

const perSecond = await refreshed(settings);
ready(0, { perSecond });
