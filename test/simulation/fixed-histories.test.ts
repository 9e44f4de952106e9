import { loadSimulation } from './load.ts';

test('keeps every invariant in a thousand histories that are the same every time', async () => {
  const { range, report, runCampaign } = await loadSimulation();
  const campaign = await runCampaign(range(1, 1_000), 200);
  report('fixed seeds 1 to 1000', campaign);
  expect(campaign).toMatchObject({ histories: 1_000, steps: 200_000 });
}, 300_000);

test('runs a history the same way every time', async () => {
  const { runCampaign } = await loadSimulation();
  const { seconds: _first, ...once } = await runCampaign([5], 200);
  const { seconds: _second, ...again } = await runCampaign([5], 200);
  expect(again).toEqual(once);
});
