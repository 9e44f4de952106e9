import { html, raw } from 'hono/html';
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

export type Html = ReturnType<typeof html>;

export interface PageOptions {
  readonly title: string;
  readonly body: Html | string;
  readonly status?: ContentfulStatusCode;
  /** A program of the page's own; the page must work without it. */
  readonly script?: string;
  /** Where no programs run, the page is fetched anew after so many seconds. */
  readonly refreshSeconds?: number;
}

const style = `
:root { color-scheme: light dark; --ground: #f6f8fc; --sheet: #fff; --ink: #202124; --soft: #5f6368; --line: #dadce0; --accent: #1a56c4; --on-accent: #fff; --good: #137333; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #131314; --sheet: #1e1f20; --ink: #e3e3e3; --soft: #a6abb1; --line: #444746; --accent: #a8c7fa; --on-accent: #062e6f; --good: #81c995; --bad: #f2b8b5; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
main { max-width: 36rem; margin: 0 auto; padding: 1.5rem 1.25rem 2.5rem; background: var(--sheet); min-height: 100vh; overflow-wrap: anywhere; }
@media (min-width: 40rem) { main { margin: 2rem auto; min-height: 0; border: 1px solid var(--line); border-radius: .75rem; padding: 2rem; } }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0 1rem; }
h2 { font-size: 1.0625rem; margin: 1.75rem 0 .5rem; }
p, ol, ul { margin: 0 0 1rem; }
ol, ul { padding-left: 1.5rem; }
li { margin-bottom: .375rem; }
a { color: var(--accent); }
.soft { color: var(--soft); font-size: .9375rem; }
.channels { list-style: none; padding: 0; border-top: 1px solid var(--line); }
.channels li { margin: 0; border-bottom: 1px solid var(--line); }
.channels a { display: flex; justify-content: space-between; gap: 1rem; min-height: 3rem; align-items: baseline; padding: .75rem 0; font-weight: 600; text-decoration: none; }
.channels span { color: var(--soft); font-weight: 400; font-size: .9375rem; text-align: right; }
button, .button { display: inline-flex; align-items: center; min-height: 2.75rem; padding: .5rem 1.25rem; border: 0; border-radius: .5rem; background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; text-decoration: none; cursor: pointer; }
button.second { background: transparent; color: var(--accent); box-shadow: inset 0 0 0 1px var(--soft); }
input { display: block; width: 100%; max-width: 16rem; min-height: 2.75rem; margin: .25rem 0 1rem; padding: .5rem .75rem; border: 1px solid var(--soft); border-radius: .5rem; background: var(--sheet); color: inherit; font: inherit; letter-spacing: .08em; text-transform: uppercase; }
label { font-weight: 600; }
form { margin: 0 0 1rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.note { border-left: 4px solid var(--line); padding: .25rem 0 .25rem .875rem; margin: 0 0 1rem; }
.note.good { border-color: var(--good); }
.note.bad { border-color: var(--bad); }
.qr { display: block; width: min(100%, 18rem); height: auto; aspect-ratio: 1; background: #fff; padding: .75rem; border: 1px solid var(--line); border-radius: .5rem; margin: 0 auto 1rem; image-rendering: pixelated; }
`;

/** A whole page with its security headers. It holds no token: every address in it is relative. */
export function toPage(
  c: Context,
  nonce: string,
  { title, body, status = 200, script, refreshSeconds }: PageOptions,
): Response | Promise<Response> {
  const policy = [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    script === undefined ? "script-src 'none'" : `script-src 'nonce-${nonce}'`,
    'img-src data:',
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  c.header('content-security-policy', policy.join('; '));
  c.header('cache-control', 'no-store');
  c.header('referrer-policy', 'no-referrer');
  c.header('x-content-type-options', 'nosniff');
  c.header('x-robots-tag', 'noindex, nofollow');
  c.header('cross-origin-opener-policy', 'same-origin');
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <style nonce="${nonce}">
          ${raw(style)}
        </style>
        ${refreshSeconds === undefined ? '' : html`<noscript><meta http-equiv="refresh" content="${refreshSeconds}" /></noscript>`}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
        ${
          script === undefined
            ? ''
            : html`<script nonce="${nonce}">
                ${raw(script)};
              </script>`
        }
      </body>
    </html>`;
  return c.html(page, status);
}

export const back = (): Html => html`<p><a href="./">Back to all channels</a></p>`;
