import { createPanel } from './addon.js';
import { session } from './api.js';
import { h, toast } from './dom.js';
import { createDeletedPage } from './deleted-page.js';
import { createUserPage } from './user-page.js';
import { createUsersPage } from './users-page.js';

const refreshMs = 2000;
const byId = (id) => document.getElementById(id);
const view = byId('view');
const trouble = byId('trouble');
const signedIn = byId('signed-in');

/** Where the right-hand side stands, kept in the address so that a reload comes back to it. */
function pageFor(hash) {
  const [, kind, id] = hash.split('/');
  const tell = (text) => toast(document.body, text);
  if (kind === 'users' && id) return createUserPage(decodeURIComponent(id), tell);
  if (kind === 'deleted') return createDeletedPage(tell);
  return createUsersPage();
}

let page;
let round = 0;
let timer;

async function refresh() {
  const mine = (round += 1);
  window.clearTimeout(timer);
  try {
    await page.refresh();
    if (mine === round) trouble.hidden = true;
  } catch (error) {
    if (mine === round) {
      trouble.textContent = error.message;
      trouble.hidden = false;
    }
  }
  if (mine === round) timer = window.setTimeout(() => void refresh(), refreshMs);
}

function open() {
  page = pageFor(window.location.hash);
  trouble.hidden = true;
  view.replaceChildren(page.element);
  byId('directory').scrollTop = 0;
  void refresh();
}

function choosePart(part) {
  document.querySelector('.page').dataset.part = part;
  for (const tab of document.querySelectorAll('.tabs button')) tab.setAttribute('aria-pressed', String(tab.id === `tab-${part}`));
}

const roles = { admin: 'Agent Admin', viewer: 'Agent Viewer' };

async function start() {
  for (const part of ['addon', 'directory']) byId(`tab-${part}`).addEventListener('click', () => choosePart(part));
  window.addEventListener('hashchange', open);
  document.addEventListener('refresh', () => void refresh());
  open();
  const panel = createPanel(byId('panel'), () => signedIn.value);
  signedIn.addEventListener('change', () => void panel.start());
  try {
    const { users, company, planeId } = await session();
    byId('company').textContent = `${company}, plane ${planeId}`;
    signedIn.append(...users.map(({ email, role }) => h('option', { value: email }, `${email} (${roles[role] ?? 'no role'})`)));
  } catch (error) {
    byId('company').textContent = error.message;
  }
  await panel.start();
}

void start();
