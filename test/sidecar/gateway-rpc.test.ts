import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { WhatsappState } from '../../shared/sidecar.ts';
import { callGateway } from '../../scripts/sidecar/gateway-rpc.ts';
import type { Scene } from '../../scripts/sidecar/errands/scene.ts';
import { createWhatsappLogin } from '../../scripts/sidecar/errands/whatsapp-login.ts';
import { readFrame, toFrame } from '../../scripts/sidecar/websocket.ts';

type Answer = { ok: boolean; payload?: unknown; error?: { message: string } };

/** What a server sends: unmasked, in as many frames as are asked for. */
function toServerFrames(text: string, pieces: number): Buffer {
  const bytes = Buffer.from(text);
  const size = Math.ceil(bytes.length / pieces);
  const frames = Array.from({ length: pieces }, (_, at) => {
    const part = bytes.subarray(at * size, (at + 1) * size);
    const head = part.length < 126 ? Buffer.from([0, part.length]) : Buffer.from([0, 126, part.length >> 8, part.length & 0xff]);
    head[0] = (at === 0 ? 0x1 : 0x0) | (at === pieces - 1 ? 0x80 : 0);
    return Buffer.concat([head, part]);
  });
  return Buffer.concat(frames);
}

/** The text of a masked frame of a client's. */
function readClientFrame(received: Buffer): { text: string; rest: Buffer } | undefined {
  const short = (received[1] ?? 0) & 0x7f;
  const start = short === 126 ? 4 : 2;
  if (received.length < start + 4) return undefined;
  const size = short === 126 ? received.readUInt16BE(2) : short;
  const mask = received.subarray(start, start + 4);
  const end = start + 4 + size;
  if (received.length < end) return undefined;
  const text = received.subarray(start + 4, end).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return { text: Buffer.from(text).toString(), rest: received.subarray(end) };
}

describe('calls to the agent’s own gateway', () => {
  let server: Server;
  let port: number;
  const sockets = new Set<Socket>();
  const calls: { method: string; params: unknown }[] = [];
  let answer: (method: string) => Answer;
  const signal = new AbortController().signal;

  beforeEach(async () => {
    calls.length = 0;
    sockets.clear();
    server = createServer((_request, response) => response.writeHead(404).end());
    server.on('upgrade', (request, socket: Socket) => {
      sockets.add(socket);
      const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash('sha1').update(key).digest('base64');
      const head = `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`;
      socket.write(Buffer.concat([Buffer.from(head), toServerFrames('{"type":"event","event":"connect.challenge"}', 1)]));
      let received = Buffer.alloc(0);
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        for (let frame = readClientFrame(received); frame; frame = readClientFrame(received)) {
          received = Buffer.from(frame.rest);
          const { id, method, params } = JSON.parse(frame.text) as { id: string; method: string; params: { auth?: { token: string } } };
          if (method !== 'connect') calls.push({ method, params });
          const welcome: Answer = params.auth?.token === 'right' ? { ok: true } : { ok: false, error: { message: 'unauthorized' } };
          const said = method === 'connect' ? welcome : answer(method);
          socket.write(toServerFrames('{"type":"event","event":"tick"}', 1));
          socket.write(toServerFrames(JSON.stringify({ type: 'res', id, ...said }), 3));
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const call = (token: string, method = 'health', timeoutMs = 5_000) =>
    callGateway({ port, uid: undefined, token }, method, { a: 1 }, { timeoutMs, signal });

  it('give the payload, whatever comes in between and however it is cut', async () => {
    answer = () => ({ ok: true, payload: { text: 'ü'.repeat(2_000) } });
    await expect(call('right')).resolves.toEqual({ text: 'ü'.repeat(2_000) });
    expect(calls).toEqual([{ method: 'health', params: { a: 1 } }]);
  });

  it('throw the gateway’s reason, without the token', async () => {
    answer = () => ({ ok: false, error: { message: 'no such method' } });
    await expect(call('right')).rejects.toThrow('cannot call health: no such method');
    await expect(call('wrong-token')).rejects.toThrow('cannot call connect: unauthorized');
    await expect(call('wrong-token')).rejects.not.toThrow('wrong-token');
  });

  it('end in time when nothing is answered, and when nobody listens', async () => {
    server.removeAllListeners('upgrade');
    server.on('upgrade', (_request, socket: Socket) => void sockets.add(socket));
    await expect(call('right', 'health', 300)).rejects.toThrow();
    await expect(callGateway({ port: 9, uid: undefined, token: 'right' }, 'health', {}, { timeoutMs: 300, signal })).rejects.toThrow();
  });

  it('are not made to a port that is another user’s: it would learn the token', async () => {
    await expect(callGateway({ port, uid: 61_234, token: 'right' }, 'health', {}, { timeoutMs: 300, signal })).rejects.toThrow(
      'does not listen',
    );
    expect(sockets.size).toBe(0);
  });

  it('frame what is sent with a mask, and refuse what no server sends', () => {
    for (const size of [5, 200, 70_000]) {
      const frame = toFrame(1, Buffer.alloc(size, 'x'));
      expect((frame[1] ?? 0) & 0x80).toBe(0x80);
      expect(() => readFrame(frame)).toThrow('its frame is none');
    }
    expect(readFrame(Buffer.from([0x81, 2, 104]))).toBeUndefined();
    expect(readFrame(Buffer.from([0x81, 2, 104, 105]))).toMatchObject({ final: true, opcode: 1, payload: Buffer.from('hi') });
  });

  describe('to link WhatsApp', () => {
    const shown: (WhatsappState | undefined)[] = [];
    let now = 1_000;
    let missing: readonly string[] = [];
    const login = () =>
      createWhatsappLogin({
        line: () => ({ port, uid: undefined, reader: { names: async () => [], read: async () => ({ 'gateway/token': 'right' }) } }),
        reader: { names: async () => [], read: async () => ({ 'gateway/token': 'right' }) },
        clock: { now: () => now },
        showWhatsapp: (state: WhatsappState | undefined) => void shown.push(state),
        missingChannels: () => missing,
      } as unknown as Scene)({}, signal);
    beforeEach(() => {
      shown.length = 0;
      now = 1_000;
      missing = [];
    });

    it('show each fresh code with its end until a phone has taken it', async () => {
      const waits = [{ connected: false, qrDataUrl: 'data:2' }, { connected: false }, { connected: true }];
      answer = (method) => {
        if (method === 'web.login.start') return { ok: true, payload: { qrDataUrl: 'data:1', message: 'scan', sessionKey: 'k' } };
        const payload = waits.shift();
        // Without a fresh code the gateway has waited as long as it was asked to.
        if (payload && !payload.qrDataUrl) now += 20_000;
        return { ok: true, payload };
      };
      await expect(login()).resolves.toBe('WhatsApp is linked');
      expect(shown).toEqual([
        { state: 'showing', qr: 'data:1', expiresAt: 61_000 },
        { state: 'showing', qr: 'data:2', expiresAt: 21_000 },
        { state: 'showing', qr: 'data:2', expiresAt: 21_000 },
        { state: 'connected' },
      ]);
      expect(calls[1]).toEqual({
        method: 'web.login.wait',
        params: { channel: 'whatsapp', timeoutMs: 20_000, currentQrDataUrl: 'data:1', sessionKey: 'k' },
      });
    });

    it('fail with the gateway’s reason, or when no phone took the code in time', async () => {
      answer = () => ({ ok: false, error: { message: 'no such account' } });
      await expect(login()).rejects.toThrow('no such account');
      expect(shown).toEqual([{ state: 'failed' }]);
      answer = () => {
        now += 200_000;
        return { ok: false, error: { message: 'web login provider is not available' } };
      };
      await expect(login()).rejects.toThrow('OpenClaw has not loaded its plugin');
      missing = ['whatsapp'];
      await expect(login()).rejects.toThrow('its plugin is not on this machine yet');
      missing = [];
      answer = () => {
        now += 400_000;
        return { ok: true, payload: { qrDataUrl: 'data:1' } };
      };
      await expect(login()).rejects.toMatchObject({ code: 'timeout' });
    });
  });
});
