import fc from 'fast-check';
import { microsPerUsd, plusDays, toBudgetDate, toStartOfDay } from '../../shared/budget.ts';
import { makeCostReport, type CostInput, type MachineUse, type ModelUse, type Period } from '../../functions/cost/report.ts';

const hourMs = 3_600_000;
const at = (iso: string): number => Date.parse(iso);
const periodOf = (from: string, to: string): Period => ({
  from,
  to,
  startsAt: at(`${from}T00:00:00Z`),
  endsAt: at(`${plusDays(to, 1)}T00:00:00Z`),
});
const who = (name: string, ouPath = '/', labels: Record<string, string> = {}) => ({
  ...{ agentId: name, ownerEmail: `${name}@acme.test`, agentName: `${name}'s agent`, ouPath, labels },
});
const use = (name: string, day: string, usd: number, ouPath = '/', labels: Record<string, string> = {}): ModelUse => ({
  ...who(name, ouPath, labels),
  ...{ day, calls: 1, inputTokens: 100, outputTokens: 10, micros: usd * microsPerUsd },
});
const input = (changes: Partial<CostInput>): CostInput => ({
  planeId: 'acme',
  by: 'agent',
  period: periodOf('2026-11-01', '2026-11-10'),
  now: at('2026-11-11T00:00:00Z'),
  month: undefined,
  models: [],
  machines: [],
  ...changes,
});

describe('a cost report', () => {
  it('counts each use where its owner was when it was made (REQ-WS-05)', async () => {
    const models = [
      use('alice', '2026-11-02', 3, '/Engineering', { department: 'Engineering' }),
      use('alice', '2026-11-05', 2, '/Sales', { department: 'Sales' }),
      use('bob', '2026-11-05', 1.5, '/Sales', { department: 'Sales' }),
      use('carol', '2026-11-05', 0.25),
      use('bob', '2026-10-31', 99, '/Sales', { department: 'Sales' }),
    ];
    const byDepartment = await makeCostReport(input({ by: 'department', models }));
    expect(byDepartment.rows.map(({ label, agents, modelUsd }) => ({ label, agents, modelUsd }))).toEqual([
      { label: 'Sales', agents: 2, modelUsd: 3.5 },
      { label: 'Engineering', agents: 1, modelUsd: 3 },
      { label: 'not said in the directory', agents: 1, modelUsd: 0.25 },
    ]);
    expect(byDepartment.total).toMatchObject({ agents: 3, calls: 4, inputTokens: 400, outputTokens: 40, modelUsd: 6.75 });
    const byAgent = await makeCostReport(input({ models }));
    expect(byAgent.rows[0]).toMatchObject({ label: "alice's agent (alice@acme.test)", modelUsd: 5 });
  });

  it('counts a machine for the hours that fall into the period (REQ-INFRA-07)', async () => {
    const machine = (changes: Partial<MachineUse>): MachineUse => ({ ...who('alice'), from: 0, usdPerMonth: 73, ...changes });
    const usdOf = async (changes: Partial<MachineUse>) => (await makeCostReport(input({ machines: [machine(changes)] }))).total.machineUsd;
    expect(await usdOf({})).toBe(24);
    expect(await usdOf({ from: at('2026-11-10T14:00:00Z') })).toBe(1);
    expect(await usdOf({ to: at('2026-11-01T10:00:00Z') })).toBe(1);
    expect(await usdOf({ to: at('2026-10-31T10:00:00Z') })).toBe(0);
    const unknown = await makeCostReport(input({ machines: [machine({ usdPerMonth: null }), machine({ agentId: 'bob' })] }));
    expect(unknown.rows.map(({ key, machineUsd }) => [key, machineUsd])).toEqual([
      ['bob', 24],
      ['alice', null],
    ]);
    expect(unknown.notes.join()).toContain('without a known price');
  });

  it('forecasts the month from its pace so far, and machines to its end', async () => {
    const month = periodOf('2026-11-01', '2026-11-30');
    const machines = [{ ...who('alice'), from: 0, usdPerMonth: 73 }];
    const models = [use('alice', '2026-11-02', 4), use('alice', '2026-11-09', 6)];
    const { rows } = await makeCostReport(input({ period: periodOf('2026-11-08', '2026-11-10'), month, models, machines }));
    expect(rows).toEqual([expect.objectContaining({ modelUsd: 6, machineUsd: 7.2, totalUsd: 13.2, forecastUsd: 30 + 72 })]);
  });

  it('adds up to the same total by whatever it is told', async () => {
    const uses = fc.array(
      fc.record({
        name: fc.constantFrom('alice', 'bob', 'carol'),
        ou: fc.constantFrom('/', '/Sales', '/Engineering'),
        department: fc.constantFrom('', 'Sales', 'R&D'),
        day: fc.integer({ min: 0, max: 20 }).map((days) => plusDays('2026-10-25', days)),
        micros: fc.integer({ min: 0, max: 10_000_000 }),
      }),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(uses, async (list) => {
        const models = list.map(({ name, ou, department, day, micros }) => ({
          ...use(name, day, 0, ou, { department, costCenter: ou }),
          micros,
        }));
        const reports = await Promise.all(
          (['agent', 'ou', 'department', 'costCenter'] as const).map((by) => makeCostReport(input({ by, models }))),
        );
        const expected = models
          .filter(({ day }) => day >= '2026-11-01' && day <= '2026-11-10')
          .reduce((sum, { micros }) => sum + micros, 0);
        for (const { rows, total } of reports) {
          expect(Math.round(total.modelUsd * microsPerUsd)).toBe(expected);
          expect(Math.round(rows.reduce((sum, { modelUsd }) => sum + modelUsd, 0) * microsPerUsd)).toBe(expected);
        }
      }),
    );
  });
});

describe('days of a plane', () => {
  it('begin where its time zone says, also when the clock changes', () => {
    expect(toStartOfDay('2026-11-22', 'UTC')).toBe(at('2026-11-22T00:00:00Z'));
    expect(toStartOfDay('2026-11-22', 'America/New_York')).toBe(at('2026-11-22T05:00:00Z'));
    expect(toStartOfDay('2026-03-30', 'Europe/Berlin') - toStartOfDay('2026-03-29', 'Europe/Berlin')).toBe(23 * hourMs);
    // In Beirut the clock goes from 0:00 to 1:00.
    const start = toStartOfDay('2026-03-29', 'Asia/Beirut');
    expect([toBudgetDate(start, 'Asia/Beirut').day, toBudgetDate(start - 1, 'Asia/Beirut').day]).toEqual(['2026-03-29', '2026-03-28']);
  });
});
