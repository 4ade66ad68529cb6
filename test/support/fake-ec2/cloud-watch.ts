/** CloudWatch, as far as GetMetricData: figures of machines that run, of whole periods alone, in pages. */

import { escaped, membersOf, Refusal, type Parameters } from './query.js';
import type { World } from './world.js';

/** By name: what a machine has in a period of one second, or all the time. */
const FIGURES: Readonly<Record<string, number>> = {
  CPUUtilization: 25,
  NetworkIn: 1000,
  NetworkOut: 500,
  EBSReadBytes: 4096,
  EBSWriteBytes: 8192,
};
const MOST_QUERIES = 500;
const PAGE = 7;

/** The whole answer. */
export function getMetricData(world: World, asked: Parameters): string {
  const queries = asked.at('MetricDataQueries').list('member');
  if (queries.length > MOST_QUERIES) throw new Refusal('ValidationError', `more than ${MOST_QUERIES} queries`);
  const [start, end] = [Date.parse(asked.text('StartTime') ?? ''), Date.parse(asked.text('EndTime') ?? '')];
  if (!(start < end)) throw new Refusal('ValidationError', 'The parameter StartTime must be less than EndTime');
  const from = Number(asked.text('NextToken') ?? '0');
  const shown = queries.slice(from, from + PAGE).map((query) => {
    const id = query.text('Id') ?? '';
    if (!/^[a-z]\w*$/.test(id)) throw new Refusal('ValidationError', `${id} is no id of a query`);
    const { times, values } = series(world, query.at('MetricStat'), start, end);
    return (
      `<member><Id>${id}</Id><Label>${escaped(id)}</Label><StatusCode>Complete</StatusCode>` +
      `<Timestamps>${membersTagged(times)}</Timestamps><Values>${membersTagged(values)}</Values></member>`
    );
  });
  const next = from + PAGE < queries.length ? membersOf({ NextToken: String(from + PAGE) }) : '';
  return (
    '<GetMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><GetMetricDataResult>' +
    `<MetricDataResults>${shown.join('')}</MetricDataResults>${next}</GetMetricDataResult></GetMetricDataResponse>`
  );
}

const membersTagged = (texts: readonly (string | number)[]): string =>
  texts.map((text) => `<member>${text}</member>`).join('');

function series(
  world: World,
  stat: Parameters,
  start: number,
  end: number,
): { readonly times: readonly string[]; readonly values: readonly number[] } {
  const metric = stat.at('Metric');
  const [dimension] = metric.at('Dimensions').list('member');
  const instance = world.instances.get(dimension?.text('Value') ?? '');
  const figure = FIGURES[metric.text('MetricName') ?? ''];
  if (metric.text('Namespace') !== 'AWS/EC2' || dimension?.text('Name') !== 'InstanceId' || figure === undefined)
    return { times: [], values: [] };
  if (!instance || world.state(instance) !== 'running') return { times: [], values: [] };
  const seconds = stat.number('Period') ?? 60;
  const times: string[] = [];
  for (let at = Math.ceil(start / (seconds * 1000)) * seconds * 1000; at < end; at += seconds * 1000)
    times.push(new Date(at).toISOString());
  const value = stat.text('Stat') === 'Sum' ? figure * seconds : figure;
  return { times, values: times.map(() => value) };
}
