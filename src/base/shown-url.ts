/**
 * URLs as they may be shown, named, logged and stored in clear (K26). A query may be what opens the file (a presigned URL of S3,
 * a shared access signature of Azure), and nobody can tell which one is; user information and fragments are no better.
 */

/** The URL, or reference, without user information, query and fragment. */
export function shownUrl(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/^((?:[a-z][a-z0-9+.-]*:)?\/\/)[^/]*@/i, '$1…@');
}

/** Whether it says more than may be shown. */
export function isTelling(url: string): boolean {
  return shownUrl(url) !== url;
}
