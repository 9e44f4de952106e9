import { listUsers } from './api.js';
import { draw, h } from './dom.js';
import { icon } from './icons.js';
import { accountStatus, agentFields, askRefresh, avatar, hrefOf, nameOf } from './people.js';

/** What the list needs of a user, so that nothing else redraws it. */
const toRow = (user) => ({
  id: user.id,
  name: user.name,
  primaryEmail: user.primaryEmail,
  suspended: user.suspended,
  agent: agentFields(user).agentStatus,
});

const rowView = (user) =>
  h(
    'li',
    {},
    h(
      'a',
      { class: 'user-row', href: hrefOf(user), id: `user-${user.id}` },
      avatar(user),
      h('span', { class: 'who' }, h('span', { class: 'name' }, nameOf(user)), h('span', { class: 'quiet mail' }, user.primaryEmail)),
      accountStatus(user),
      h('span', { class: 'agent-status' }, user.agent ? h('span', {}, 'Agent: ', user.agent) : h('span', { class: 'quiet' }, 'No agent')),
      icon('chevron_right'),
    ),
  );

function emptyView(search) {
  const text =
    search === '' ? 'This company has no users yet.' : `Nobody matches \u201c${search}\u201d. Try the beginning of a name or an address.`;
  return h('p', { class: 'empty' }, text);
}

export function createUsersPage() {
  const list = h('div', {}, h('p', { class: 'empty' }, 'Loading\u2026'));
  let search = '';
  let typing;
  const field = h('input', {
    type: 'search',
    id: 'user-search',
    'aria-label': 'Search users',
    placeholder: 'Search by name or address',
    autocomplete: 'off',
    oninput: (event) => {
      search = event.target.value.trim();
      window.clearTimeout(typing);
      typing = window.setTimeout(askRefresh, 200);
    },
  });
  const element = h(
    'section',
    { class: 'sheet' },
    h('div', { class: 'sheet-head' }, h('h2', {}, 'Users'), h('a', { class: 'button text', href: '#/deleted' }, 'Recently deleted')),
    h('div', { class: 'search' }, icon('search'), field),
    list,
  );
  return {
    element,
    refresh: async () => {
      const asked = search;
      const { users, more } = await listUsers({ search: asked });
      if (asked !== search) return;
      const rows = users.map(toRow);
      draw(list, { rows, more, asked }, () => [
        rows.length === 0 ? emptyView(asked) : h('ul', { class: 'user-list', 'aria-label': 'Users' }, rows.map(rowView)),
        more && h('p', { class: 'quiet note' }, 'These are the first 100. Search to find others.'),
      ]);
    },
  };
}
