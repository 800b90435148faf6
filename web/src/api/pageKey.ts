/**
 * The page's half of a session. Browsers send the other half, the cookie, to every port of a host name; what a page keeps for itself no other
 * port can read, so whoever is only sent the cookie has nothing.
 */
const KEPT = 'windlass.page_key';
const HEADER = 'x-windlass-page-key';

/** Where the browser forbids storage, a session lasts as long as its tab. */
let ofThisTab: string | null = null;

/** Keeps the key of a session that began; `null` when it is over. */
export function keepPageKey(key: string | null): void {
  ofThisTab = key;
  try {
    if (key === null) localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, key);
  } catch {
    // Kept for this tab.
  }
}

/** The headers that each request to the daemon needs. Looked up each time: another tab may have signed in anew. */
export function ownHeaders(): Record<string, string> {
  let key = ofThisTab;
  try {
    key = localStorage.getItem(KEPT) ?? key;
  } catch {
    // That of this tab.
  }
  return key === null ? {} : { [HEADER]: key };
}
