// The messages of one mailbox that a verification did not find: why, what the server said, and what to do about
// them: copy them again, export them, accept them with a reason.
import { html, useEffect, useRef, useState } from './html.js';
import { t, word, has } from './i18n.js';
import { ago, bytes, instant, number, ratio } from './format.js';
import { base, get, newKey, post } from './api.js';
import { may } from './session.js';
import { startRuns } from './job-actions.js';
import { useAct } from './use-act.js';
import { AcceptForm, acceptable, countOf } from './accept-form.js';
import { Dialog } from './dialog.js';
import { RunPill, RunProgress } from './mailbox-state.js';
import { Notice, ProblemBox, toast } from './notice.js';
import { Icon } from './icon.js';

const step = 100;

// One page after the other of one class; starts anew with each verification.
function useMissing(path, verification) {
	const [state, setState] = useState({ items: null, classes: [], next: null });
	const [cls, setClass] = useState('');
	const [problem, setProblem] = useState(null);
	const turn = useRef(0);
	const load = async (cursor) => {
		const mine = ++turn.current;
		try {
			const page = await get(path + '?limit=' + step + (cls && '&class=' + encodeURIComponent(cls)) + (cursor ? '&cursor=' + encodeURIComponent(cursor) : ''));
			if (mine !== turn.current) return;
			setState((s) => ({ items: cursor ? [...s.items, ...page.items] : page.items, classes: page.classes, next: page.next }));
			setProblem(null);
		} catch (p) {
			if (mine === turn.current) setProblem(p);
		}
	};
	useEffect(() => {
		load(null);
	}, [path, verification, cls]);
	return { ...state, cls, setClass, problem, more: () => load(state.next) };
}

const Why = ({ m }) => html`${word('class', m.class)}
	${has('class.' + m.class + '.more') ? html`<div class="muted small">${t('class.' + m.class + '.more')}</div>` : m.detail && html`<div class="muted small break">${m.detail}</div>`}
	${m.server && html`<p class="raw break server-words"><span class="visually-hidden">${t('quarantine.server')}: </span>${m.server}</p>`}`;

function Row({ m, chosen, onChoose, disabled }) {
	const name = m.subject || t('nosubject');
	return html`<tr class=${chosen ? 'chosen' : ''} data-class=${m.class}>
		<td class="cell-check"><input type="checkbox" checked=${chosen} disabled=${disabled} onChange=${() => onChoose(m.id)} aria-label=${t('mailbox.choose', { name })} /></td>
		<td data-label=${t('folder')} class="break">${m.folder}</td>
		<td class="cell-main break">${name}<div class="muted small">${m.from}</div></td>
		<td class="small cell-when" data-label=${t('date')}>${instant(m.date)}</td><td class="num" data-label=${t('size')}>${bytes(m.size)}</td>
		<td data-label=${t('missing.class')} class="cell-why"><${Why} m=${m} /></td></tr>`;
}

// What the gate asks an ops lead to accept of this mailbox, with the number that the evidence has.
const offersOf = (gate, row) => gate.reasons.filter((r) => r.mailbox_id === row.mailbox_id && acceptable[r.code])
	.map((r) => [acceptable[r.code], countOf(acceptable[r.code], row)]);

function Summary({ v, job, row }) {
	return html`<dl class="facts">
		<div><dt>${t('ratio')}</dt><dd>${ratio(v.ratio)}</dd></div>
		${['expected', 'found', 'missing'].map((c) => html`<div><dt>${t('count.' + c)}</dt><dd>${number(v[c])}</dd></div>`)}
		<div><dt>${t('missing.verified')}</dt><dd>${ago(v.at)}<div class="muted small">${t(v.deep ? 'verify.deep' : 'verify.quick')}</div></dd></div>
		<div><dt>${t('mailbox')}</dt><dd><a href=${'#/jobs/' + job.id + '/mailboxes/' + row.mailbox_id}>${t('missing.mailbox')}</a></dd></div></dl>`;
}

function List({ list, v, path, chosen, setChosen, off }) {
	const toggle = (id) => setChosen((was) => {
		const next = new Set(was);
		if (!next.delete(id)) next.add(id);
		return next;
	});
	const everyone = list.items?.length > 0 && list.items.every((m) => chosen.has(m.id));
	return html`${list.classes.length > 0 && html`<div class="toolbar">
		<div class="segmented" role="group" aria-label=${t('missing.class')}>
			<button type="button" aria-pressed=${list.cls === '' ? 'true' : 'false'} onClick=${() => list.setClass('')}>${t('jobs.filter.all')}<span class="count">${number(list.classes.reduce((n, c) => n + c.count, 0))}</span></button>
			${list.classes.map((c) => html`<button type="button" data-filter=${c.class} aria-pressed=${list.cls === c.class ? 'true' : 'false'} onClick=${() => list.setClass(c.class)}>
				${word('class', c.class)}<span class="count">${number(c.count)}</span></button>`)}</div>
		<span class="grow"></span>
		<a class="button" href=${base + path + '?format=csv' + (list.cls && '&class=' + encodeURIComponent(list.cls))} download>${t('missing.export')}</a></div>`}
	${list.items?.length === 0 && html`<p class="empty card">${v.found_weak > 0 ? t('missing.onlyweak', { n: v.found_weak }) : t('missing.none')}</p>`}
	${list.items?.length > 0 && html`<div class="card table-card"><table class="table stackable missing">
		<caption class="visually-hidden">${t('missing.list')}</caption>
		<thead><tr><th scope="col" class="cell-check"><input type="checkbox" checked=${everyone} disabled=${off} aria-label=${t('missing.choose.all')}
				onChange=${() => setChosen(everyone ? new Set() : new Set(list.items.map((m) => m.id)))} /></th>
			<th scope="col">${t('folder')}</th><th scope="col">${t('message')}</th><th scope="col">${t('date')}</th>
			<th scope="col" class="num">${t('size')}</th><th scope="col">${t('missing.class')}</th></tr></thead>
		<tbody>${list.items.map((m) => html`<${Row} key=${m.id} m=${m} chosen=${chosen.has(m.id)} onChoose=${toggle} disabled=${off} />`)}</tbody></table></div>
		${list.next && html`<p class="more"><button type="button" class="button" onClick=${list.more}>${t('missing.more')}</button></p>`}`}`;
}

// After a recopy the list is the verification's of before: it says so and offers the next one.
function Stale({ v, state, again }) {
	const run = state?.active_run;
	if (run) return html`<div class="card"><${RunPill} run=${run} /><${RunProgress} run=${run} label=${t('progress.of', { name: '' })} /></div>`;
	if (v.current) return null;
	return html`<${Notice} kind="warn"><p class="notice-head">${t('verify.stale')}</p><p>${t('missing.stale')}</p>
		<p><button type="button" class="button" data-do="verify" onClick=${again}>${t('do.verify')}</button></p><//>`;
}

export function Missing({ job, row, gate, mailboxes, reload }) {
	const path = '/mailboxes/' + row.mailbox_id + '/missing', v = row.verification;
	const list = useMissing(path, v?.id);
	const [chosen, setChosen] = useState(() => new Set());
	const [problem, setProblem] = useState(null);
	const [busy, act] = useAct(setProblem, reload);
	const [accept, setAccept] = useState(null);
	useEffect(() => setChosen(new Set()), [v?.id, list.cls]);
	const state = mailboxes.find((m) => m.id === row.mailbox_id)?.state;
	const off = busy || row.removed || job.status !== 'open' || Boolean(state?.active_run);
	const recopy = (body, n) => () => act(async () => {
		await post(path + '/recopy', body, { key: newKey() });
		toast(t('recopy.started', { n }));
		setChosen(new Set());
	});
	const counted = list.cls ? list.classes.find((c) => c.class === list.cls)?.count ?? 0 : list.classes.reduce((n, c) => n + c.count, 0);
	return html`
		<div class="page-head"><div><p class="crumbs"><a href=${'#/jobs/' + job.id + '/verification'}><${Icon} name="back" />${t('missing.back')}</a></p>
			<h2 class="break">${t('missing.title', { name: row.source_user })}</h2></div></div>
		${!v && html`<${Notice}>${t('verify.none')}<//>`}
		${v && html`<section class="card" aria-label=${t('tab.verification')}><${Summary} v=${v} job=${job} row=${row} />
			${!v.complete && html`<${Notice} kind="warn">${t('verify.partial')}<//>`}
			<div class="actions">
				${chosen.size > 0 ? html`<button type="button" class="button primary" data-do="recopy" disabled=${off} onClick=${recopy({ ids: [...chosen] }, chosen.size)}>${t('recopy.selected', { n: chosen.size })}</button>`
				: counted > 0 && html`<button type="button" class="button" data-do="recopy" disabled=${off} onClick=${recopy(list.cls ? { class: list.cls } : {}, counted)}>
					${list.cls ? t('recopy.class', { n: counted, class: word('class', list.cls) }) : t('recopy.all', { n: counted })}</button>`}
				${may('missing.accept') && offersOf(gate, row).map((o) => html`<button type="button" class="button" data-accept=${o[0]} onClick=${() => setAccept(o)}>${t('accept.offer.' + o[0], { n: o[1] })}</button>`)}
			</div>
			<${ProblemBox} problem=${problem ?? list.problem} /></section>
		<${Stale} v=${v} state=${state} again=${() => act(() => startRuns(job.id, 'verify', [row.mailbox_id]))} />
		${!list.items && !list.problem && html`<p class="muted" role="status">${t('loading')}</p>`}
		<${List} list=${list} v=${v} path=${path} chosen=${chosen} setChosen=${setChosen} off=${off} />`}
		${accept && html`<${Dialog} title=${t('accept.title', { name: row.source_user })} onClose=${() => setAccept(null)}>
			<${AcceptForm} mailboxId=${row.mailbox_id} what=${accept[0]} count=${accept[1]} onClose=${() => setAccept(null)} onDone=${() => {
				setAccept(null);
				reload();
			}} /><//>`}`;
}
