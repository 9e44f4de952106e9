import { createCredentials } from '../../functions/core/credentials.ts';
import { createTally } from '../../functions/core/notes.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import { createRunner } from '../../functions/core/schedule.ts';
import type { Store } from '../../functions/core/store.ts';
import { createTokenKey, nodeHashing } from '../../functions/keys.ts';
import { plusAddresses } from '../../functions/mail/addresses.ts';
import type { IncomingRaw, MailCarrier } from '../../functions/mail/carrier.ts';
import { createMail } from '../../functions/mail/mail.ts';
import type { ComposedMail } from '../../functions/mail/mime.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

export const agentId = 'aaaaaaaaaaaaaaaa';
const origin = { value: false, origin: 'test' } as const;
export const agent: AgentRecord = {
  ...{ agentId, planeId: 'acme', ownerId: '1', ownerEmail: 'Alice@acme.test', ownerName: 'Alice', ouPath: '/', name: 'Ada' },
  ...{ desired: 'running', reason: 'enabled by user', revision: 1, incarnation: 3, requests: {}, conditions: [], restarts: 0 },
  ...{ enabledAt: 0, changedAt: 0, replacements: 0, secretsVersion: 0, secretsRotatedAt: 0 },
  spec: {
    machineType: 'e2-medium',
    diskSizeGb: 20,
    region: 'r',
    modelTier: 'sonnet',
    budgetCap: 1,
    tools: ['email'],
    channels: ['email', 'slack'],
  },
  policy: {
    agentEnabled: origin,
    modelTier: { ...origin, value: 'sonnet' },
    budgetCap: { ...origin, value: 1 },
    tools: { ...origin, value: [] },
    channels: { ...origin, value: [] },
    machineType: { ...origin, value: 'e2-medium' },
  },
};

export const quiet = { info: () => undefined, warn: () => undefined };
export const ctx = (ms = 20_000) => ({ signal: AbortSignal.timeout(ms), log: quiet });

/** A carrier in memory: what was sent, what waits, and what goes wrong next. */
export function createMemoryCarrier() {
  const sent: ComposedMail[] = [];
  const waiting: IncomingRaw[] = [];
  const faults: { send?: () => void } = {};
  const carrier: MailCarrier = {
    name: 'memory',
    async send(mail) {
      faults.send?.();
      sent.push(mail);
    },
    async receive(since = 0, handle) {
      for (const mail of waiting.slice(since)) await handle(mail);
      return { since: waiting.length, more: false };
    },
  };
  return { carrier, sent, waiting, faults };
}

/** The mail of one plane with one agent, over a carrier in memory and a clock that is turned by hand. */
export async function openPost(wrap: (store: Store) => Store = (store) => store) {
  const documents = createMemoryStore();
  const store = wrap(documents);
  let now = Date.UTC(2026, 0, 2);
  const clock = { now: () => now, deadline: () => AbortSignal.timeout(5_000) };
  const line = createMemoryCarrier();
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
  const mail = createMail({
    ...{ store, clock, log, planeId: 'acme', domain: 'acme.test', publicUrl: 'https://plane.acme.test' },
    wake: { wake: () => undefined, flush: async () => undefined },
    tally: createTally({ store: documents, clock, hashing: nodeHashing }),
    credentials: createCredentials({ key: createTokenKey(Buffer.alloc(32)), store, clock }),
    company: () => 'Acme',
    line: { carrier: line.carrier, addresses: plusAddresses('agents@acme.test'), authservId: 'mx.acme.test', stay: false },
  });
  const handlers = { ...mail.handlers, plane: async () => mail.errands['mail']?.(ctx()) };
  const runner = createRunner({ store, clock, log, handlers, runMs: 5_000 });
  await documents.transact(async (tx) => tx.set('agents', agentId, agent));
  return {
    ...{ ...line, ...mail, documents, runner, warnings },
    pass: (ms: number) => void (now += ms),
    collect: () => mail.errands['mail']?.(ctx()),
    due: async () => (await runner.due(100)).map(({ key }) => key),
    /** Runs all that is due, once. */
    async turn(): Promise<void> {
      for (const { key } of await runner.due(100)) await runner.run(key);
    },
    async audit(chain = `agent/${agentId}`): Promise<string[]> {
      return (await documents.query('audit', 'bySeq', { equals: [chain], limit: 100 })).map(({ action }) => action);
    },
    texts: async () => (await documents.query('messages', 'byAgent', { equals: [agentId], limit: 100 })).map(({ text }) => text),
  };
}

/** A mail as our server wrote it, with what a test says differently; `undefined` leaves a header out. */
export function writeMail(
  headers: Readonly<Record<string, string | readonly string[] | undefined>> = {},
  body = 'Are you there?',
): IncomingRaw {
  const usual = {
    'Delivered-To': `agents+${agentId}@acme.test`,
    'Return-Path': '<alice@acme.test>',
    'Authentication-Results': 'mx.acme.test; dkim=pass header.d=acme.test; dmarc=pass (p=reject) header.from=acme.test',
    Received: 'from mail.acme.test by mx.acme.test',
    From: 'Alice <alice@acme.test>',
    To: `Ada <agents+${agentId}@acme.test>`,
    Subject: 'Hello',
    'Message-ID': '<one@mail.acme.test>',
    'Content-Type': 'text/plain; charset=utf-8',
  };
  const lines = Object.entries({ ...usual, ...headers }).flatMap(([name, value]) => [value ?? []].flat().map((one) => `${name}: ${one}`));
  return { raw: Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body.replaceAll('\n', '\r\n')}\r\n`) };
}
