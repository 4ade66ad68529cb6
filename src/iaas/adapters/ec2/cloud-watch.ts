/**
 * Measurements under the names of `src/sla/vocabulary.ts`, from CloudWatch: one operation of its Query API (version 2010-08-01), signed
 * by VEP's own signer. CloudWatch counts over periods of a minute or five; what is told is the last one that is complete.
 * Nobody there sees into a guest: there are no figures of memory.
 */

import { Problem, messageOf } from '../../../base/errors.js';
import type { Clock } from '../../../base/clock.js';
import { JoinedSignal } from '../../../base/signals.js';
import type { GuardedDialler } from '../../../net/dialler.js';
import { IaasError, type CallOptions, type MetricSample, type SiteRef } from '../../adapter.js';
import { DocumentError, readDocument, type Branch } from '../../document.js';
import type { Ec2Api } from './api.js';
import type { MetricsOptions } from './options.js';
import { checkAnswer } from './query-answer.js';
import { encoded, signedV4 } from './signature-v4.js';

interface Source {
  /** Names of CloudWatch, whose figures are added up. */
  readonly names: readonly string[];
  readonly statistic: 'Average' | 'Sum';
  /** From the sum of the figures of a period, and its length in seconds. */
  readonly value: (sum: number, seconds: number) => number;
}

const rate = (sum: number, seconds: number): number => sum / seconds;

/** Volumes are those of EBS: instances that have disks of their own tell of them elsewhere. */
const SOURCES: Readonly<Record<string, Source>> = {
  'vm.cpu.utilization': { names: ['CPUUtilization'], statistic: 'Average', value: (percent) => percent / 100 },
  'vm.network.io': { names: ['NetworkIn', 'NetworkOut'], statistic: 'Sum', value: rate },
  'vm.disk.io': { names: ['EBSReadBytes', 'EBSWriteBytes'], statistic: 'Sum', value: rate },
};

export const EC2_METRICS: readonly string[] = Object.keys(SOURCES);

const NAMES = Object.values(SOURCES).flatMap(({ names, statistic }) => names.map((name) => ({ name, statistic })));
/** CloudWatch takes 500 queries at a time. */
const MACHINES = Math.floor(500 / NAMES.length);
/** Periods that are looked back: the last ones may not have come in yet. */
const PERIODS = 3;
const MAX_BYTES = 16 * 2 ** 20;

export interface CloudWatchServices {
  readonly options: MetricsOptions;
  readonly region: string;
  readonly dialler: GuardedDialler;
  readonly clock: Clock;
  readonly account: Pick<Ec2Api, 'credentials' | 'closed' | 'signedIn'>;
}

export class CloudWatch {
  readonly #services: CloudWatchServices;

  constructor(services: CloudWatchServices) {
    this.#services = services;
  }

  /** What was measured last of each instance that runs. */
  async samples(instances: readonly SiteRef[], call: CallOptions): Promise<readonly MetricSample[]> {
    const found: MetricSample[] = [];
    for (let at = 0; at < instances.length; at += MACHINES)
      found.push(...(await this.#some(instances.slice(at, at + MACHINES), call)));
    return found;
  }

  async #some(instances: readonly SiteRef[], call: CallOptions): Promise<readonly MetricSample[]> {
    const seconds = this.#services.options.periodSeconds;
    const series = new Map<string, Series>();
    const wish = wishFor(instances, seconds, this.#services.clock.now());
    for (let token: string | undefined = ''; token !== undefined;) {
      const wanted: Readonly<Record<string, string>> = { ...wish, ...(token === '' ? {} : { NextToken: token }) };
      const page: Branch = await this.#services.account.signedIn(() => this.#ask(wanted, call));
      const result: Branch | undefined = page.child('GetMetricDataResult');
      for (const each of result?.child('MetricDataResults')?.all('member') ?? []) addTo(series, each);
      token = result?.value('NextToken');
    }
    return instances.flatMap((ref, index) =>
      Object.entries(SOURCES).flatMap(([metric, source]) => {
        const parts = source.names.map((name) => series.get(idOf(index, name)));
        const at = lastCommon(parts);
        if (at === undefined) return [];
        const sum = parts.reduce((total, part) => total + (part?.get(at) ?? 0), 0);
        // Dated by the end of the period.
        return [{ ref, metric, at: at + seconds * 1000, value: source.value(sum, seconds) }];
      }),
    );
  }

  async #ask(parameters: Readonly<Record<string, string>>, { signal }: CallOptions): Promise<Branch> {
    const { options, region, dialler, clock, account } = this.#services;
    const url = new URL(options.endpoint ?? `https://monitoring.${region}.amazonaws.com/`);
    const all = { Action: 'GetMetricData', Version: '2010-08-01', ...parameters };
    const body = Buffer.from(
      Object.entries(all)
        .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
        .join('&'),
    );
    const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
    const key = { ...account.credentials, region, service: 'monitoring' };
    const { host: _host, ...signed } = signedV4({ method: 'POST', url, headers, body }, key, clock.now());
    using joined = new JoinedSignal([signal, account.closed]);
    try {
      const answer = await dialler.fetch(url.href, {
        method: 'POST',
        headers: signed,
        body,
        signal: joined.signal,
        maxBytes: MAX_BYTES,
      });
      const pieces: Uint8Array[] = [];
      for await (const piece of answer.body) pieces.push(piece);
      const text = Buffer.concat(pieces).toString('utf8');
      checkAnswer('EC2', 'GetMetricData', answer.status, text);
      return readDocument(text);
    } catch (error) {
      throw failure(error, joined.signal);
    }
  }
}

function failure(error: unknown, signal: AbortSignal): IaasError {
  if (error instanceof IaasError) return error;
  if (signal.aborted || error instanceof DocumentError || (error instanceof Problem && error.kind === 'unavailable'))
    return new IaasError('transient', `CloudWatch does not answer: ${messageOf(error)}`, undefined, error);
  return new IaasError('fatal', `CloudWatch cannot be asked: ${messageOf(error)}`, undefined, error);
}

/** Value by the beginning of its period, milliseconds since the epoch. */
type Series = Map<number, number>;

/** Of a query in the answer: begins with a small letter, as CloudWatch wants it. */
const idOf = (machine: number, name: string): string => `m${machine}_${name}`;

function wishFor(instances: readonly SiteRef[], seconds: number, now: number): Readonly<Record<string, string>> {
  const end = Math.floor(now / 1000 / seconds) * seconds * 1000;
  const wish: Record<string, string> = {
    StartTime: new Date(end - PERIODS * seconds * 1000).toISOString(),
    EndTime: new Date(end).toISOString(),
    ScanBy: 'TimestampAscending',
  };
  const queries = instances.flatMap((ref, index) =>
    NAMES.map((each) => ({ ...each, ref, id: idOf(index, each.name) })),
  );
  queries.forEach(({ id, name, statistic, ref }, index) => {
    const query = `MetricDataQueries.member.${index + 1}`;
    Object.assign(wish, {
      [`${query}.Id`]: id,
      [`${query}.MetricStat.Metric.Namespace`]: 'AWS/EC2',
      [`${query}.MetricStat.Metric.MetricName`]: name,
      [`${query}.MetricStat.Metric.Dimensions.member.1.Name`]: 'InstanceId',
      [`${query}.MetricStat.Metric.Dimensions.member.1.Value`]: ref,
      [`${query}.MetricStat.Period`]: String(seconds),
      [`${query}.MetricStat.Stat`]: statistic,
    });
  });
  return wish;
}

/** A page may hold a part of a series. */
function addTo(series: Map<string, Series>, result: Branch): void {
  const id = result.value('Id') ?? '';
  const values = result.child('Values')?.all('member') ?? [];
  const known = series.get(id) ?? new Map<number, number>();
  series.set(id, known);
  (result.child('Timestamps')?.all('member') ?? []).forEach(({ text }, index) => {
    const value = Number(values[index]?.text);
    if (Number.isFinite(value)) known.set(Date.parse(text), value);
  });
}

/** The beginning of the last period of which all have a value. */
function lastCommon(parts: readonly (Series | undefined)[]): number | undefined {
  const [first, ...others] = parts;
  const common = [...(first?.keys() ?? [])].filter((at) => others.every((other) => other?.has(at)));
  return common.length === 0 ? undefined : Math.max(...common);
}
