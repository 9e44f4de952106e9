import { deleteUser, getUser, updateUser } from './api.js';
import { confirm, draw, h } from './dom.js';
import { createAgentForm } from './agent-form.js';
import { createMailbox } from './mailbox.js';
import { accountStatus, askRefresh, avatar, nameOf } from './people.js';

/** One user as the Admin console lays it out: who it is on the left, cards on the right. */
export function createUserPage(id, tell) {
  const crumb = h('span', {}, 'User');
  const summary = h('section', { class: 'sheet summary', 'aria-label': 'Account' }, h('p', { class: 'empty' }, 'Loading\u2026'));
  const cards = h('div', { class: 'user-cards' });
  const form = createAgentForm(id, tell);
  let mailbox;
  const element = h(
    'div',
    { class: 'user-page' },
    h('nav', { class: 'crumbs', 'aria-label': 'Breadcrumb' }, h('a', { href: '#/users' }, 'Users'), ' \u203a ', crumb),
    summary,
    cards,
  );

  async function act(work, done) {
    try {
      await work();
      tell(done);
    } catch (error) {
      tell(error.message);
    }
    askRefresh();
  }

  async function suspend(user) {
    const text =
      'They can no longer sign in. Their agent loses access at once and is removed with its files and memory: what its last backup does not hold is lost.';
    if (!(await confirm({ title: `Suspend ${nameOf(user)}?`, text, yes: 'Suspend' }))) return;
    await act(() => updateUser(id, { suspended: true }), `${nameOf(user)} is suspended.`);
  }

  async function remove(user) {
    const text = 'Their account and their agent, with its workspace, are removed. The account can be restored for 20 days.';
    if (!(await confirm({ title: `Delete ${nameOf(user)}?`, text, yes: 'Delete' }))) return;
    await act(() => deleteUser(id), `${nameOf(user)} is deleted.`);
    window.location.hash = '#/users';
  }

  const summaryView = (user) => [
    avatar(user, 'large'),
    h('h2', {}, nameOf(user)),
    h('p', { class: 'quiet mail' }, user.primaryEmail),
    h(
      'dl',
      { class: 'facts' },
      h('dt', {}, 'Status'),
      h('dd', {}, accountStatus(user)),
      h('dt', {}, 'Organizational unit'),
      h('dd', {}, user.orgUnitPath ?? '/'),
      user.isAdmin && [h('dt', {}, 'Role'), h('dd', {}, 'Super admin')],
    ),
    h(
      'div',
      { class: 'actions' },
      user.suspended
        ? h(
            'button',
            {
              class: 'button outlined',
              id: 'reactivate',
              onclick: () => void act(() => updateUser(id, { suspended: false }), `${nameOf(user)} is active again.`),
            },
            'Reactivate',
          )
        : h('button', { class: 'button outlined', id: 'suspend', onclick: () => void suspend(user) }, 'Suspend'),
      h('button', { class: 'button text danger', id: 'delete', onclick: () => void remove(user) }, 'Delete user'),
    ),
  ];

  const goneView = () => [
    h('h2', {}, 'This user is gone'),
    h('p', { class: 'quiet' }, 'The account was deleted or never existed.'),
    h('div', { class: 'actions' }, h('a', { class: 'button outlined', href: '#/deleted' }, 'Recently deleted')),
  ];

  return {
    element,
    refresh: async () => {
      const user = await getUser(id).catch((error) => {
        if (error.status === 404) return undefined;
        throw error;
      });
      if (!user) {
        cards.replaceChildren();
        mailbox = undefined;
        return draw(summary, 'gone', goneView);
      }
      crumb.textContent = nameOf(user);
      const { name, primaryEmail, suspended, orgUnitPath, isAdmin } = user;
      draw(summary, { name, primaryEmail, suspended, orgUnitPath, isAdmin }, () => summaryView(user));
      form.show(user);
      if (mailbox?.address !== primaryEmail) {
        mailbox = createMailbox(primaryEmail, tell);
        cards.replaceChildren(form.element, mailbox.element);
      }
      return mailbox.refresh();
    },
  };
}
