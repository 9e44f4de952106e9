import { toCostCsv } from '../../functions/cost/csv.ts';
import { costsOf } from '../appsscript/company.ts';
import { openWorld } from './world.ts';

jest.setTimeout(60_000);

describe('downloading the cost report', () => {
  let world: Awaited<ReturnType<typeof openWorld>>;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(async () => {
    await world.close();
  });

  const ask = async (email?: string) =>
    world.call('POST', '/v1/planes/acme/downloads', email, { report: 'cost', period: '30d', by: 'department' });
  const link = async (): Promise<string> => {
    const { status, body } = await ask('viewer@acme.test');
    expect(status).toBe(201);
    return (body as { url: string }).url;
  };
  const actions = async () =>
    (await world.store.query('audit', 'bySeq', { equals: ['plane/acme'], reverse: true, limit: 20 })).map(
      ({ action, actor }) => `${action} ${actor.id}`,
    );

  it('gives whoever may read it a link that opens a CSV file once, and writes down both (REQ-WS-05)', async () => {
    const url = await link();
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="costs-acme-.*-department\.csv"$/);
    expect(await answer.text()).toMatch(/^Key,Name,Agents,Calls,.*\r\n(?:.*\r\n)*,Total,/);
    expect(await actions()).toEqual(expect.arrayContaining(['cost.link viewer@acme.test', 'cost.download viewer@acme.test']));
    const again = await fetch(url);
    expect(again.status).toBe(404);
    expect(await again.json()).toMatchObject({ detail: expect.stringContaining('works once') as string });
  });

  it('lets one of two through that open it at the same time', async () => {
    const url = await link();
    const statuses = await Promise.all([fetch(url), fetch(url), fetch(url)].map(async (answer) => (await answer).status));
    expect(statuses.toSorted()).toEqual([200, 404, 404]);
  });

  it('is not used up by a look ahead', async () => {
    const url = await link();
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(400);
    expect((await fetch(url)).status).toBe(200);
  });

  it('stops working after five minutes', async () => {
    const url = await link();
    await world.pass(5 * 60_000);
    expect((await fetch(url)).status).toBe(404);
  });

  it.each([
    ['a changed claim', (url: string) => url.replace(/downloads\/.(.)/, 'downloads/$1$1')],
    ['a changed signature', (url: string) => url.slice(0, -2)],
    ['no signature', (url: string) => url.slice(0, url.lastIndexOf('.'))],
    ['nothing of ours', (url: string) => `${url.slice(0, url.indexOf('/downloads/'))}/downloads/x.y`],
  ])('refuses %s', async (_name, spoil) => {
    expect((await fetch(spoil(await link()))).status).toBe(404);
  });

  it('makes no link for strangers', async () => {
    expect((await ask('alice@acme.test')).status).toBe(403);
    expect((await ask()).status).toBe(401);
  });
});

describe('the CSV', () => {
  it('quotes what needs it, leaves blank what is not known, and lets no name become a formula', () => {
    const { total, ...report } = costsOf(0);
    const row = { ...total, key: '=HYPERLINK("x")', label: 'Research, "new"', machineUsd: null, forecastUsd: null };
    const [, line = ''] = toCostCsv({ ...report, total, rows: [row] }).split('\r\n');
    expect(line).toBe(`"'=HYPERLINK(""x"")","Research, ""new""",3,1200,3400000,120000,0,,24.46,`);
  });
});
