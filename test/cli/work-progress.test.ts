import fc from 'fast-check';
import { WorkProgress } from '../../src/cli/work-progress.js';
import type { WatchEvent } from '../../src/client/index.js';

const MACHINE = { id: 'm', what: 'machine', row: 'm', label: 'machine web' } as const;
const NIC = { id: 'n', what: 'link', row: 'm', label: 'machine web' } as const;

function event(
  operation: string,
  entity: string,
  state: NonNullable<WatchEvent['state']>,
  more: Partial<WatchEvent> = {},
): WatchEvent {
  return {
    seq: 1,
    at: 100,
    type: 'operation',
    operation,
    entity,
    state,
    parent: 'root',
    operationType: 'x',
    percent: 0,
    ...more,
  };
}

const root = (
  state: NonNullable<WatchEvent['state']>,
  operation = 'root',
  operationType = 'appliance.deploy',
): WatchEvent => event(operation, 'a', state, { parent: null, operationType });

function work(wanted = 1, since = 0): WorkProgress {
  const progress = new WorkProgress(since, wanted);
  progress.know(MACHINE);
  progress.know(NIC);
  return progress;
}

describe('progress of the work', () => {
  it('counts every operation of a machine and its links, those to come included', () => {
    const progress = work();
    progress.take(root('waiting'));
    expect(progress.take(event('1', 'm', 'running', { step: 'make', percent: 60 }))).toEqual({
      label: 'machine web',
      percent: 20,
      state: 'working',
      note: 'is being made',
    });
    progress.take(event('1', 'm', 'done'));
    progress.take(event('2', 'n', 'done'));
    expect(progress.rows()[0]).toMatchObject({ state: 'working' });
    expect(progress.take(event('3', 'm', 'done'))).toMatchObject({ percent: 100, state: 'done' });
  });

  it('says nothing when nothing changed, nor about entities nobody named', () => {
    const progress = work();
    expect(progress.take(event('1', 'm', 'running', { step: 'reach' }))).toBeDefined();
    expect(progress.take(event('1', 'm', 'running', { step: 'reach' }))).toBeUndefined();
    expect(progress.take(event('2', 'pause', 'running'))).toBeUndefined();
    expect(progress.take({ seq: 1, at: 1, entity: 'm', type: 'other' })).toBeUndefined();
  });

  it('never goes back while a deployment gets on', () => {
    const state = fc.constantFrom('running' as const, 'done' as const);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('1', '2', '3'), state), { maxLength: 20 }), (events) => {
        const progress = work();
        progress.take(root('waiting'));
        const done = new Set<string>();
        let before = 0;
        for (const [operation, next] of events) {
          if (done.has(operation)) continue;
          if (next === 'done') done.add(operation);
          progress.take(event(operation, operation === '2' ? 'n' : 'm', next, { percent: next === 'done' ? 100 : 0 }));
          const percent = progress.rows()[0]?.percent ?? 0;
          expect(percent).toBeGreaterThanOrEqual(before);
          before = percent;
        }
        expect(before === 100).toBe(done.size === 3);
      }),
    );
  });

  it('shows why something failed, and what is taken back', () => {
    const progress = work();
    expect(progress.take(event('1', 'm', 'undoing', { direction: 'undo', step: 'make' }))).toMatchObject({
      note: 'taken back: is being made',
    });
    expect(progress.take(event('1', 'm', 'failed', { findings: [{ class: 'quota', message: 'full' }] }))).toMatchObject(
      { state: 'failed', note: 'quota: full' },
    );
  });

  it('ends with the outermost operation, as it ended', () => {
    const progress = work();
    progress.take(root('waiting'));
    expect(progress.ending).toBeUndefined();
    progress.take(root('failed'));
    expect(progress.ending).toBe('failed');
  });

  it('waits for as many as were asked for, and for none more once one failed', () => {
    const progress = work(2);
    progress.take(root('done', 'stop'));
    expect(progress.ending).toBeUndefined();
    progress.take(root('done', 'start'));
    expect(progress.ending).toBe('done');
    const failing = work(2);
    failing.take(root('dead', 'stop'));
    expect(failing.ending).toBe('dead');
  });

  it('takes operations filed before for history, to their end', () => {
    const progress = work(1, 100);
    progress.take({ ...root('waiting', 'old'), at: 50 });
    progress.take({ ...root('failed', 'old'), at: 150 });
    expect(progress.ending).toBeUndefined();
    progress.take(root('done', 'new'));
    expect(progress.ending).toBe('done');
  });
});
