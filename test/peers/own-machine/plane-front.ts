import { execFileSync } from 'node:child_process';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { request as forward } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';

/** Certificates for one name, by an authority of the test's own. Answers the authority's. */
export function makeCertificates(folder: string, host: string): string {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test authority');
  openssl('req', ...key, '-keyout', 'host.key', '-out', 'host.csr', '-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`);
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copy', '-days', '2'];
  openssl('x509', '-req', '-in', 'host.csr', '-out', 'host.pem', ...signed);
  return readFileSync(join(folder, 'ca.pem'), 'utf8');
}

/** Speaks TLS for a plane that speaks none, as a cloud's front does, and hands out files by their name. */
export async function openFront(options: {
  readonly folder: string;
  readonly address: string;
  readonly files: ReadonlyMap<string, string>;
  readonly plane: () => string;
}): Promise<{ close(): Promise<void> }> {
  const { folder, address, files, plane } = options;
  const tls = { key: readFileSync(join(folder, 'host.key')), cert: readFileSync(join(folder, 'host.pem')) };
  const server = createServer(tls, (request, response) => {
    const file = files.get(request.url ?? '');
    if (file !== undefined) {
      response.writeHead(200, { 'content-length': statSync(file).size });
      return void createReadStream(file).pipe(response);
    }
    const onward = forward(plane() + (request.url ?? '/'), { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(443, address, resolve));
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
