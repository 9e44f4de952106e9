import { agentCalls } from './agent.ts';
import { bulkCalls } from './bulk.ts';
import { homeCalls } from './home.ts';
import { policyCalls } from './policy.ts';
import { recordCalls } from './record.ts';

/** The calls this add-on makes, by area. */
export const callsFor = (planeId: string) => ({
  ...homeCalls(planeId),
  ...agentCalls(planeId),
  ...bulkCalls(planeId),
  ...policyCalls(planeId),
  ...recordCalls(planeId),
});
export type Calls = ReturnType<typeof callsFor>;
