import { toLines, verifyExport } from '../../functions/audit/verify-export.ts';
import { nodeHashing, readPublicKey } from '../../functions/keys.ts';
import { openWorld } from './world.ts';

const admin = 'admin@acme.test';
const viewer = 'viewer@acme.test';

describe('the audit trail over HTTP', () => {
  let world: Awaited<ReturnType<typeof openWorld>>;
  beforeAll(async () => {
    world = await openWorld();
    expect((await world.call('PATCH', '/v1/planes/acme/users/alice@acme.test', admin, { agentEnabled: true })).status).toBe(202);
    await world.settle();
  }, 60_000);
  afterAll(() => world.close());

  it('tells what was asked for and what became of it, from what to what, by whom and from where (REQ-NET-04)', async () => {
    const { body } = await world.call('GET', `/v1/planes/acme/audit?user=${admin}`, viewer);
    expect(body['rows']).toContainEqual(
      expect.objectContaining({
        action: 'user.requests',
        actor: { kind: 'user', id: admin, from: '127.0.0.1', requestId: expect.any(String) as string },
        outcome: 'done',
        detail: { changes: [{ field: 'agentEnabled', from: null, to: true }] },
      }),
    );
    const changes = await world.call('GET', '/v1/planes/acme/audit?action=agent.change', viewer);
    const [{ detail }] = changes.body['rows'] as [{ detail: { changes: unknown[] } }];
    expect(detail.changes).toContainEqual({
      field: 'spec.modelTier',
      from: null,
      to: expect.any(String) as string,
      origin: expect.anything() as unknown,
    });
  });

  it('exports lines that verify with the key that it shows, and signs all of them first (REQ-WSEC-08)', async () => {
    const { body: key } = await world.call('GET', '/v1/audit/key', viewer);
    expect(key).toMatchObject({ algorithm: 'Ed25519', keyId: expect.stringMatching(/^[0-9a-f]{16}$/) as string });
    const response = await fetch(`${world.url}/v1/planes/acme/audit/export`, {
      headers: { authorization: `Bearer ${world.idToken(viewer)}` },
    });
    expect(response.headers.get('content-type')).toContain('application/x-ndjson');
    const bytes = new Uint8Array(await response.arrayBuffer());
    const verifier = readPublicKey(String(key['publicKey']));
    const found = await verifyExport(toLines([bytes]), () => verifier, nodeHashing);
    expect(found.faults).toEqual([]);
    expect(found.checkpoints).toBeGreaterThan(0);
    const online = await world.call('GET', '/v1/planes/acme/audit/verify', viewer);
    expect(online.body).toMatchObject({ faults: [], chains: found.chains });
    const last = await world.call('GET', '/v1/planes/acme/audit?action=audit.export', admin);
    expect(last.body['rows']).toMatchObject([{ actor: { id: viewer, from: '127.0.0.1' } }]);
  });

  it('tells who read the logs of an agent (REQ-NET-04)', async () => {
    const { body } = await world.call('GET', '/v1/planes/acme/agents', admin);
    const [{ agentId }] = body['agents'] as [{ agentId: string }];
    expect((await world.call('GET', `/v1/planes/acme/agents/${agentId}/logs`, admin)).status).toBe(200);
    const { body: rows } = await world.call('GET', `/v1/planes/acme/audit?agentId=${agentId}&action=agent.logs`, viewer);
    const about = { agentId, ownerEmail: 'alice@acme.test', ownerName: 'Alice Archer' };
    expect(rows['rows']).toMatchObject([{ actor: { kind: 'user', id: admin, from: '127.0.0.1' }, target: agentId, about }]);
  });

  it('names whom a row is about, by the chain it is in or by what it names (REQ-WS-09)', async () => {
    const { body } = await world.call('GET', '/v1/planes/acme/audit?limit=100', viewer);
    const rows = body['rows'] as { action: string; chain: string; target: string; about: { ownerEmail: string; ownerId: string } | null }[];
    const ofAgents = rows.filter(({ chain }) => chain.startsWith('agent/'));
    expect(new Set(ofAgents.map(({ about }) => about?.ownerEmail))).toEqual(new Set(['alice@acme.test']));
    const asked = ofAgents.find(({ action }) => action === 'user.requests');
    expect(asked?.target).toBe(asked?.about?.ownerId);
    expect(rows.find(({ action }) => action === 'audit.export')?.about).toBeNull();
  });

  it('finds who changed a budget under budgets, with what held before, as one row of the person who did it (REQ-WS-09)', async () => {
    const ask = async (action: string): Promise<{ actor: { kind: string; id: string; via?: string }; detail: { changes: object[] } }[]> => {
      const { body } = await world.call('GET', `/v1/planes/acme/audit?action=${action}`, viewer);
      return body['rows'] as never;
    };
    expect(await ask('budget.')).toEqual([]);
    expect((await world.call('PATCH', '/v1/planes/acme/users/alice@acme.test', admin, { budgetCap: 100 })).status).toBe(202);
    await world.settle();
    const [only, ...more] = await ask('budget.');
    expect(more).toEqual([]);
    expect(only).toMatchObject({ actor: { kind: 'user', id: admin }, about: { ownerName: 'Alice Archer' } });
    expect(only?.detail.changes).toEqual([{ field: 'budgetCap', from: null, to: 100, inForce: expect.any(Number) as number }]);
    const [taken] = await ask('agent.change');
    expect(taken?.actor).toEqual({ kind: 'directory', id: 'look', via: admin });
    const inForce: unknown = Reflect.get(only?.detail.changes[0] ?? {}, 'inForce');
    expect(taken?.detail.changes).toContainEqual({ field: 'spec.budgetCap', from: inForce, to: 100, origin: 'user' });
  });

  it('lists what a limit made of a budget beside what was asked for', async () => {
    expect((await world.call('PATCH', '/v1/planes/acme/users/alice@acme.test', admin, { budgetCap: 5_000 })).status).toBe(202);
    await world.settle();
    const { body } = await world.call('GET', '/v1/planes/acme/audit?action=budget.&limit=2', viewer);
    expect(body['rows']).toMatchObject([{ actor: { kind: 'directory', via: admin } }, { actor: { kind: 'user', id: admin } }]);
  });

  it('names nobody for what was set on the directory\u2019s own page', async () => {
    await world.directory.users.patch({
      userKey: 'alice@acme.test',
      requestBody: { customSchemas: { OpenClaw_Agent: { budgetCap: '70' } } },
    });
    await world.settle();
    const { body } = await world.call('GET', '/v1/planes/acme/audit?action=budget.&limit=1', viewer);
    const [row] = body['rows'] as [{ actor: object; detail: { changes: object[] } }];
    expect(row.actor).toEqual({ kind: 'directory', id: 'look' });
    expect(row.detail.changes).toContainEqual({ field: 'spec.budgetCap', from: 500, to: 70, origin: 'user' });
  });
});
