import { command } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { findAgent } from './find-agent.ts';
import { on, whole } from './flags.ts';
import { show, toPlain } from './output.ts';
import { untilAnswered } from './patience.ts';
import { agentFlags } from './said.ts';

const followedLines = 1_000;
const everyMs = 1_000;

/** The lines that were written since, given the last lines of then and of now. */
export function newLines(before: readonly string[], now: readonly string[]): readonly string[] {
  const last = before.at(-1);
  for (let end = now.length; end > 0 && last !== undefined; end -= 1) {
    if (now[end - 1] !== last) continue;
    const shared = Math.min(end, before.length);
    if (now.slice(end - shared, end).every((line, at) => line === before[before.length - shared + at])) return now.slice(end);
  }
  return now;
}

export const logs = command({
  path: 'logs',
  summary: 'show the last lines an agent wrote',
  flags: {
    ...agentFlags,
    lines: whole('--lines <count>', 'how many lines; 100 unless said', 1, 1000),
    follow: on('-f, --follow', 'and those to come'),
  },
  async run(call, { plane, name, lines = 100, follow }) {
    const { client, output, surroundings } = call;
    const { agentId, planeId } = await findAgent(call, await call.planeOf(plane), name);
    const read = async (wanted: number) => client('agentLogs', { params: { planeId, agentId }, query: { lines: wanted } });
    if (!follow) {
      const answer = await read(lines);
      return show(output, answer, () => answer.lines.join('\n') || 'The agent has written nothing yet.');
    }
    const write = (fresh: readonly string[]): void => {
      for (const line of fresh) output.write(output.format === 'table' ? `${toPlain(line)}\n` : `${JSON.stringify({ line })}\n`);
    };
    return surroundings.interruptible(async (signal) => {
      const waiting = (): void => call.say('The plane does not answer; this goes on when it does.');
      let seen: readonly string[] = (await read(followedLines)).lines;
      write(seen.slice(-lines));
      for (;;) {
        await surroundings.sleep(everyMs, signal);
        const now = await untilAnswered(() => read(followedLines), surroundings, signal, { mostMs: Infinity, waiting });
        if (signal.aborted || !now) return exitCodes.interrupted;
        write(newLines(seen, now.lines));
        seen = now.lines;
      }
    });
  },
});
