import { loadSimulation } from './load.ts';

test('keeps every invariant in a thousand histories that nobody has seen before', async () => {
  const { freshSeed, range, report, runCampaign } = await loadSimulation();
  const seed = freshSeed();
  process.stdout.write(`SIMULATION_SEED=${seed} runs these histories again\n`);
  const campaign = await runCampaign(range(seed, 1_000), 200);
  report(`fresh seeds from ${seed}`, campaign);
  expect(campaign).toMatchObject({ histories: 1_000, steps: 200_000 });
}, 300_000);
