import { createChannelsPart } from '../../functions/core/channels-part.ts';
import type { ChannelLack } from '../../functions/core/providers.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import { ctx } from '../sidecar/machine-bench.ts';

describe('what channels need on a machine', () => {
  const agent = { agentId: 'a1', planeId: 'acme', incarnation: 1, spec: { channels: ['email', 'whatsapp'] } } as unknown as AgentRecord;
  let lacking: ChannelLack[] = [];
  let asked: unknown[][] = [];
  const store = { get: async () => ({ incarnation: 1, openclaw: '1.0.0' }) } as never;
  const infra = {
    name: 'local',
    lacks: async () => lacking,
    equip: async (...args: unknown[]) => void asked.push(args.slice(0, 3)),
  };
  const partsOf = (who = agent, by: object = infra) =>
    createChannelsPart(who, { infra: by as typeof infra, store, effectMs: 1_000, desired: { asked: true } });
  beforeEach(() => {
    [lacking, asked] = [[], []];
  });

  it('is no part of an agent that writes mail alone, nor of one whose machines bring all they need', () => {
    expect(partsOf({ ...agent, spec: { ...agent.spec, channels: ['email'] } })).toEqual([]);
    expect(partsOf(agent, { name: 'cloud' })).toEqual([]);
  });

  it('is asked for once for the OpenClaw in force, and waited for without keeping the agent from running', async () => {
    const [part] = partsOf();
    lacking = [{ channel: 'whatsapp', state: 'waiting', detail: 'it is to be installed' }];
    expect(await part?.observe(ctx)).toMatchObject({ ready: false, fields: { asked: false } });
    await part?.apply?.([], ctx);
    expect(asked).toEqual([['a1', ['whatsapp'], '1.0.0']]);
    lacking = [{ channel: 'whatsapp', state: 'coming', detail: '40 %' }];
    const seen = await part?.observe(ctx);
    expect(seen).toMatchObject({ ready: false, fields: { asked: true }, detail: '40 %' });
    expect(seen).not.toHaveProperty('complaint');
    expect(part?.errand).toBe(true);
    lacking = [];
    expect(await part?.observe(ctx)).toMatchObject({ ready: true });
  });

  it('says in words what does not come', async () => {
    lacking = [{ channel: 'whatsapp', state: 'failed', detail: 'the disk is full' }];
    const [part] = partsOf();
    expect(await part?.observe(ctx)).toMatchObject({ ready: false, complaint: 'WhatsApp is not ready: the disk is full' });
  });
});
