import type {
  Attributes,
  Counter,
  Histogram,
  Meter,
  MeterProvider,
  ObservableResult,
} from '@opentelemetry/api';
import { OAuthError } from '../errors/oauth.error.js';
import {
  type CounterName,
  type HistogramName,
  METRICS,
  type MetricAttributes,
  type MetricName,
  type ObservedName,
} from './metrics.js';

/** The instrumentation scope of all our spans and metrics. */
export const SCOPE = 'nestjs-oidc-auth';

/** Steps of a protocol rather than ends of a login. */
const STEPS: ReadonlySet<string> = new Set(['authorization_pending', 'slow_down']);

/** One value of an observed metric. */
export interface Observation<Name extends ObservedName = ObservedName> {
  readonly value: number;
  readonly attributes: MetricAttributes<Name>;
}

interface Observer {
  readonly name: ObservedName;
  readonly read: () => readonly Observation[];
}

/** Of one meter provider: whoever registers another one later gets everything anew. */
interface Instruments {
  readonly provider: MeterProvider;
  readonly meter: Meter;
  readonly counters: Map<CounterName, Counter>;
  readonly histograms: Map<HistogramName, Histogram>;
}

type Api = typeof import('@opentelemetry/api');

// Like OpenTelemetry's own registry there is one for the process, whatever the number of applications.
let api: Api | undefined;
let finding: Promise<void> | undefined;
let isMissing = false;
let instruments: Instruments | undefined;
const observers = new Set<Observer>();

/** Where every copy of OpenTelemetry's API 1.x keeps what was registered, so that one finds what another one was given. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1');

/**
 * Looks once for `@opentelemetry/api`, as soon as somebody in the process has registered anything with it: its forty files are not loaded for a
 * host that only has it installed. Without it nothing here does anything.
 */
export async function findOpenTelemetry(): Promise<void> {
  if (!isUnfound()) return;
  finding ??= import('@opentelemetry/api').then(
    (found) => void (api = found),
    () => void (isMissing = true),
  );
  await finding;
}

/** Whether there may be somebody to tell who was not looked for. */
function isUnfound(): boolean {
  return api === undefined && !isMissing && Reflect.has(globalThis, REGISTRY);
}

/** Adds one. */
export function count<Name extends CounterName>(
  name: Name,
  attributes: MetricAttributes<Name>,
): void {
  if (isUnfound()) return void findOpenTelemetry().then(() => count(name, attributes));
  const all = currentInstruments();
  if (all === undefined) return;
  const counter = all.counters.get(name) ?? all.meter.createCounter(name, settingsOf(name));
  all.counters.set(name, counter);
  counter.add(1, { ...attributes });
}

/** Counts what `work` ends with: `success`, or the `error` of its refusal. Steps of a protocol are no end. */
export async function counted<T, Name extends 'oidc.logins' | 'oidc.refreshes'>(
  name: Name,
  attributes: Omit<MetricAttributes<Name>, 'oidc.outcome'>,
  work: () => Promise<T>,
): Promise<T> {
  const end = (outcome: string) => count(name, { ...attributes, 'oidc.outcome': outcome });
  try {
    const result = await work();
    end('success');
    return result;
  } catch (error) {
    const kind = kindOf(error);
    if (!STEPS.has(kind)) end(kind);
    throw error;
  }
}

/** Adds a time to a histogram. */
export function measure<Name extends HistogramName>(
  name: Name,
  ms: number,
  attributes: MetricAttributes<Name>,
): void {
  if (isUnfound()) return void findOpenTelemetry().then(() => measure(name, ms, attributes));
  const all = currentInstruments();
  if (all === undefined) return;
  const histogram = all.histograms.get(name) ?? all.meter.createHistogram(name, settingsOf(name));
  all.histograms.set(name, histogram);
  histogram.record(ms / 1000, { ...attributes });
}

/** Has values read whenever they are exported. @returns what ends it. */
export function observe<Name extends ObservedName>(
  name: Name,
  read: () => readonly Observation<Name>[],
): () => void {
  const observer: Observer = { name, read };
  observers.add(observer);
  if (isUnfound()) void findOpenTelemetry().then(currentInstruments);
  else currentInstruments();
  return () => void observers.delete(observer);
}

/** Adds to the span under way, if there is one. */
export function note(attributes: Attributes): void {
  api?.trace.getActiveSpan()?.setAttributes(attributes);
}

/** Says that the span under way failed, without an exception: an answer that is an error. */
export function noteFailure(errorType: string): void {
  const span = api?.trace.getActiveSpan();
  span?.setAttribute('error.type', errorType);
  if (api !== undefined) span?.setStatus({ code: api.SpanStatusCode.ERROR });
}

/** Runs `work` in a span of its own: what it does itself becomes children of it. An `error.type` says how it failed, and no more. */
export async function traced<T>(
  name: string,
  { kind = 'internal', attributes = {} }: { kind?: 'client' | 'internal'; attributes?: Attributes },
  work: () => Promise<T>,
): Promise<T> {
  if (isUnfound()) await findOpenTelemetry();
  if (api === undefined) return work();
  const { SpanKind, SpanStatusCode, trace } = api;
  const spanKind = kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL;
  const options = { kind: spanKind, attributes };
  return trace.getTracer(SCOPE).startActiveSpan(name, options, async (span) => {
    try {
      return await work();
    } catch (error) {
      const status = error instanceof OAuthError ? error.getStatus() : 500;
      span.setAttribute('error.type', kindOf(error));
      // Our own answer; of a call to somebody else the status is theirs.
      if (kind === 'internal') span.setAttribute('http.response.status_code', status);
      if (kind === 'client' || status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** A word of ours or of the protocol, never a text. */
export function kindOf(error: unknown): string {
  if (error instanceof OAuthError) return error.error;
  return error instanceof Error ? error.constructor.name : 'Error';
}

function settingsOf(name: MetricName): { unit: string; description: string } {
  const { unit, description } = METRICS[name];
  return { unit, description };
}

function currentInstruments(): Instruments | undefined {
  if (api === undefined) return undefined;
  const provider = api.metrics.getMeterProvider();
  if (instruments?.provider === provider) return instruments;
  const meter = provider.getMeter(SCOPE);
  instruments = { provider, meter, counters: new Map(), histograms: new Map() };
  for (const name of ['oidc.verifications', 'oidc.key_set.age'] as const) {
    const { kind } = METRICS[name];
    const metric =
      kind === 'observed counter'
        ? meter.createObservableCounter(name, settingsOf(name))
        : meter.createObservableGauge(name, settingsOf(name));
    metric.addCallback((result) => readAll(name, result));
  }
  return instruments;
}

function readAll(name: ObservedName, result: ObservableResult): void {
  for (const observer of observers) {
    if (observer.name !== name) continue;
    for (const { value, attributes } of observer.read()) result.observe(value, { ...attributes });
  }
}
