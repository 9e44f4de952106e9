import { createServer, type IncomingMessage } from 'node:http';

interface Seen {
  readonly host: string;
  readonly call: string;
  readonly body: unknown;
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const text = Buffer.concat(await request.toArray()).toString();
  return request.headers['content-type']?.includes('json') && text !== '' ? (JSON.parse(text) as unknown) : text;
}

/** The part of the Apps Script API that clasp 3.4 calls for a push and a deployment, and Google\u2019s token endpoint. */
export async function openGoogle({ refuse }: { refuse?: string } = {}) {
  const seen: Seen[] = [];
  let version = 6;
  const server = createServer((request, response) => {
    void (async () => {
      const body = await readBody(request);
      const call = `${request.method ?? ''} ${(request.url ?? '').split('?')[0] ?? ''}`;
      seen.push({ host: String(request.headers['x-meant-for']), call, body });
      const answer = (status: number, value: object): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      };
      if (call === 'POST /token') return answer(200, { access_token: 'access', token_type: 'Bearer', expires_in: 3600 });
      if (refuse !== undefined && call.startsWith('PUT'))
        return answer(403, { error: { code: 403, status: 'PERMISSION_DENIED', message: refuse } });
      if (call.endsWith('/content')) return answer(200, { files: [], ...(typeof body === 'object' ? body : {}) });
      if (call.endsWith('/versions')) return answer(200, { versionNumber: (version += 1), description: 'x' });
      const deploymentConfig: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'deploymentConfig') : undefined;
      if (call.startsWith('PUT') && deploymentConfig) return answer(200, { deploymentId: call.split('/').at(-1), deploymentConfig });
      answer(404, { error: { code: 404, message: `nothing at ${call}` } });
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
