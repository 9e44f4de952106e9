import { listUsers, undeleteUser } from './api.js';
import { draw, h } from './dom.js';
import { ago, askRefresh, avatar, nameOf } from './people.js';

export function createDeletedPage(tell) {
  const list = h('div', {}, h('p', { class: 'empty' }, 'Loading\u2026'));
  const element = h(
    'section',
    { class: 'sheet' },
    h('nav', { class: 'crumbs', 'aria-label': 'Breadcrumb' }, h('a', { href: '#/users' }, 'Users'), ' \u203a ', 'Recently deleted'),
    h('div', { class: 'sheet-head' }, h('h2', {}, 'Recently deleted')),
    h(
      'p',
      { class: 'quiet note' },
      'Deleted users can be restored for 20 days. A restored user starts with a fresh agent, if policy gives one.',
    ),
    list,
  );

  async function restore(user) {
    try {
      await undeleteUser(user.id, user.orgUnitPath ?? '/');
      tell(`${nameOf(user)} is restored.`);
    } catch (error) {
      tell(error.message);
    }
    askRefresh();
  }

  const rowView = (user) =>
    h(
      'li',
      { class: 'user-row' },
      avatar(user),
      h('span', { class: 'who' }, h('span', { class: 'name' }, nameOf(user)), h('span', { class: 'quiet mail' }, user.primaryEmail)),
      h('span', { class: 'quiet' }, user.deletionTime ? `Deleted ${ago(user.deletionTime)}` : 'Deleted'),
      h(
        'button',
        { class: 'button outlined', id: `restore-${user.id}`, 'aria-label': `Restore ${nameOf(user)}`, onclick: () => void restore(user) },
        'Restore',
      ),
    );

  return {
    element,
    refresh: async () => {
      const { users } = await listUsers({ deleted: true });
      const ages = users.map(({ deletionTime }) => deletionTime && ago(deletionTime));
      draw(list, { users, ages }, () =>
        users.length === 0
          ? h('p', { class: 'empty' }, 'Nobody was deleted in the last 20 days.')
          : h('ul', { class: 'user-list', 'aria-label': 'Deleted users' }, users.map(rowView)),
      );
    },
  };
}
