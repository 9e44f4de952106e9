import type { AgentComputeSpec, InfraProvider } from '../../functions/core/providers.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';

export interface OpenInfra {
  readonly infra: InfraProvider;
  /** A provider of another plane over the same system. */
  readonly other: InfraProvider;
  readonly planeId: string;
  readonly otherPlaneId: string;
  close(): Promise<void>;
}

const agents = ['aaaaaaaaaaaaaaa2', 'aaaaaaaaaaaaaaa3'] as const;
const [agentId, second] = agents;

/** What every InfraProvider keeps, whatever it stands on (functions/core/providers.ts). */
export function infraConformance(name: string, open: () => Promise<OpenInfra>, { withinMs = 15_000 } = {}): void {
  describe(`infrastructure of ${name}`, () => {
    let bench: OpenInfra;
    const ctx: Ctx = { signal: new AbortController().signal, log: { info: () => undefined, warn: () => undefined } };
    const toSpec = (planeId: string, id: string = agentId): AgentComputeSpec => ({
      planeId,
      agentId: id,
      machineType: 'e2-medium',
      region: 'local',
      diskSizeGb: 20,
      labels: { 'openclaw-plane': planeId, 'openclaw-agent': id },
    });
    const stateOf = async (id: string = agentId): Promise<string | undefined> => (await bench.infra.status(id, ctx))?.state;
    async function waitFor(state: string, id: string = agentId): Promise<void> {
      for (const end = Date.now() + withinMs; (await stateOf(id)) !== state;) {
        if (Date.now() > end) throw new Error(`waited ${withinMs} ms for ${state}; it is ${await stateOf(id)}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    async function make(id: string = agentId): Promise<void> {
      await bench.infra.ensurePrincipal(id, ctx);
      await bench.infra.provision(toSpec(bench.planeId, id), ctx);
    }

    beforeEach(async () => {
      bench = await open();
    });
    afterEach(async () => {
      for (const id of agents) {
        for (const infra of [bench.infra, bench.other]) {
          await infra.deprovision(id, ctx).catch(() => undefined);
          await infra.removePrincipal(id, ctx).catch(() => undefined);
        }
      }
      await bench.close();
    });

    it('answers undefined and empty lists where nothing is', async () => {
      await expect(bench.infra.principal(agentId, ctx)).resolves.toBeUndefined();
      await expect(bench.infra.listPrincipals(ctx)).resolves.toEqual([]);
      await expect(bench.infra.status(agentId, ctx)).resolves.toBeUndefined();
      await expect(bench.infra.listInstances(bench.planeId, ctx)).resolves.toEqual([]);
    });

    it('takes it quietly when what is to be removed or frozen is not there', async () => {
      await bench.infra.freeze(agentId, ctx);
      await bench.infra.deprovision(agentId, ctx);
      await bench.infra.removePrincipal(agentId, ctx);
    });

    it('refuses to restart or resize what is not there', async () => {
      await expect(bench.infra.restart(agentId, ctx)).rejects.toMatchObject({ code: 'notFound' });
      await expect(bench.infra.resize(agentId, { machineType: 'e2-small' }, ctx)).rejects.toMatchObject({ code: 'notFound' });
    });

    it('gives each agent a principal of its own, the same one however often it is asked', async () => {
      await bench.infra.ensurePrincipal(agentId, ctx);
      const first = await bench.infra.principal(agentId, ctx);
      await bench.infra.ensurePrincipal(agentId, ctx);
      await bench.infra.ensurePrincipal(second, ctx);
      expect(first).toMatchObject({ planeId: bench.planeId, agentId });
      await expect(bench.infra.principal(agentId, ctx)).resolves.toEqual(first);
      const all = await bench.infra.listPrincipals(ctx);
      expect(all.map((each) => each.agentId).sort()).toEqual([agentId, second]);

      await bench.infra.removePrincipal(agentId, ctx);
      await expect(bench.infra.principal(agentId, ctx)).resolves.toBeUndefined();
      await expect(bench.infra.principal(second, ctx)).resolves.toMatchObject({ agentId: second });
    });

    it('makes a machine without waiting for it, and reports it in the words of its spec', async () => {
      await make();
      await expect(bench.infra.status(agentId, ctx)).resolves.toMatchObject({
        planeId: bench.planeId,
        agentId,
        machineType: 'e2-medium',
        region: 'local',
        diskSizeGb: 20,
      });
      expect(['preparing', 'running']).toContain(await stateOf());
      await waitFor('running');
      const [listed, ...rest] = await bench.infra.listInstances(bench.planeId, ctx);
      expect(rest).toEqual([]);
      expect(listed).toEqual(await bench.infra.status(agentId, ctx));
    });

    it('makes one machine however often it is told to', async () => {
      await make();
      await Promise.all([make(), make()]);
      await waitFor('running');
      await expect(bench.infra.listInstances(bench.planeId, ctx)).resolves.toHaveLength(1);
    });

    it('freezes a machine until it is provisioned again', async () => {
      await make();
      await waitFor('running');
      await bench.infra.freeze(agentId, ctx);
      expect(await stateOf()).toBe('frozen');
      await bench.infra.freeze(agentId, ctx);
      await expect(bench.infra.restart(agentId, ctx)).rejects.toMatchObject({ code: 'conflict' });
      expect(await stateOf()).toBe('frozen');
      await make();
      await waitFor('running');
    });

    it('removes a frozen machine, and removing it again is fine', async () => {
      await make();
      await waitFor('running');
      await bench.infra.freeze(agentId, ctx);
      await bench.infra.deprovision(agentId, ctx);
      await bench.infra.deprovision(agentId, ctx);
      await expect(bench.infra.status(agentId, ctx)).resolves.toBeUndefined();
      await expect(bench.infra.listInstances(bench.planeId, ctx)).resolves.toEqual([]);
    });

    it('removes one machine and leaves the other running', async () => {
      await make(agentId);
      await make(second);
      await waitFor('running', second);
      await bench.infra.deprovision(agentId, ctx);
      const left = await bench.infra.listInstances(bench.planeId, ctx);
      expect(left).toEqual([expect.objectContaining({ agentId: second, state: 'running' })]);
    });

    it('restarts a machine', async () => {
      await make();
      await waitFor('running');
      await bench.infra.restart(agentId, ctx);
      await waitFor('running');
    });

    it('resizes a machine and keeps it running', async () => {
      await make();
      await waitFor('running');
      await bench.infra.resize(agentId, { machineType: 'e2-standard-2', diskSizeGb: 40 }, ctx);
      await waitFor('running');
      await expect(bench.infra.status(agentId, ctx)).resolves.toMatchObject({ machineType: 'e2-standard-2', diskSizeGb: 40 });
    });

    it('puts another version of OpenClaw beside the one in force, and refuses one that it does not list (REQ-INFRA-06)', async () => {
      const versions = await bench.infra.versions(ctx);
      expect(versions.length).toBeGreaterThan(0);
      const [version = ''] = versions.slice(-1);
      await expect(bench.infra.offer(agentId, version, ctx)).rejects.toMatchObject({ code: 'notFound' });
      await make();
      await waitFor('running');
      for (const end = Date.now() + withinMs; !(await bench.infra.offer(agentId, version, ctx));) {
        if (Date.now() > end) throw new Error(`waited ${withinMs} ms for the offer`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await expect(bench.infra.offer(agentId, version, ctx)).resolves.toBe(true);
      await expect(bench.infra.offer(agentId, '0.0.0-none', ctx)).rejects.toMatchObject({ code: 'preconditionFailed' });
      expect(await stateOf()).toBe('running');
    });

    it('reports what another plane holds with its true owner and never writes it', async () => {
      await bench.other.ensurePrincipal(agentId, ctx);
      await bench.other.provision(toSpec(bench.otherPlaneId), ctx);
      await waitFor('running');
      const theirs = { planeId: bench.otherPlaneId, agentId };
      await expect(bench.infra.principal(agentId, ctx)).resolves.toMatchObject(theirs);
      await expect(bench.infra.status(agentId, ctx)).resolves.toMatchObject(theirs);
      await expect(bench.infra.listInstances(bench.planeId, ctx)).resolves.toEqual([expect.objectContaining(theirs)]);
      await expect(bench.infra.ensurePrincipal(agentId, ctx)).rejects.toMatchObject({ code: 'conflict' });
      await expect(bench.infra.provision(toSpec(bench.planeId), ctx)).rejects.toMatchObject({ code: 'conflict' });
      const [version = ''] = await bench.infra.versions(ctx);
      await expect(bench.infra.offer(agentId, version, ctx)).rejects.toMatchObject({ code: 'conflict' });
      for (const verb of ['freeze', 'deprovision', 'restart', 'removePrincipal'] as const) {
        await expect(bench.infra[verb](agentId, ctx)).rejects.toMatchObject({ code: 'conflict' });
      }
      expect(await stateOf()).toBe('running');
    });

    it('gives the last lines of a machine, no more than asked for', async () => {
      await make();
      await waitFor('running');
      for (const end = Date.now() + withinMs; (await bench.infra.logs(agentId, { lines: 5 }, ctx)).length === 0;) {
        if (Date.now() > end) throw new Error('the machine wrote nothing');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await expect(bench.infra.logs(agentId, { lines: 1 }, ctx)).resolves.toHaveLength(1);
    });

    it('throws, and answers nothing, once its time is up', async () => {
      await make();
      await waitFor('running');
      const late: Ctx = { ...ctx, signal: AbortSignal.abort() };
      await expect(bench.infra.deprovision(agentId, late)).rejects.toThrow();
      expect(await stateOf()).toBeDefined();
    });
  });
}
