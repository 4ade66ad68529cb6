/**
 * Hooks for OpenTelemetry, off unless `telemetry.enabled`. VEP makes spans through the API package alone; which SDK takes
 * them, and where they go, is the operator's choice (`node --import ./otel.mjs …`). Without an SDK they go nowhere.
 */

import { SpanStatusCode, trace, type Attributes } from '@opentelemetry/api';
import { messageOf } from './errors.js';

export interface Telemetry {
  /** Runs `work` inside a span. Attributes never hold what a tenant wrote. */
  span<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T>;
}

export const noTelemetry: Telemetry = { span: (_name, _attributes, work) => work() };

export function createTelemetry(enabled: boolean): Telemetry {
  if (!enabled) return noTelemetry;
  const tracer = trace.getTracer('vep');
  return {
    span: (name, attributes, work) =>
      tracer.startActiveSpan(name, { attributes }, async (span) => {
        try {
          return await work();
        } catch (error) {
          span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
          throw error;
        } finally {
          span.end();
        }
      }),
  };
}
