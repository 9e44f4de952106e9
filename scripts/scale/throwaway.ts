import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import type { Log } from '../../functions/core/surroundings.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { createWorkspace } from '../local/workspace/index.ts';
import { agentIdOf, openFleet, planeId } from './fleet.ts';
import { createInstantProviders } from './instant-providers.ts';

/** People that a sample company has of its own, who are counted in `users`. */
const sampled = 12;
const unhurried = { perSecond: 100_000, burst: 100_000 };

export interface MadeAgent {
  readonly agentId: string;
  readonly email: string;
  readonly session: string;
}

/**
 * A whole plane that is there for a while: its own store on disk, its own Workspace, machines that are instant. `close` leaves nothing
 * of it. Nothing of it is reachable from elsewhere than this machine, nor known to any other plane.
 */
export async function openThrowawayPlane({ agents: wanted, token, log }: { agents: number; token: string; log: Log }) {
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-scaletest-'));
  const now = (): number => Date.now();
  const workspace = createWorkspace({ file: ':memory:', domain: 'acme.test', userCount: wanted + sampled, now });
  const server = createAdaptorServer({ fetch: (request) => workspace.fetch(request), overrideGlobalObjects: false }) as Server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const workspaceUrl = typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : '';
  const store = openSqliteStore({ file: join(folder, 'plane.sqlite') });
  const fleet = await openFleet({
    ...{ store, log, workspaceUrl, fetch, keysDir: join(folder, 'keys'), providers: createInstantProviders(planeId) },
    knows: (shown) =>
      shown === token
        ? {
            actor: { kind: 'user', id: 'scale test' },
            roles: [{ role: 'admin' }],
            rates: { reads: unhurried, mutations: unhurried },
          }
        : undefined,
  });
  const ctx = (signal: AbortSignal) => ({ signal, log });

  return {
    ...{ url: fleet.url, planeId, folder },
    /** Gives so many people an agent that runs, one after the other; ends early when the signal fires. */
    async *make(signal: AbortSignal): AsyncGenerator<MadeAgent & { readonly ms: number }> {
      let made = 0;
      for await (const user of fleet.identity.listUsers({}, ctx(AbortSignal.timeout(60_000)))) {
        if (signal.aborted || made === wanted) return;
        const began = performance.now();
        await fleet.enlist({ ...user, fields: { ...user.fields, agentEnabled: true } });
        made += 1;
        const agentId = agentIdOf(user.id);
        yield { agentId, email: user.email, session: fleet.sessionOf(agentId), ms: performance.now() - began };
      }
    },
    /** Has passes run by themselves from now on, as in a plane that is in use. */
    start: (): void => fleet.wake.start(),
    async close(): Promise<void> {
      await fleet.close();
      await store.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      workspace.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
