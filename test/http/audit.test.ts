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
    expect(rows['rows']).toMatchObject([{ actor: { kind: 'user', id: admin, from: '127.0.0.1' }, target: agentId }]);
  });
});
