import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Mails are drawn in a frame that inherits this: their `style` attributes are let through, scripts, style sheets and pictures from elsewhere are not. */
const securityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const headers = {
  'Content-Security-Policy': securityPolicy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
};

/** Files have plain names at the root of the console; nothing below or beside the folder can be named. */
const fileName = /^\/(?:[a-z][a-z-]*\.(?:css|js|svg|html))?$/;

/** Serves the console page from `dir`; undefined where the path is not one of its files. */
export function consoleFiles(dir: string): (request: Request) => Promise<Response | undefined> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    if ((request.method !== 'GET' && request.method !== 'HEAD') || !fileName.test(pathname)) return undefined;
    const name = pathname === '/' ? 'index.html' : pathname.slice(1);
    let content;
    try {
      content = await readFile(join(dir, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const body = request.method === 'HEAD' ? null : new Uint8Array(content);
    return new Response(body, { headers: { ...headers, 'Content-Type': contentTypes[extname(name)] ?? 'application/octet-stream' } });
  };
}
