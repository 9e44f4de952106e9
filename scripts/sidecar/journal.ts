import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { replaceFile } from '../../functions/providers/infra/machine-files.ts';
import { isMissing } from '../../functions/providers/infra/system-error.ts';

/** What became of a command that was begun here. */
const outcomeSchema = z.object({ ok: z.boolean(), result: z.string() });
export type Outcome = z.infer<typeof outcomeSchema>;

/** A command without an outcome was under way when the file was written last. */
const journalSchema = z.object({
  commands: z.array(z.object({ id: z.string(), outcome: z.optional(outcomeSchema) })),
  told: z.array(z.string()),
});

/** How many ids are remembered; far more than a plane asks for at once. */
const mostCommands = 200;
const mostTold = 500;

export interface Journal {
  /** Remembers on the disk that a command begins. */
  begin(id: string): void;
  end(id: string, outcome: Outcome): void;
  /** `undefined` for one that was never begun here; without an outcome it is under way. */
  find(id: string): { readonly outcome?: Outcome | undefined } | undefined;
  tell(id: string): void;
  wasTold(id: string): boolean;
}

const unknownOutcome: Outcome = {
  ok: false,
  result: 'the sidecar ended while this was under way, and what came of it is not known; ask again if it is still wanted',
};

function readJournal(file: string): z.infer<typeof journalSchema> {
  try {
    return journalSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if (isMissing(error)) return { commands: [], told: [] };
    throw error;
  }
}

/** What was begun is remembered over the sidecar's own end, so that no command has its effect twice. */
export function openJournal(file: string): Journal {
  const kept = readJournal(file);
  const commands = new Map<string, Outcome | undefined>(kept.commands.map(({ id, outcome }) => [id, outcome ?? unknownOutcome]));
  const told = new Set(kept.told);

  function write(): void {
    for (const id of commands.keys()) if (commands.size > mostCommands) commands.delete(id);
    for (const id of told) if (told.size > mostTold) told.delete(id);
    const rows = [...commands].map(([id, outcome]) => (outcome ? { id, outcome } : { id }));
    replaceFile(file, JSON.stringify({ commands: rows, told: [...told] }), { mode: 0o600 });
  }
  return {
    begin(id) {
      commands.set(id, undefined);
      write();
    },
    end(id, outcome) {
      commands.set(id, outcome);
      write();
    },
    find: (id) => (commands.has(id) ? { outcome: commands.get(id) } : undefined),
    tell(id) {
      told.add(id);
      write();
    },
    wasTold: (id) => told.has(id),
  };
}
