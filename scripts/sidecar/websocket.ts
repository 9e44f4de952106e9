import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { PlaneError } from '../../functions/core/errors.ts';

/*
 * As much of RFC 6455 as a call to one's own gateway needs. Node's WebSocket comes with fetch, which keeps some 12 MB more in
 * memory for each agent of a host.
 */

export interface WebSocketLine {
  send(text: string): void;
  /** The next text message; throws when the line is down. */
  next(): Promise<string>;
  close(): void;
}

/** The longest message that is taken, in bytes. */
const longestMessage = 4 * 1024 * 1024;
const continuation = 0x0;
const textFrame = 0x1;
const closeFrame = 0x8;
const pingFrame = 0x9;
const pongFrame = 0xa;

/** One whole frame; what a client sends is masked. */
export function toFrame(opcode: number, payload: Buffer): Buffer {
  const size = payload.length;
  const length = size < 126 ? Buffer.from([size]) : size < 65_536 ? Buffer.from([126, 0, 0]) : Buffer.from([127, 0, 0, 0, 0, 0, 0, 0, 0]);
  if (length.length === 3) length.writeUInt16BE(size, 1);
  if (length.length === 9) length.writeBigUInt64BE(BigInt(size), 1);
  length[0] = (length[0] ?? 0) | 0x80;
  const mask = randomBytes(4);
  return Buffer.concat([Buffer.from([0x80 | opcode]), length, mask, payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

interface Frame {
  readonly final: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
  readonly rest: Buffer;
}

/** The first frame of what was received; `undefined` while it is not all there. */
export function readFrame(received: Buffer): Frame | undefined {
  if (received.length < 2) return undefined;
  const [first, second] = [received.readUInt8(0), received.readUInt8(1)];
  const short = second & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (received.length < start) return undefined;
  const size = short === 126 ? received.readUInt16BE(2) : short === 127 ? Number(received.readBigUInt64BE(2)) : short;
  if (size > longestMessage || (second & 0x80) !== 0)
    throw new PlaneError('unavailable', 'cannot go on with the gateway: its frame is none; it is tried again');
  if (received.length < start + size) return undefined;
  const payload = received.subarray(start, start + size);
  return { final: (first & 0x80) !== 0, opcode: first & 0x0f, payload, rest: received.subarray(start + size) };
}

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

function upgrade(url: string, signal: AbortSignal): Promise<{ socket: Socket; head: Buffer }> {
  const key = randomBytes(16).toString('base64');
  const headers = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': key };
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, signal });
    asked.once('error', reject);
    asked.once('response', ({ statusCode }) => {
      asked.destroy();
      reject(new PlaneError('unavailable', `cannot talk to the gateway: it answers ${statusCode}; it is tried again`));
    });
    asked.once('upgrade', (response, socket, head: Buffer) => {
      const expected = createHash('sha1')
        .update(key + guid)
        .digest('base64');
      if (response.headers['sec-websocket-accept'] === expected) return resolve({ socket, head });
      socket.destroy();
      reject(new PlaneError('unavailable', 'cannot talk to the gateway: it does not speak WebSocket; it is tried again'));
    });
    asked.end();
  });
}

/** Opens a line to `http://…`; it ends when the signal aborts. */
export async function openLine(url: string, signal: AbortSignal): Promise<WebSocketLine> {
  const { socket, head } = await upgrade(url, signal);
  const messages: string[] = [];
  let waiting: { resolve: (text: string) => void; reject: (error: Error) => void } | undefined;
  let ended: Error | undefined;
  let received = head;
  let parts: Buffer[] = [];

  function end(error: Error): void {
    ended ??= error;
    socket.destroy();
    waiting?.reject(ended);
    waiting = undefined;
  }
  const hangUp = (): void => end(new PlaneError('unavailable', 'cannot go on with the gateway: the line is down; it is tried again'));

  function take({ final, opcode, payload }: Frame): void {
    if (opcode === pingFrame) return void socket.write(toFrame(pongFrame, payload));
    if (opcode === closeFrame) return hangUp();
    if (opcode !== textFrame && opcode !== continuation) return;
    parts.push(payload);
    if (parts.reduce((sum, { length }) => sum + length, 0) > longestMessage) return hangUp();
    if (!final) return;
    const text = Buffer.concat(parts).toString();
    parts = [];
    if (waiting) waiting.resolve(text);
    else messages.push(text);
    waiting = undefined;
  }

  function drain(): void {
    try {
      for (let frame = readFrame(received); frame; frame = readFrame(received)) {
        received = frame.rest;
        take(frame);
      }
    } catch (error) {
      end(error instanceof Error ? error : new PlaneError('internal', String(error)));
    }
  }
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    drain();
  });
  socket.on('error', hangUp);
  socket.on('close', hangUp);
  signal.addEventListener('abort', hangUp, { once: true });
  drain();

  return {
    send: (text) => void socket.write(toFrame(textFrame, Buffer.from(text))),
    next() {
      const message = messages.shift();
      if (message !== undefined) return Promise.resolve(message);
      if (ended) return Promise.reject(ended);
      return new Promise((resolve, reject) => (waiting = { resolve, reject }));
    },
    close() {
      signal.removeEventListener('abort', hangUp);
      socket.destroy();
    },
  };
}
