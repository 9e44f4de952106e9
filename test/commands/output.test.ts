import { show, toTable } from '../../scripts/commands/output.ts';

const written = (json: boolean, value: unknown, text: string): string => {
  let all = '';
  show({ json, write: (part) => void (all += part) }, value, () => text);
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
});
