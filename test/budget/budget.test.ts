import { microsPerUsd } from '../../shared/budget.ts';
import type { Offer, Reservation } from '../../functions/budget/account.ts';
import { callMs } from '../../functions/budget/budget.ts';
import { budgetView, toBudgetCondition } from '../../functions/budget/view.ts';
import { sendAlert } from '../../functions/budget/alerts.ts';
import { verifyAll } from '../../functions/core/audit-trail.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import { createMailbox, type Message } from '../../functions/mail/mailbox.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { agentId, hashing, openBudget, toAgent } from './world.ts';

const noon = Date.UTC(2026, 10, 22, 12);
const usd = (dollars: number, model = 'm'): Offer => ({
  ...{ model, inputNanos: dollars * microsPerUsd * 1000, outputNanosPerToken: 0 },
  ...{ maxOutput: 100, minOutput: 1 },
});
const counted = { inputTokens: 10, cachedTokens: 5, outputTokens: 3 };

function open(start = noon) {
  let time = start;
  const store = createMemoryStore();
  const woken: string[] = [];
  const clock = { now: () => time, deadline: () => new AbortController().signal };
  const budget = openBudget(store, clock, woken);
  async function take(agent: AgentRecord, ...offers: Offer[]): Promise<Reservation> {
    const reserved = await budget.reserve(agent, 'UTC', offers);
    if (!reserved.ok) throw new Error(reserved.refusal.reason);
    return reserved.reservation;
  }
  async function spend(agent: AgentRecord, dollars: number): Promise<void> {
    await budget.settle(await take(agent, usd(dollars)), { ...counted, micros: dollars * microsPerUsd });
  }
  return {
    ...{ store, budget, woken, take, spend },
    reason: async (agent: AgentRecord, ...offers: Offer[]) => {
      const reserved = await budget.reserve(agent, 'UTC', offers);
      return reserved.ok ? 'fits' : reserved.refusal.reason;
    },
    pass: (ms: number) => (time += ms),
    record: (month = '2026-11') => store.peek('budgets', `1001/${month}`),
    alerts: () => [...store.entries('alerts')].map(([id]) => id),
    actions: async () => (await store.query('audit', 'bySeq', { equals: [`agent/${agentId}`], limit: 100 })).map(({ action }) => action),
  };
}

describe('a monthly budget', () => {
  it('gives a reservation up when its time is over, whole, and charges nothing again for a settlement that comes later', async () => {
    const { budget, store, take, record, pass } = open();
    const late = await take(toAgent(10), usd(3));
    expect(record()).toMatchObject({ spentMicros: 0, openUntil: noon + callMs + 300_000 });
    pass(callMs + 300_000);
    expect(await budget.sweep()).toBe(1);
    expect(record()).toMatchObject({ spentMicros: 3 * microsPerUsd, open: {} });
    expect(record()).not.toHaveProperty('openUntil');
    expect(await budget.sweep()).toBe(0);
    await budget.settle(late, { ...counted, micros: 1 });
    await budget.settle(late);
    await budget.release(late);
    expect(record()?.spentMicros).toBe(3 * microsPerUsd);
    expect([...store.entries('ledger')].map(([, row]) => row)).toMatchObject([{ calls: 1, unsettled: 1, micros: 3 * microsPerUsd }]);
  });

  it('finds what a dead process left with the owner\u2019s next call too, and takes a settlement that is late but comes with it', async () => {
    const { budget, take, record, pass } = open();
    const [dead, late] = [await take(toAgent(10), usd(3)), await take(toAgent(10), usd(2))];
    expect(dead.id).not.toBe(late.id);
    pass(callMs + 300_000);
    await budget.settle(late, { ...counted, micros: 500_000 });
    expect(record()).toMatchObject({ spentMicros: 3_500_000, open: {} });
  });

  it('keeps the day and month of a call that ends in the next month', async () => {
    const { store, budget, take, record, pass } = open(Date.UTC(2026, 10, 30, 23, 59));
    const before = await take(toAgent(10), usd(8));
    pass(120_000);
    await take(toAgent(10), usd(9));
    await budget.settle(before, { ...counted, micros: 7 * microsPerUsd });
    expect(record()).toMatchObject({ spentMicros: 7 * microsPerUsd, open: {} });
    expect(record('2026-12')).toMatchObject({ spentMicros: 0 });
    expect([...store.entries('ledger')].map(([, { day }]) => day)).toEqual(['2026-11-30']);
  });

  it('begins its month where the plane is', async () => {
    const { budget, store } = open(Date.UTC(2026, 10, 30, 20));
    await budget.reserve(toAgent(10), 'Asia/Tokyo', [usd(1)]);
    expect([...store.entries('budgets')].map(([id]) => id)).toEqual(['1001/2026-12']);
  });

  it('goes on where it was when the owner comes back as another incarnation or under another plane', async () => {
    const { reason, spend, record } = open();
    await spend(toAgent(10), 6);
    const back = toAgent(10, { incarnation: 2, planeId: 'other', agentId: 'abbbbbbbbbbbbbbb', ouPath: '/Sales' });
    expect(await reason(back, usd(5))).toBe('tooLarge');
    await spend(back, 4);
    expect(record()).toMatchObject({ spentMicros: 10 * microsPerUsd, planeId: 'other' });
  });

  it('says whether a call is too large, waits for others to end, or nothing is left', async () => {
    const { budget, take, reason, spend } = open();
    await spend(toAgent(10), 4);
    expect(await reason(toAgent(10), usd(7))).toBe('tooLarge');
    const open1 = await take(toAgent(10), usd(5));
    expect(await reason(toAgent(10), usd(2))).toBe('reserved');
    expect(await reason(toAgent(10), usd(1))).toBe('fits');
    await budget.settle(open1, { ...counted, micros: 5 * microsPerUsd });
    await spend(toAgent(20), 9.5);
    expect(await reason(toAgent(19), usd(2))).toBe('exhausted');
    expect(await reason(toAgent(0), usd(0.000001))).toBe('exhausted');
  });

  it('takes a cheaper tier where the dearer no longer fits whole, and only then less of an answer', async () => {
    const { budget, take, spend } = open();
    const dear: Offer = { model: 'dear', inputNanos: 0, outputNanosPerToken: 20_000, maxOutput: 100_000, minOutput: 256 };
    const cheap: Offer = { ...dear, model: 'cheap', outputNanosPerToken: 5_000 };
    const first = await take(toAgent(3), dear, cheap);
    expect(first).toMatchObject({ model: 'dear', micros: 2_000_000 });
    const second = await take(toAgent(3), dear, cheap);
    expect(second).toMatchObject({ model: 'cheap', maxOutput: 100_000, micros: 500_000 });
    expect(await take(toAgent(3), dear, cheap)).toMatchObject({ model: 'cheap', maxOutput: 100_000, micros: 500_000 });
    for (const each of [first, second]) await budget.release(each);
    await spend(toAgent(3), 2.4);
    expect(await take(toAgent(3), dear, cheap)).toMatchObject({ model: 'cheap', maxOutput: 20_000, micros: 100_000 });
  });

  it('charges what a maker reports above its reservation and notes it as a fault', async () => {
    const { store, budget, take, record, actions } = open();
    await budget.settle(await take(toAgent(10), usd(1)), { ...counted, micros: 2 * microsPerUsd });
    expect(record()?.spentMicros).toBe(2 * microsPerUsd);
    expect(await actions()).toEqual(['budget.fault']);
    expect((await verifyAll(store, hashing)).faults).toEqual([]);
  });

  it('gives back what it cannot tell whether it was reserved', async () => {
    const store = createMemoryStore();
    let lost = true;
    const budget = openBudget({
      ...store,
      async transact(work) {
        const made = await store.transact(work);
        if (!lost) return made;
        lost = false;
        throw new Error('the answer was lost');
      },
    });
    await expect(budget.reserve(toAgent(10), 'UTC', [usd(10)])).rejects.toThrow('the answer was lost');
    expect(await budget.reserve(toAgent(10), 'UTC', [usd(10)])).toMatchObject({ ok: true });
  });

  it('counts calls and tokens by day and model (REQ-WS-04)', async () => {
    const { store, budget, take, pass } = open();
    for (const model of ['m', 'm', 'other']) await budget.settle(await take(toAgent(10), usd(1, model)), { ...counted, micros: 7 });
    pass(24 * 3_600_000);
    await budget.settle(await take(toAgent(10), usd(1)), { ...counted, micros: 7 });
    const rows = await store.query('ledger', 'byOwner', { equals: ['1001'], limit: 10 });
    expect(rows.map(({ day, model, calls, micros, inputTokens }) => [day, model, calls, micros, inputTokens])).toEqual([
      ['2026-11-22', 'm', 2, 14, 20],
      ['2026-11-22', 'other', 1, 7, 10],
      ['2026-11-23', 'm', 1, 7, 10],
    ]);
  });
});

describe('alerts', () => {
  it('come once at 80, 95 and 100 % of the month\u2019s cap (REQ-MAINT-07)', async () => {
    const { store, spend, alerts, woken, actions } = open();
    await spend(toAgent(10), 7.9);
    expect(alerts()).toEqual([]);
    for (const dollars of [0.1, 1, 0.5, 0.4, 0.1]) await spend(toAgent(10), dollars);
    expect(alerts()).toEqual([80, 95, 100].map((level) => `1001/2026-11/${level}`));
    expect(woken).toEqual(alerts().map((id) => `alert/${id}`));
    expect(store.peek('schedule', 'alert/1001/2026-11/80')).toMatchObject({ dueAt: noon });
    expect(await actions()).toEqual(Array(3).fill('budget.alert'));
  });

  it('tell the highest of several levels that are passed at once, and none of the lower ones later', async () => {
    const { spend, alerts } = open();
    await spend(toAgent(10), 9.6);
    expect(alerts()).toEqual(['1001/2026-11/95']);
    await spend(toAgent(10), 0.1);
    expect(alerts()).toEqual(['1001/2026-11/95']);
  });

  it('tell 100 % at the first refusal near the end, once, and nothing again when the cap is raised', async () => {
    const { store, reason, spend, alerts } = open();
    await spend(toAgent(10), 9.9);
    for (let time = 0; time < 3; time += 1) expect(await reason(toAgent(10), usd(1))).toBe('exhausted');
    expect(alerts()).toEqual(['1001/2026-11/95', '1001/2026-11/100']);
    const { budget: view } = await budgetView(store, '1001', '2026-11', 10);
    expect(view).toMatchObject({ state: 'exhausted', percent: 99, spentUsd: 9.9, reservedUsd: 0 });
    expect(toBudgetCondition(view)).toMatchObject({
      type: 'BudgetExhausted',
      message: expect.stringContaining('$9.90 of this month') as string,
    });
    await spend(toAgent(100), 75);
    expect(alerts()).toHaveLength(2);
    expect((await budgetView(store, '1001', '2026-11', 100)).budget).toMatchObject({ state: 'near', percent: 84 });
    expect(toBudgetCondition((await budgetView(store, '1001', '2026-12', 100)).budget)).toBeUndefined();
  });

  it('reach owner and admin once, however often they are sent', async () => {
    const { store, spend } = open();
    await spend(toAgent(50), 40);
    const alert = store.peek('alerts', '1001/2026-11/80');
    if (!alert) throw new Error('there is no alert');
    const mailbox = createMailbox({ store });
    const deps = {
      deliver: (message: Message) => mailbox.deliver(message),
      from: 'agents-plane@agents.acme.test',
      adminEmail: 'admin@acme.test',
    };
    await sendAlert(alert, deps);
    await sendAlert(alert, deps);
    await sendAlert(alert, { ...deps, adminEmail: 'alice@acme.test' });
    const mails = await mailbox.list();
    expect(mails.map(({ to }) => to).toSorted()).toEqual(['admin@acme.test', 'alice@acme.test']);
    expect(mails[0]?.subject).toBe('Ada has used 80 % of its budget for November 2026');
    expect(mails[0]?.text).toContain('$40 of the $50 are spent.\n\nThe budget starts again on 1 December.');
  });
});
