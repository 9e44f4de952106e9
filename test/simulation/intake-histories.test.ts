import { loadSimulation } from './load.ts';

test('makes of the directory what it says in histories that are the same every time', async () => {
  const { range, report, runIntakeCampaign } = await loadSimulation();
  const campaign = await runIntakeCampaign(range(1, 100), 30);
  report('the intake, fixed seeds 1 to 100', campaign);
  expect(campaign).toMatchObject({ histories: 100, steps: 3_000 });
}, 300_000);

test('runs a history of the intake the same way every time', async () => {
  const { runIntakeCampaign } = await loadSimulation();
  const { seconds: _first, ...once } = await runIntakeCampaign([5], 30);
  const { seconds: _second, ...again } = await runIntakeCampaign([5], 30);
  expect(again).toEqual(once);
});
