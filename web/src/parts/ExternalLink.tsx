import type { ReactNode } from 'react';

/** A link to elsewhere. Only web addresses are links; anything else is shown as text. */
export function ExternalLink({ href, children }: { href: string; children: ReactNode }) {
  const isWeb = /^https?:\/\//i.test(href);
  return isWeb ? (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  ) : (
    <span>{children}</span>
  );
}
