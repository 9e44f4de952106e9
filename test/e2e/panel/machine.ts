import { eventually, type World } from '../../http/world.ts';

interface Command {
  readonly id: string;
  readonly kind: string;
  readonly args: Readonly<Record<string, string>>;
}

/** A machine of an agent as far as the plane sees it: it joins, beats, asks, and does what it is told. */
export async function openMachine(world: World, agentId: string, boot = 1) {
  const join = world.credentials.mint({ kind: 'join', agentId, incarnation: 1, extra: boot, boot: 0 });
  const session = String((await world.call('POST', '/agent/join', undefined, { token: join })).body['token']);
  const beat = (more: object = {}) =>
    world.call(
      'POST',
      '/agent/heartbeat',
      undefined,
      { version: 'x', live: true, ready: true, introduction: 'Hello', secretsVersion: '1.1', ...more },
      session,
    );
  const assignment = async () => (await world.call('GET', '/agent/assignment', undefined, undefined, session)).body;
  const command = (kind: string): Promise<Command> =>
    eventually(
      `the command ${kind}`,
      async () => {
        return ((await assignment())['commands'] as Command[]).find((each) => each.kind === kind);
      },
      15_000,
    );
  return {
    beat,
    ask: (body: object) => world.call('POST', '/agent/requests', undefined, body, session),
    command,
    /** Takes up new secrets as it is told. */
    async reload(): Promise<void> {
      await eventually('a newer version', async () => (await assignment())['secretsVersion'] !== '1.1', 15_000);
      await beat();
      const { id, args } = await command('reloadSecrets');
      await beat({ secretsVersion: args['version'], results: [{ id, ok: true, result: 'reloaded' }] });
    },
    async transfer(method: string, id: string, body?: string): Promise<string> {
      const headers = { authorization: `Bearer ${session}` };
      const answer = await fetch(`${world.url}/agent/backups/${id}`, { method, headers, ...(body === undefined ? {} : { body }) });
      return answer.text();
    },
    done: ({ id }: Command) => beat({ results: [{ id, ok: true, result: 'done' }] }),
    /** One answer of a model. */
    think: () =>
      world.call(
        'POST',
        '/model/v1/chat/completions',
        undefined,
        { model: 'plane', messages: [{ role: 'user', content: 'Hello' }] },
        world.credentials.mint({ kind: 'model', agentId, incarnation: 1, extra: 1 }),
      ),
  };
}
