import { createCredentials } from '../../functions/core/credentials.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import type { Store } from '../../functions/core/store.ts';
import { createTokenKey } from '../../functions/keys.ts';
import { domainAddresses } from '../../functions/mail/addresses.ts';
import { createCorrespondence } from '../../functions/mail/correspondence.ts';
import { createMailbox } from '../../functions/mail/mailbox.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

const agentId = 'aaaaaaaaaaaaaaaa';
const origin = { value: false, origin: 'test' } as const;
const agent: AgentRecord = {
  ...{ agentId, planeId: 'acme', ownerId: '1', ownerEmail: 'Alice@acme.test', ownerName: 'Alice', ouPath: '/', name: 'Ada' },
  ...{
    desired: 'running',
    reason: 'enabled by user',
    revision: 1,
    incarnation: 3,
    requests: {},
    conditions: [],
    restarts: 0,
    replacements: 0,
    secretsVersion: 1,
    secretsRotatedAt: 0,
  },
  ...{ enabledAt: 0, changedAt: 0 },
  spec: { machineType: 'e2-medium', diskSizeGb: 20, region: 'r', modelTier: 'sonnet', budgetCap: 1, tools: [], channels: [] },
  policy: {
    agentEnabled: origin,
    modelTier: { ...origin, value: 'sonnet' },
    budgetCap: { ...origin, value: 1 },
    tools: { ...origin, value: [] },
    channels: { ...origin, value: [] },
    machineType: { ...origin, value: 'e2-medium' },
  },
};

function open(wrap: (store: Store) => Store = (store) => store) {
  const documents = createMemoryStore();
  const store = wrap(documents);
  const clock = { now: () => 1_000, deadline: () => AbortSignal.timeout(1_000) };
  const credentials = createCredentials({ key: createTokenKey(Buffer.alloc(32)), store, clock });
  const mailbox = createMailbox({ store });
  const refusals: string[] = [];
  const correspondence = createCorrespondence({
    ...{ mailbox, store, clock, credentials },
    tally: async (_scope, { action }) => void refusals.push(action),
    company: () => 'Acme',
    publicUrl: 'http://127.0.0.1:1',
    addresses: domainAddresses('agents.acme.test'),
  });
  const save = (record: AgentRecord): Promise<unknown> => documents.transact(async (tx) => tx.set('agents', agentId, record));
  return { documents, mailbox, correspondence, save, refusals };
}

const mail = { id: 'mail/1', from: 'alice@acme.test', to: `${agentId}@agents.acme.test`, subject: 'Hello', text: 'Are you there?' };
const suspended: AgentRecord = { ...agent, desired: 'removed', reason: 'suspended', revision: 2 };

describe('a mail from an owner', () => {
  it('is in the mailbox and in the queue of the agent as it lives now', async () => {
    const { correspondence, documents, mailbox, save } = open();
    await save(agent);
    const taken = await correspondence.receive(mail);
    expect(await mailbox.get('mail/1')).toEqual(taken);
    expect(documents.peek('messages', 'mail/1')).toEqual({
      ...{ id: 'mail/1', agentId, incarnation: 3, at: 1_000, text: 'Are you there?', subject: 'Hello', state: 'waiting' },
    });
  });

  it('is in neither when the plane dies in between', async () => {
    let commits = 0;
    const { correspondence, documents, save } = open((store) => ({
      ...store,
      async transact(work) {
        commits += 1;
        if (commits > 1) return new Promise<never>(() => undefined);
        return store.transact(work);
      },
    }));
    await save(agent);
    await correspondence.receive(mail);
    const [mails, rows] = [documents.peek('mails', 'mail/1'), documents.peek('messages', 'mail/1')];
    expect(mails === undefined).toBe(rows === undefined);
    expect(commits).toBe(1);
  });

  it('leaves nothing behind when its agent is suspended while it comes in', async () => {
    const { correspondence, documents, save } = open((store) => ({
      ...store,
      async transact(work) {
        await store.transact(async (tx) => tx.set('agents', agentId, suspended));
        return store.transact(work);
      },
    }));
    await save(agent);
    await expect(correspondence.receive(mail)).rejects.toMatchObject({ code: 'forbidden' });
    expect([documents.peek('mails', 'mail/1'), documents.peek('messages', 'mail/1')]).toEqual([undefined, undefined]);
  });

  it('is refused and noted unless the sender owns an agent that should run', async () => {
    const { correspondence, mailbox, save, refusals } = open();
    await save(agent);
    await expect(correspondence.receive({ ...mail, from: 'bob@acme.test' })).rejects.toMatchObject({ code: 'forbidden' });
    await save(suspended);
    await expect(correspondence.receive(mail)).rejects.toMatchObject({ code: 'forbidden' });
    expect(refusals).toEqual(['access.refused', 'access.refused']);
    await expect(correspondence.receive({ ...mail, to: 'aaaaaaaaaaaaaaab@agents.acme.test' })).rejects.toThrow('no agent there');
    expect(await mailbox.list()).toEqual([]);
  });
});

describe('an answer of an agent', () => {
  it("goes on in the owner's thread, once", async () => {
    const { correspondence, mailbox, save, documents } = open();
    await save(agent);
    await correspondence.receive({ ...mail, inReplyTo: 'introduction/1' });
    const row = documents.peek('messages', 'mail/1');
    if (!row) throw new Error('no message is waiting');
    await correspondence.answer(agent, row, 'Yes');
    await correspondence.answer(agent, row, 'Yes, again');
    const [latest, ...others] = await mailbox.list({ to: 'alice@acme.test' });
    expect(latest).toMatchObject({ subject: 'Re: Hello', text: 'Yes', inReplyTo: 'mail/1', references: ['introduction/1', 'mail/1'] });
    expect(others).toEqual([]);
  });
});
