import { PlaneError } from '../../functions/core/errors.ts';
import { readJson, toProblemResponse } from '../../functions/http/problems.ts';

const url = 'http://plane.test/';
const post = (body: string, headers: Record<string, string> = {}) => new Request(url, { method: 'POST', body, headers });

/** A request whose body comes in parts, as long as somebody asks for them. */
function streamed(part: string, count: number) {
  const seen = { pulled: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (seen.pulled++ < count) controller.enqueue(new TextEncoder().encode(part));
        else controller.close();
      },
      cancel() {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  const init = { method: 'POST', body, duplex: 'half' };
  return { request: new Request(url, init), seen };
}

const tooLarge = (limit: number) => ({
  code: 'invalid',
  message: `cannot accept the request body: it is larger than ${limit} bytes; send less at once`,
});

describe('the body of a request', () => {
  it('is read as JSON, and as nothing where there is none', async () => {
    expect(await readJson(post('{"name":"Zoë"}'))).toEqual({ name: 'Zoë' });
    expect(await readJson(post(''))).toEqual({});
    expect(await readJson(new Request(url))).toEqual({});
    await expect(readJson(post('{'))).rejects.toMatchObject({ code: 'invalid' });
  });

  it('may be cut anywhere on its way, within a letter too', async () => {
    const bytes = new TextEncoder().encode('"日本🙂"');
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const init = { method: 'POST', body, duplex: 'half' };
    expect(await readJson(new Request(url, init))).toBe('日本🙂');
  });

  it('is measured in bytes', async () => {
    expect(await readJson(post('"éé"'), 6)).toBe('éé');
    await expect(readJson(post('"éé"'), 5)).rejects.toMatchObject(tooLarge(5));
  });

  it('is not read on beyond the limit', async () => {
    const { request, seen } = streamed('x'.repeat(1_000), 1_000);
    await expect(readJson(request, 5_000)).rejects.toMatchObject(tooLarge(5_000));
    expect(seen).toEqual({ pulled: 6, cancelled: true });
  });

  it('is not read at all when its length is said to be too large', async () => {
    const { request, seen } = streamed('x', 1);
    request.headers.set('content-length', '5001');
    await expect(readJson(request, 5_000)).rejects.toMatchObject(tooLarge(5_000));
    expect(seen.pulled).toBe(0);
  });
});

describe('the answer to a failed call', () => {
  const cause = new Error('EACCES: /srv/plane/keys');
  const fault = new PlaneError('unavailable', 'cannot read /srv/plane/keys: it is closed; open it', { cause });

  async function answer(error: unknown, hideFaults?: boolean) {
    const logged: { message: string; error?: unknown }[] = [];
    const log = { info: () => undefined, warn: (message: string, fields = {}) => void logged.push({ message, ...fields }) };
    const response = toProblemResponse(error, 'r1', log, hideFaults === undefined ? {} : { hideFaults });
    return { status: response.status, body: (await response.json()) as Record<string, unknown>, logged };
  }
  const generic = 'cannot answer: something unforeseen happened; quote request r1 when you ask for help';

  it('is logged with its cause when the fault is ours', async () => {
    const { status, body, logged } = await answer(fault);
    expect([status, body['detail']]).toEqual([503, fault.message]);
    expect(logged).toEqual([{ message: 'request failed', requestId: 'r1', error: expect.stringContaining(cause.message) as string }]);
  });

  it('tells those who do not run the plane nothing of a fault of ours', async () => {
    const { status, body, logged } = await answer(fault, true);
    expect({ status, ...body }).toMatchObject({ status: 503, code: 'unavailable', detail: generic });
    expect(logged).toHaveLength(1);
  });

  it('tells nobody of what was not foreseen', async () => {
    expect(await answer(cause)).toMatchObject({ status: 500, body: { code: 'internal', detail: generic }, logged: [{}] });
  });

  it('says what the caller did wrong, and logs nothing', async () => {
    const problems = [{ path: 'name', found: '""', allowed: 'a name' }];
    const wrong = new PlaneError('invalid', 'cannot accept the name: it is empty', { problems });
    expect(await answer(wrong, true)).toMatchObject({ status: 400, body: { detail: wrong.message, problems }, logged: [] });
  });
});
