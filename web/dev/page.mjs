// Development and tests only: the built page, as the daemon serves it, and a front that shows it before the API of a daemon without one.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, request as ask } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html; charset=utf-8', '.json': 'application/json' };

export const isBuilt = () => existsSync(join(dist, 'index.html'));

/** Answers with a file of the built page, or with the page itself under the daemon's content security policy. */
export function file(path, response) {
  const name = join(dist, normalize(path));
  if (extname(path) && name.startsWith(dist) && existsSync(name)) {
    response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream' });
    return response.end(readFileSync(name));
  }
  const nonce = randomBytes(16).toString('hex');
  response.writeHead(200, {
    'content-type': TYPES['.html'],
    'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  });
  response.end(readFileSync(join(dist, 'index.html'), 'utf8').replaceAll('__CSP_NONCE__', nonce));
}

/** Serves the built page, and the API of the daemon behind it. */
export async function startFront(daemon) {
  const { host, hostname, port } = new URL(daemon);
  const server = createServer((request, response) => {
    if (!request.url.startsWith('/api/')) return file(new URL(request.url, daemon).pathname, response);
    const headers = { ...request.headers, host, ...(request.headers.origin ? { origin: daemon } : {}) };
    const inner = ask({ hostname, port, path: request.url, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    inner.on('error', () => response.destroy());
    response.on('close', () => inner.destroy());
    request.pipe(inner);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  };
}
