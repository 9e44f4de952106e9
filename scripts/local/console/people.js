import { h } from './dom.js';

const colors = ['#0b57d0', '#146c2e', '#b3261e', '#7d5260', '#6750a4', '#00639b', '#9a4600', '#5b6300'];

export const nameOf = (user) => user.name?.fullName ?? user.primaryEmail;
export const hrefOf = (user) => `#/users/${encodeURIComponent(user.id)}`;

/** A round letter; the colour follows from the id, so that it stays. */
export function avatar(user, size = '') {
  const sum = [...String(user.id)].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  const circle = h('span', { class: `avatar ${size}`, 'aria-hidden': 'true' }, nameOf(user).charAt(0).toUpperCase());
  circle.style.backgroundColor = colors[sum % colors.length];
  return circle;
}

/** Account status: a dot and its word. */
export function accountStatus(user) {
  if (user.deletionTime) return h('span', { class: 'status grey' }, 'Deleted');
  return user.suspended ? h('span', { class: 'status red' }, 'Suspended') : h('span', { class: 'status green' }, 'Active');
}

export const agentFields = (user) => user.customSchemas?.OpenClaw_Agent ?? {};

const units = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
];
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

export function ago(iso) {
  const ageMs = Date.now() - Date.parse(iso);
  const [unitMs, unit] = units.find(([ms]) => ageMs >= ms) ?? [1000, 'second'];
  return relative.format(-Math.max(0, Math.floor(ageMs / unitMs)), unit);
}
export const when = (iso) => new Date(iso).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' });

/** Something has just changed: look now, not at the next turn. */
export const askRefresh = () => document.dispatchEvent(new window.Event('refresh'));
