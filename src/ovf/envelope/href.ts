/**
 * What an `ovf:href` may name (DSP0243 §7.1, RFC 3986 §4.2; O-015): a file inside the package by a relative path, or a
 * file elsewhere by http(s) URL. Everything else is refused, judged after percent-decoding, since that is how a name
 * is used later.
 */

export type Href =
  /** `path` is decoded and normalised: no empty, `.` or `..` step, `/` between steps. */
  | { readonly kind: 'member'; readonly path: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'unsafe'; readonly reason: string };

/** Reads an href. Pure text work: whether the host of a URL may be asked is for whoever dials. */
export function safeHref(href: string): Href {
  if (isUrl(href)) return safeUrl(href);
  const scheme = SCHEME.exec(href)?.[1];
  const decoded = decode(href);
  if (decoded === undefined) return unsafe('it holds a percent sign that starts no escape of UTF-8');
  if (scheme !== undefined && scheme.length > 1) return unsafe(`the scheme ${scheme.toLowerCase()} is not allowed`);
  const path = normalisePath(decoded);
  // Judged before and after: `/a` loses its slash on the way, and `./C:x` becomes a drive letter.
  const reason = unsafePath(decoded) ?? (path === decoded ? undefined : unsafePath(path));
  if (reason !== undefined) return unsafe(reason);
  return path === '' ? unsafe('it names no file') : { kind: 'member', path };
}

/** Whether it stands for itself, wherever the package is. */
export function isUrl(href: string): boolean {
  return /^https?:/i.test(href);
}

/**
 * The same reference as RFC 3986 has it (§3, §4.2): escaped where a character has no place, without a port of nothing; as it
 * is where nothing is wrong.
 */
export function uriReference(href: string): string {
  if (PLAIN.test(href)) return href;
  if (!SCHEME.test(href)) return escaped(href.replace(/^[^/?#]*/, (step) => step.replaceAll(':', encodeURIComponent)));
  const [origin = ''] = /^https?:\/*[^/?#]*/i.exec(href) ?? [];
  return origin.replace(/(?<=:.*[^:]):$/, '') + escaped(href.slice(origin.length));
}

/** Of most names every character has its place in a reference. */
const PLAIN = /^[\w./-]*$/;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/;

/** Brackets enclose hosts only, a percent sign starts an escape, and there is one fragment. */
function escaped(text: string): string {
  const fragment = text.indexOf('#') + 1 || text.length;
  const lone = text.slice(fragment).replaceAll('#', encodeURIComponent);
  return (text.slice(0, fragment) + lone).replace(/%(?![0-9a-f]{2})|[[\]]/gi, encodeURIComponent);
}

/** The path without empty steps and `.` steps. */
export function normalisePath(path: string): string {
  return path
    .split('/')
    .filter((step) => step !== '' && step !== '.')
    .join('/');
}

/** Why a decoded path must not be used below a directory, if there is a reason. Also for names of archive members. */
export function unsafePath(path: string): string | undefined {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'it holds a control character';
  if (path.includes('\\')) return 'it holds a backslash';
  if (path.startsWith('/')) return 'it is absolute';
  if (/^[A-Za-z]:/.test(path)) return 'it starts with a drive letter';
  if (path.split('/').includes('..')) return 'it leaves the package';
  return Buffer.byteLength(path) > 1024 ? 'it is longer than 1024 bytes' : undefined;
}

function safeUrl(href: string): Href {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0020\u007f\\]/.test(href)) return unsafe('the URL holds a character that has no place in one');
  if (!URL.canParse(href)) return unsafe('the URL is not valid');
  const url = new URL(href);
  if (url.username !== '' || url.password !== '') return unsafe('the URL holds a user name or password');
  return { kind: 'url', url: url.href };
}

/** Without its escapes; undefined where they are none of UTF-8. */
export function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function unsafe(reason: string): Href {
  return { kind: 'unsafe', reason };
}
