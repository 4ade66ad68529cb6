import { context, trace, type Span, type TracerProvider } from '@opentelemetry/api';
import { createTelemetry } from '../../src/base/telemetry.js';
import { traced } from '../../src/engine/traced.js';
import type { StepContext } from '../../src/engine/operation.js';

const spans: { name: string; attributes: unknown; failed: boolean; ended: boolean }[] = [];

const provider = {
  getTracer: () => ({
    startActiveSpan: (name: string, options: { attributes: unknown }, work: (span: Span) => unknown) => {
      const entry = { name, attributes: options.attributes, failed: false, ended: false };
      spans.push(entry);
      return work({ setStatus: () => (entry.failed = true), end: () => (entry.ended = true) } as unknown as Span);
    },
  }),
} as unknown as TracerProvider;

beforeAll(() => trace.setGlobalTracerProvider(provider));
afterAll(() => {
  trace.disable();
  context.disable();
});
beforeEach(() => (spans.length = 0));

describe('telemetry', () => {
  it('makes no spans unless it is enabled', async () => {
    await expect(createTelemetry(false).span('x', {}, () => Promise.resolve(1))).resolves.toBe(1);
    expect(spans).toEqual([]);
  });

  it('ends spans of work that fails, and lets the failure through', async () => {
    await expect(createTelemetry(true).span('x', { a: 1 }, () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    expect(spans).toEqual([{ name: 'x', attributes: { a: 1 }, failed: true, ended: true }]);
  });

  it('wraps every step of an operation, forward and back', async () => {
    const done = { done: true } as const;
    const step = { name: 'make', run: () => Promise.resolve(done), undo: () => Promise.resolve(done) };
    const [type] = traced([{ name: 'compute', steps: [step, { name: 'look', run: step.run }] }], createTelemetry(true));
    const ctx = { operation: { id: 'o', site: 'sim' } } as StepContext;
    await type?.steps[0]?.run(ctx);
    await type?.steps[0]?.undo?.(ctx);
    expect(type?.steps[1]?.undo).toBeUndefined();
    expect(spans.map(({ name }) => name)).toEqual(['compute make', 'compute undo make']);
  });
});
