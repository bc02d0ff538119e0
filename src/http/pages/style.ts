/**
 * The style sheet of all pages: light and dark by the reader's setting, phone and desk, and paper. Colours come in pairs whose
 * contrast is at least 4.5 to 1 on their ground (WCAG AA); state is never said by colour alone.
 */
export const STYLE = `
:root { color-scheme: light dark;
  --ground: #ffffff; --raised: #f5f6f8; --line: #d5d9e0; --text: #1c2330; --quiet: #566073; --link: #1f5bb5;
  --good: #17683a; --good-ground: #e5f4ea; --attention: #7a4b00; --attention-ground: #fdf0d5;
  --bad: #a3201b; --bad-ground: #fde8e6; --info: #34507c; --info-ground: #e8eef8; --focus: #1f5bb5; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #12161d; --raised: #1b212b; --line: #343d4c; --text: #e6eaf1; --quiet: #a5afc0; --link: #8ab6ff;
  --good: #7fd8a0; --good-ground: #14301f; --attention: #f2c46d; --attention-ground: #33260c;
  --bad: #ff9c94; --bad-ground: #3a1614; --info: #a9c2ec; --info-ground: #1a263a; --focus: #8ab6ff; } }
* { box-sizing: border-box; }
html { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; background: var(--ground); color: var(--text); }
body { margin: 0; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
/* Heard, not seen. */ .heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); } .skip { position: absolute; left: -100vw; } .skip:focus { left: 1rem; top: 1rem; background: var(--ground); padding: .5rem; }
header.top { border-bottom: 1px solid var(--line); background: var(--raised); }
header.top .inner, main, footer { max-width: 72rem; margin: 0 auto; padding: .75rem 1rem; }
header.top .inner { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: baseline; }
header.top .name { font-weight: 700; text-decoration: none; color: var(--text); }
header.top nav { display: flex; flex-wrap: wrap; gap: .25rem .9rem; }
header.top nav a { text-decoration: none; padding: .2rem 0; } header.top nav a[aria-current] { color: var(--text); font-weight: 600; box-shadow: 0 2px 0 var(--link); }
.where { color: var(--quiet); margin-left: auto; font-size: .9rem; }
.mode { font-weight: 700; padding: .05rem .4rem; border-radius: .25rem; background: var(--info-ground); color: var(--info); }
.mode.live { background: var(--good-ground); color: var(--good); }
h1 { font-size: 1.4rem; margin: .75rem 0; } h2 { font-size: 1.1rem; margin: 1.75rem 0 .5rem; }
.answer { border: 1px solid var(--line); border-left: .5rem solid var(--info); border-radius: .4rem; padding: .9rem 1rem; background: var(--info-ground); margin: 1rem 0; }
.answer p { margin: 0; } .answer .first { font-size: 1.25rem; font-weight: 650; }
.answer.good { border-left-color: var(--good); background: var(--good-ground); } .answer.good .first { color: var(--good); }
.answer.attention { border-left-color: var(--attention); background: var(--attention-ground); } .answer.attention .first { color: var(--attention); }
.answer.bad { border-left-color: var(--bad); background: var(--bad-ground); } .answer.bad .first { color: var(--bad); }
ul.needs { list-style: none; padding: 0; margin: .75rem 0; } ul.needs li { padding: .35rem 0 .35rem 1.6rem; position: relative; }
ul.needs .sign { position: absolute; left: .2rem; font-weight: 700; }
.good-text { color: var(--good); } .attention-text { color: var(--attention); } .bad-text { color: var(--bad); } .quiet { color: var(--quiet); }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1rem 0; }
dl.facts div { background: var(--raised); border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .75rem; }
dl.facts dt { color: var(--quiet); font-size: .85rem; } dl.facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
dl.list { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .3rem 1rem; } dl.list dt { color: var(--quiet); } dl.list dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; } caption { text-align: left; color: var(--quiet); padding: .25rem 0; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--quiet); font-weight: 600; white-space: nowrap; } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code, .id { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .9em; overflow-wrap: anywhere; } .id.short { white-space: nowrap; }
pre { background: var(--raised); border: 1px solid var(--line); border-radius: .4rem; padding: .75rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
.state { display: inline-block; padding: .05rem .45rem; border-radius: .25rem; font-weight: 600; white-space: nowrap; background: var(--info-ground); color: var(--info); }
.state.good { background: var(--good-ground); color: var(--good); } .state.attention { background: var(--attention-ground); color: var(--attention); } .state.bad { background: var(--bad-ground); color: var(--bad); }
form.filters { display: flex; flex-wrap: wrap; gap: .5rem .75rem; align-items: end; margin: .75rem 0; } form.filters label { display: grid; font-size: .85rem; color: var(--quiet); }
input, select, textarea, button { font: inherit; color: var(--text); background: var(--ground); border: 1px solid var(--quiet); border-radius: .3rem; padding: .35rem .6rem; max-width: 100%; }
input[type=search] { width: 22rem; } button { cursor: pointer; background: var(--raised); font-weight: 600; } button.first { background: var(--link); color: var(--ground); border-color: var(--link); }
form.inline { display: inline; margin-left: .75rem; } .actions { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: .75rem 0; }
.pager { display: flex; gap: 1.5rem; margin: .75rem 0; }
svg.chart { width: 100%; height: 9rem; display: block; } svg.chart .posted { fill: var(--good); } svg.chart .pending { fill: var(--info); } svg.chart .parked { fill: var(--attention); }
.axis { display: flex; justify-content: space-between; margin: .1rem 0; color: var(--quiet); font-size: .85rem; }
.key::before { content: ""; display: inline-block; width: .75em; height: .75em; margin-right: .4em; border-radius: .15em; } .key.posted::before { background: var(--good); } .key.pending::before { background: var(--info); } .key.parked::before { background: var(--attention); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; color: var(--quiet); font-size: .9rem; }
ol.days { list-style: none; display: grid; grid-template-columns: repeat(auto-fill, minmax(2.6rem, 1fr)); gap: .3rem; padding: 0; }
ol.days a { display: block; position: relative; text-align: center; text-decoration: none; border-radius: .3rem; padding: .15rem 0; background: var(--raised); color: var(--quiet); border: 1px solid var(--line); font-size: .85rem; line-height: 1.25; }
ol.days .good { background: var(--good-ground); color: var(--good); } ol.days .attention { background: var(--attention-ground); color: var(--attention); } ol.days .bad { background: var(--bad-ground); color: var(--bad); }
.same { border-top: 1px solid var(--line); margin-top: 2rem; color: var(--quiet); font-size: .9rem; } footer { color: var(--quiet); font-size: .85rem; }
meter { width: 16rem; max-width: 100%; vertical-align: middle; } .answer .scroll { margin: .5rem 0; }
details summary { cursor: pointer; } details.day { border-bottom: 1px solid var(--line); padding: .3rem 0; }
.notice { border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .9rem; background: var(--raised); }
@media (max-width: 40rem) {
  .where { margin-left: 0; width: 100%; } input[type=search] { width: 100%; } form.filters label { width: 100%; }
  table.blocks thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); } table.blocks tr { display: block; border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; padding: .35rem .5rem; }
  table.blocks, table.blocks caption, table.blocks tbody { display: block; }
  table.blocks td, table.blocks td.number { white-space: normal; overflow-wrap: anywhere; }
  table.blocks td { display: flex; justify-content: space-between; gap: 1rem; border: 0; padding: .2rem 0; text-align: right; } table.blocks td::before { content: attr(data-label); color: var(--quiet); text-align: left; flex: none; max-width: 45%; overflow-wrap: normal; }
  table.blocks td:empty { display: none; }
  dl.list { grid-template-columns: 1fr; gap: 0; } dl.list dd { margin-bottom: .5rem; } }
@media (prefers-reduced-motion: no-preference) { [data-fresh] { animation: fresh 1.2s ease-out; } @keyframes fresh { from { background: var(--info-ground); } } }
@media print { header.top nav, .actions, form, .same, footer .screen, .skip { display: none; } html { font-size: 11pt; } :root { --ground: #fff; --text: #000; --quiet: #444; --raised: #fff; } a { color: inherit; } }
`;

/** Only what pages can do without: parts that are swapped when something changed, copying, and a pause. */
export const SCRIPT = `
const pause = document.querySelector('[data-pause]');
let source = null, paused = false, wanted = false, busy = false;
/* One at a time, and no more often than every three seconds, however much happens. */
function soon() {
  if (busy) { wanted = true; return; }
  busy = true; wanted = false;
  refresh().catch(() => {}).finally(() => setTimeout(() => { busy = false; if ((wanted || isAtWork()) && !paused) soon(); }, 3000));
}
/* How far such work is stands in the memory of a process: no event tells of it. */
function isAtWork() { return source !== null && document.querySelector('[data-work]') !== null; }
async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of document.querySelectorAll('[data-live]')) {
    const next = fresh.getElementById(part.id);
    if (next === null || isInUse(part) || part.innerHTML === next.innerHTML) continue;
    if (toldBy(part) !== toldBy(next)) next.dataset.fresh = '';
    const [shown, folded] = [part, next].map((of) => [...of.querySelectorAll('details')]);
    shown.forEach((one, at) => {
      const same = one.id === '' ? (shown.length === folded.length ? folded[at] : undefined) : folded.find(({ id }) => id === one.id);
      if (same !== undefined) same.open = one.open;
    });
    part.replaceWith(next);
  }
}
/* What a person is at, or has typed and not sent, stays as it is. */
function isInUse(part) {
  if (part.contains(document.activeElement)) return true;
  return [...part.querySelectorAll('input, textarea')].some((field) => field.value !== field.defaultValue || field.checked !== field.defaultChecked);
}
/* How long ago something was differs in each answer, and is no news. */
function toldBy(part) {
  const copy = part.cloneNode(true);
  for (const ago of copy.querySelectorAll('[data-ago]')) ago.remove();
  for (const one of copy.querySelectorAll('details')) one.open = false;
  delete copy.dataset.fresh;
  return copy.innerHTML;
}
function connect() {
  if (paused || document.visibilityState !== 'visible' || source !== null || document.querySelector('[data-live]') === null) return;
  source = new EventSource('/events');
  source.addEventListener('hello', soon);
  source.addEventListener('changed', soon);
}
function disconnect() { source?.close(); source = null; }
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible') { disconnect(); wanted = true; return; }
  connect();
  if (wanted && !paused) soon();
  wanted = false;
});
if (pause !== null) {
  pause.hidden = false;
  pause.addEventListener('click', () => {
    paused = !paused;
    pause.setAttribute('aria-pressed', String(paused));
    pause.textContent = paused ? 'Follow again' : 'Pause';
    if (paused) disconnect(); else { connect(); soon(); }
  });
}
for (const button of document.querySelectorAll('[data-copy]')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    if (button.dataset.words === undefined) button.dataset.words = button.textContent;
    /* Browsers have no clipboard for pages over plain HTTP from another machine, and people may refuse it. */
    const isCopied = await Promise.resolve().then(() => navigator.clipboard.writeText(button.dataset.copy)).then(() => true, () => false);
    if (!isCopied) getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = isCopied ? 'Copied' : 'Selected: copy it with the keyboard';
    setTimeout(() => { button.textContent = button.dataset.words; }, isCopied ? 1500 : 6000);
  });
}
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || /^(?:INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? '')) return;
  const search = document.querySelector('input[type=search]');
  if (search !== null) { event.preventDefault(); search.focus(); }
});
connect();
`;
