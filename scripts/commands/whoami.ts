import { command } from './command.ts';
import { show } from './output.ts';

export const whoami = command({
  path: 'whoami',
  summary: 'show who you are to the plane, and what you may do',
  flags: {},
  async run({ client, output, endpoint }) {
    const { url } = await endpoint();
    const me = await client('me');
    show(output, { url, ...me }, () => {
      const roles = me.roles.length === 0 ? 'no role: a super admin can assign OpenClaw Agent Admin or Viewer' : me.roles.join(', ');
      return `${me.email} at ${url}: ${roles}${me.ous === null ? '' : ` for ${me.ous.join(', ')}`}`;
    });
  },
});
