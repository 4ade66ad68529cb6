/** When machines ran, by the records of oned: what follows at once is one run, and what is open goes on. */

import type { MachineRun } from '../../src/iaas/accounting.js';
import { Accounting } from '../../src/iaas/adapters/opennebula/accounting.js';
import type { Oned } from '../../src/iaas/adapters/opennebula/oned.js';
import { readDocument } from '../../src/iaas/document.js';

interface Record_ {
  readonly oid?: number;
  readonly seq: number;
  readonly host?: string;
  /** Seconds: when it began to run, ended to, and the record was closed. */
  readonly ran: readonly [from: number, until: number, closed: number];
  readonly cpu?: number;
  readonly realm?: string;
}

function xml({ oid = 1, seq, host = 'node1', ran: [from, until, closed], cpu = 1, realm = 'vep' }: Record_): string {
  const marks = `<VEP_REALM>${realm}</VEP_REALM><VEP_ID>vm-${oid}</VEP_ID><VEP_TOKEN>t</VEP_TOKEN>`;
  const template = `<TEMPLATE><CPU>${cpu}</CPU><VCPU>${cpu}</VCPU><MEMORY>1024</MEMORY></TEMPLATE>`;
  const vm = `<VM><ID>${oid}</ID><UNAME>u</UNAME><GNAME>g</GNAME><STATE>3</STATE>${template}<USER_TEMPLATE>${marks}</USER_TEMPLATE></VM>`;
  const times = `<STIME>1</STIME><ETIME>${closed}</ETIME><RSTIME>${from}</RSTIME><RETIME>${until}</RETIME>`;
  return `<HISTORY><OID>${oid}</OID><SEQ>${seq}</SEQ><HOSTNAME>${host}</HOSTNAME>${times}${vm}</HISTORY>`;
}

let asked: readonly unknown[];

async function runs(records: readonly Record_[], from = 0, until = 1_000_000): Promise<readonly MachineRun[]> {
  const document = readDocument(`<HISTORY_RECORDS>${records.map(xml).join('')}</HISTORY_RECORDS>`);
  const answer = (_method: string, parameters: readonly unknown[]): Promise<typeof document> => {
    asked = parameters;
    return Promise.resolve(document);
  };
  return new Accounting({ document: answer } as unknown as Oned, 'vep').runs({ from, until });
}

const times = (found: readonly MachineRun[]): (readonly [string, number, number | undefined])[] =>
  found.map((run) => [run.ref, run.from, run.until]);

it.each<[string, readonly Record_[], unknown[]]>([
  [
    'records that follow at once are one run',
    [
      { seq: 0, ran: [10, 20, 20] },
      { seq: 1, ran: [20, 30, 30] },
      { seq: 2, ran: [31, 40, 40] },
    ],
    [['1', 10_000, 40_000]],
  ],
  [
    'a machine that was off in between ran twice',
    [
      { seq: 0, ran: [10, 20, 20] },
      { seq: 1, ran: [22, 30, 30] },
    ],
    [
      ['1', 10_000, 20_000],
      ['1', 22_000, 30_000],
    ],
  ],
  [
    'on another host it is another run, and of another size',
    [
      { seq: 0, ran: [10, 20, 20] },
      { seq: 1, ran: [20, 30, 30], host: 'node2' },
      { seq: 2, ran: [30, 40, 40], host: 'node2', cpu: 2 },
    ],
    [
      ['1', 10_000, 20_000],
      ['1', 20_000, 30_000],
      ['1', 30_000, 40_000],
    ],
  ],
  [
    'another machine is another run, in whatever order they are told',
    [
      { oid: 2, seq: 0, ran: [20, 30, 30] },
      { oid: 1, seq: 1, ran: [20, 25, 25] },
      { oid: 1, seq: 0, ran: [10, 20, 20] },
    ],
    [
      ['1', 10_000, 25_000],
      ['2', 20_000, 30_000],
    ],
  ],
  ['what is open goes on', [{ seq: 0, ran: [10, 0, 0] }], [['1', 10_000, undefined]]],
  [
    'an open one that follows makes the run an open one',
    [
      { seq: 0, ran: [10, 20, 20] },
      { seq: 1, ran: [20, 0, 0] },
    ],
    [['1', 10_000, undefined]],
  ],
  [
    'a record that was closed without an end of running ends there',
    [{ seq: 0, ran: [10, 0, 20] }],
    [['1', 10_000, 20_000]],
  ],
  ['what never ran is no run', [{ seq: 0, ran: [0, 0, 20] }], []],
  ['nor is what others have', [{ seq: 0, ran: [10, 20, 20], realm: 'other' }], []],
])('%s', async (_what, records, expected) => expect(times(await runs(records))).toEqual(expected));

it('asks for whole seconds around the span, and tells what reaches into it alone', async () => {
  const records = [
    { oid: 1, seq: 0, ran: [10, 20, 20] },
    { oid: 2, seq: 0, ran: [10, 21, 21] },
    { oid: 3, seq: 0, ran: [30, 40, 40] },
    { oid: 4, seq: 0, ran: [31, 0, 0] },
    { oid: 5, seq: 0, ran: [15, 0, 0] },
  ] as const;
  expect(times(await runs(records, 20_000, 30_500)).map(([ref]) => ref)).toEqual(['2', '3', '5']);
  expect(asked).toEqual([-2, 20, 31]);
});
