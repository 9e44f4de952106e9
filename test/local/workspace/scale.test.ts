import { customer, openWorkspace } from './open-workspace.ts';

const people = 2_000;

test('gives a grown company groups: a tenth in engineering, and more through a group inside it', async () => {
  const { client } = await openWorkspace({ userCount: people });
  const emailsOf = async (groupKey: string, includeDerivedMembership = false) => {
    const emails: string[] = [];
    let pageToken: string | undefined;
    do {
      const { data } = await client.members.list({ groupKey, includeDerivedMembership, ...(pageToken && { pageToken }) });
      emails.push(...(data.members ?? []).map(({ email }) => email ?? ''));
      pageToken = data.nextPageToken ?? undefined;
    } while (pageToken);
    return emails;
  };
  const engineering = await emailsOf('engineering@acme.test');
  expect(engineering.length / people).toBeCloseTo(0.1, 1);
  expect(engineering).toContain('platform@acme.test');
  const platform = await emailsOf('platform@acme.test');
  expect(await emailsOf('engineering@acme.test', true)).toEqual(expect.arrayContaining(platform));
  const nested = { groupKey: 'engineering@acme.test', memberKey: platform[0] ?? '' };
  expect((await client.members.hasMember(nested)).data.isMember).toBe(true);
});

test('spreads people over all org units', async () => {
  const { client } = await openWorkspace({ userCount: people });
  for (const unit of ['/Engineering', '/Engineering/Platform', '/Sales', '/Support']) {
    const { data } = await client.users.list({ customer, query: `orgUnitPath='${unit}'`, maxResults: 500 });
    expect(data.users?.length).toBeGreaterThan(people / 20);
  }
});

test('leaves the company of nine with its two groups', async () => {
  const { client } = await openWorkspace();
  expect((await client.groups.list({ customer })).data.groups).toHaveLength(2);
});
