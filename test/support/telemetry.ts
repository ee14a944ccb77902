import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** One value of a metric. */
export interface ExportedValue {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly value: unknown;
}

/** OpenTelemetry's SDK, which keeps what it is told. */
export interface Telemetry {
  spans(): readonly ReadableSpan[];
  /** All values of a metric so far. */
  metric(name: string): Promise<readonly ExportedValue[]>;
  /** All that was exported so far, as text. */
  text(): Promise<string>;
  close(): Promise<void>;
}

/** Registers it for the whole process, as a host's `--import ./telemetry.js` does. */
export function startTelemetry(): Telemetry {
  const spanExporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor(spanExporter)];
  const tracerProvider = new BasicTracerProvider({ spanProcessors });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);

  const exported = async () => {
    exporter.reset();
    await meterProvider.forceFlush();
    return exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .filter(({ scope }) => scope.name === 'nestjs-oidc-auth')
      .flatMap(({ metrics: all }) => all);
  };
  return {
    spans: () => spanExporter.getFinishedSpans(),
    metric: async (name) =>
      (await exported())
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) =>
          dataPoints.map(({ attributes, value }) => ({ attributes, value })),
        ),
    text: async () => {
      const spans = spanExporter.getFinishedSpans();
      const told = spans.map(({ name, attributes, status, events }) => ({
        name,
        attributes,
        status,
        events,
      }));
      return JSON.stringify([told, await exported()]);
    },
    close: async () => {
      trace.disable();
      metrics.disable();
      context.disable();
      await tracerProvider.shutdown();
      await meterProvider.shutdown();
    },
  };
}
