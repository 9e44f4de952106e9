import { eventually, openWorld } from './world.ts';

const [admin, alice] = ['admin@acme.test', 'alice@acme.test'];
const agents = '/v1/planes/acme/agents';

describe('agents that are removed', () => {
  let world: Awaited<ReturnType<typeof openWorld>>;
  beforeAll(async () => {
    world = await openWorld();
    for (const email of [alice, 'bob@acme.test']) await world.call('POST', agents, admin, { ownerEmail: email });
    await world.settle();
    await world.call('PATCH', `/v1/planes/acme/users/${alice}`, admin, { agentEnabled: false });
    await eventually('removed', async () => (await namesOf('?phase=removed')).length === 1);
  }, 60_000);
  afterAll(() => world.close());
  const namesOf = async (query: string): Promise<string[]> => {
    const { body } = await world.call('GET', `${agents}${query}`, admin);
    return (body['agents'] as { ownerEmail: string }[]).map(({ ownerEmail }) => ownerEmail);
  };

  it('are listed where they are asked for and nowhere else (REQ-WS-04)', async () => {
    expect(await namesOf('')).toEqual(['bob@acme.test']);
    expect(await namesOf('?q=alice')).toEqual([]);
    expect(await namesOf('?ou=/Engineering')).toEqual([]);
    expect(await namesOf('?phase=removed&q=alice')).toEqual([alice]);
    expect(await namesOf('?phase=running')).not.toContain(alice);
  });

  it('are not counted, and keep their receipt (REQ-SEC-03)', async () => {
    const { body } = await world.call('GET', '/v1/planes', admin);
    expect(body['planes']).toMatchObject([{ agents: { total: 1 } }]);
    const path = `${agents}/${await world.agentIdOf(alice)}/receipt`;
    expect((await world.call('GET', path, admin)).body).toMatchObject({ ownerEmail: alice, reason: 'switched off by user' });
  });
});
