import { show, toCsv, toTable, toTime } from '../../scripts/commands/output.ts';

const written = (json: boolean, value: unknown, text: string): string => {
  let all = '';
  show({ format: json ? 'json' : 'table', write: (part) => void (all += part) }, value, () => text);
  return all;
};

describe('the output of a command', () => {
  it('lets no agent steer the terminal of its reader', () => {
    const clipboard = '\u001b]52;c;cm0gLXJmIH4=\u0007';
    const text = `a${clipboard}b\u001b[2Jc\u009b1;1Hd\re\u0008f\u007fg\u0000h`;
    expect(written(false, {}, text)).toBe('a]52;c;cm0gLXJmIH4=b[2Jc1;1Hdefgh\n');
  });

  it('keeps tabs, lines and every letter', () => {
    expect(written(false, {}, 'Zoë\t日本\n✓ 🙂')).toBe('Zoë\t日本\n✓ 🙂\n');
  });

  it('writes JSON whole, with control characters as escapes', () => {
    const value = { line: '\u001b[2J' };
    expect(written(true, value, 'unused')).toBe('{\n  "line": "\\u001b[2J"\n}\n');
    expect(JSON.parse(written(true, value, 'unused'))).toEqual(value);
  });

  it('sets a table in columns', () => {
    expect(toTable(['NAME', 'AGE'], [['ada', '1']])).toBe('NAME  AGE\nada   1');
  });

  it('gives people their own time with its zone', () => {
    const at = '2026-11-22T23:05:00.000Z';
    expect(toTime(at, { timeZone: 'Europe/Berlin' })).toBe('2026-11-23 00:05:00 CET');
    expect(toTime(at, { timeZone: 'UTC' })).toBe('2026-11-22 23:05:00 UTC');
  });

  it('colours known words alone, and only where it is told to', () => {
    let all = '';
    const table = toTable(['OWNER', 'PHASE'], [['running@acme.test', 'running']]);
    show({ format: 'table', colors: true, write: (part) => void (all += part) }, {}, () => table);
    expect(all).toBe('OWNER              PHASE\nrunning@acme.test  \u001b[32mrunning\u001b[0m\n');
  });

  it('quotes CSV, and lets no cell run as a formula', () => {
    expect(toCsv([['a"b', 'c,d', '=1+1', null, -1]])).toBe('"a""b","c,d",\'=1+1,,-1\r\n');
  });
});
