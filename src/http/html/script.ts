/**
 * The one script of the pages. Nothing depends on it: it asks before something is deleted, narrows long lists while one
 * types, and reloads a page that one watches.
 */

export const SCRIPT = `'use strict';
for (const form of document.querySelectorAll('form[data-confirm]')) {
  form.addEventListener('submit', (event) => {
    if (!confirm(form.dataset.confirm)) event.preventDefault();
  });
}
for (const box of document.querySelectorAll('[data-narrow]')) {
  box.hidden = false;
  const input = box.querySelector('input');
  input.addEventListener('input', () => {
    const wanted = input.value.toLowerCase();
    for (const item of document.querySelectorAll(box.dataset.narrow)) {
      item.hidden = !item.textContent.toLowerCase().includes(wanted);
    }
  });
}
for (const box of document.querySelectorAll('[data-watch]')) {
  box.hidden = false;
  const input = box.querySelector('input');
  const key = 'watch ' + location.pathname;
  let timer;
  const follow = () => {
    clearTimeout(timer);
    if (input.checked) {
      sessionStorage.setItem(key, 'on');
      timer = setTimeout(() => {
        const writing = document.activeElement && document.activeElement.closest('form');
        if (writing) follow();
        else location.reload();
      }, Number(box.dataset.watch));
    } else {
      sessionStorage.removeItem(key);
    }
  };
  input.checked = sessionStorage.getItem(key) === 'on';
  input.addEventListener('change', follow);
  follow();
}
const alert = document.querySelector('[role=alert]');
if (alert) alert.focus();
`;
