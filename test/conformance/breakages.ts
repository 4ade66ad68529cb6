/** Ways to break a server, and what of the traffic to break: the words in which `faults/` is written. */

import type { Asked, Breakage, Told } from './faulty-server.js';

export type Which = (asked: Asked, told?: Told) => boolean;

const ENTITY = /\/[0-9a-f]{8}-[0-9a-f-]{27}$/;

export const model: Which = ({ method, path }) => method === 'GET' && path === '/-/';
export const entity: Which = ({ method, path }) => method === 'GET' && ENTITY.test(path);
export const collection: Which = ({ method, path }) => method === 'GET' && path.endsWith('/') && !path.endsWith('/-/');
export const creates: Which = ({ method, path, query }) =>
  method === 'POST' && path.endsWith('/') && !path.endsWith('/-/') && query === '';
export const updates: Which = ({ method, path, query }) => method === 'POST' && ENTITY.test(path) && query === '';
export const acts: Which = ({ query }) => query.startsWith('action=');
export const removes: Which = ({ method, path }) => method === 'DELETE' && ENTITY.test(path);
export const puts: Which = ({ method, path }) => method === 'PUT' && ENTITY.test(path);
export const defines: Which = ({ method, path }) => method === 'POST' && path === '/-/';
export const undefines: Which = ({ method, path }) => method === 'DELETE' && path === '/-/';
export const refusals: Which = (_asked, told) => (told?.status ?? 0) >= 400;

export const all =
  (...which: readonly Which[]): Which =>
  (asked, told) =>
    which.every((each) => each(asked, told));
export const saying =
  (text: string | RegExp): Which =>
  ({ body, headers }) =>
    new RegExp(text).test(body + Object.values(headers).join('\n'));
export const at =
  (path: string | RegExp): Which =>
  (asked) =>
    new RegExp(path).test(asked.path);
export const as =
  (type: string): Which =>
  ({ headers }) =>
    (headers['accept'] ?? '').startsWith(type);
export const isJson: Which = (_asked, told) => (told?.headers['content-type'] ?? '').includes('json');
export const isPlain: Which = (_asked, told) => (told?.headers['content-type'] ?? '').startsWith('text/plain');

const OK: Told = {
  status: 200,
  headers: { server: 'faulty OCCI/1.1 OCCI/1.2', 'content-type': 'text/plain' },
  body: 'OK',
};

/** Answered as if done, and nothing done. */
export const swallow = (which: Which, status = 200): Breakage => ({
  request: (asked) => (which(asked) ? { ...OK, status } : asked),
});

/** Done, or refused, but answered with another status. */
export const answerWith = (which: Which, status: number): Breakage => ({
  answer: (told, asked) => (which(asked, told) ? { ...told, status } : told),
});

/** Another text in the body. */
export const rewrite = (which: Which, from: RegExp | string, to: string): Breakage => ({
  answer: (told, asked) =>
    which(asked, told)
      ? { ...told, body: typeof from === 'string' ? told.body.replaceAll(from, to) : told.body.replace(from, to) }
      : told,
});

/** Lines of the body left out. */
export const dropLines = (which: Which, line: RegExp): Breakage => ({
  answer: (told, asked) =>
    which(asked, told)
      ? {
          ...told,
          body: told.body
            .split('\r\n')
            .filter((each) => !line.test(each))
            .join('\r\n'),
        }
      : told,
});

export const addLine = (which: Which, line: string): Breakage => ({
  answer: (told, asked) => (which(asked, told) ? { ...told, body: `${told.body}${line}\r\n` } : told),
});

/** Another value of a header; none: the header is left out. */
export const header = (which: Which, name: string, value?: (before: string) => string): Breakage => ({
  answer: (told, asked) => {
    if (!which(asked, told)) return told;
    const { [name]: before = '', ...others } = told.headers;
    return { ...told, headers: value === undefined ? others : { ...others, [name]: value(before) } };
  },
});

/** Another request is sent on. */
export const ask = (which: Which, change: (asked: Asked) => Partial<Asked>): Breakage => ({
  request: (asked) => (which(asked) ? { ...asked, ...change(asked) } : asked),
});

/** The request without some of its header fields. */
export const without = (which: Which, ...names: readonly string[]): Breakage =>
  ask(which, ({ headers }) => ({
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name))),
  }));

/** Another JSON document in the answer. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a fault reaches into the document wherever it wants to
export const json = (which: Which, change: (document: any) => unknown): Breakage => ({
  answer: (told, asked) =>
    all(which, isJson)(asked, told)
      ? { ...told, body: JSON.stringify(change(JSON.parse(told.body)) ?? JSON.parse(told.body)) }
      : told,
});
