import { toPlain } from './output.ts';
import type { Surroundings } from './surroundings.ts';

export interface Progress {
  /** One line: drawn over the last on a terminal, else written once whenever it is another one. */
  update(line: string): void;
  end(): void;
}

/** Progress of long work, on standard error. */
export function createProgress({ complain, columns }: Pick<Surroundings, 'complain' | 'columns'>): Progress {
  let last = '';
  return {
    update(line) {
      const shown = toPlain(line);
      if (shown === last) return;
      last = shown;
      complain(columns === undefined ? `${shown}\n` : `\r\u001b[2K${shown.slice(0, Math.max(20, columns - 1))}`);
    },
    end() {
      if (columns !== undefined && last !== '') complain('\r\u001b[2K');
      last = '';
    },
  };
}
