/**
 * What is measured: the requests that clients send most, each with the mark that it is held to (a multiple of a bare
 * `node:http` server answering a body of the same size, or milliseconds of processor time).
 */

const KINDS = 'http://schemas.ogf.org/occi/infrastructure';

/** How many computes the lists hold. */
export const COMPUTES = 1000;

/** A compute as a client asks for it. */
export const NEW_COMPUTE = [
  `Category: compute; scheme="${KINDS}#"; class="kind"`,
  'X-OCCI-Attribute: occi.core.title="benchmark"',
  'X-OCCI-Attribute: occi.compute.cores=2',
  'X-OCCI-Attribute: occi.compute.memory=4.0',
  'X-OCCI-Attribute: occi.compute.hostname="benchmark.example.org"',
].join('\n');

const one = { count: 1000, mark: { ratio: 5 } };
const query = { count: 1000, path: '/-/', mark: { ratio: 3 } };
const locations = { count: 300, path: '/compute/', mark: { ms: 0.6 } };

/** Reads; those without a path are of one compute. */
export const READS = [
  { name: 'one compute, text/plain', accept: 'text/plain', ...one },
  { name: 'one compute, text/occi', accept: 'text/occi', ...one },
  { name: 'one compute, JSON', accept: 'application/occi+json', ...one },
  { name: 'one compute, text/plain, OCCI 1.1', accept: 'text/plain', agent: 'OCCI/1.1', ...one },
  { name: 'query interface, text/plain', accept: 'text/plain', ...query },
  { name: 'query interface, JSON', accept: 'application/occi+json', ...query },
  { name: '1,000 computes as locations, text/plain', accept: 'text/plain', ...locations },
  { name: '1,000 computes as locations, text/uri-list', accept: 'text/uri-list', ...locations },
  { name: '1,000 computes in full, JSON', accept: 'application/occi+json', ...locations, count: 30, mark: { ms: 8 } },
];

export const CREATE = { name: 'durable create of a compute, text/plain', count: 300, mark: { ms: 1 } };
