// The accounts of the new server against the mailboxes of the job: what would be there and get nothing is named.
import { html, useEffect, useRef, useState } from './html.js';
import { t } from './i18n.js';
import { instant, person } from './format.js';
import { get, newKey, post } from './api.js';
import { failure } from './failure.js';
import { isActive } from './job-actions.js';
import { may } from './session.js';
import { accountsOf } from './account-paste.js';
import { usePoll } from './poll.js';
import { Field } from './field.js';
import { Notice, ProblemBox, toast } from './notice.js';
import { useWindow } from './view-jobs.js';

// A spreadsheet of the region may still be in the code page of the system.
async function textOf(file) {
	const data = await file.arrayBuffer();
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(data);
	} catch {
		return new TextDecoder('windows-1252').decode(data);
	}
}

function ListForm({ job, onDone, onClose }) {
	const [text, setText] = useState('');
	const [problem, setProblem] = useState(null);
	const [busy, setBusy] = useState(false);
	const input = useRef(null);
	const { accounts, wrong } = accountsOf(text);
	const submit = async (e) => {
		e.preventDefault();
		setBusy(true);
		setProblem(null);
		try {
			await post('/jobs/' + job.id + '/accounts', { accounts });
			toast(t('accounts.listed', { n: accounts.length }));
			onDone();
		} catch (p) {
			setProblem(p);
			setBusy(false);
		}
	};
	const drop = async (e) => {
		e.preventDefault();
		const file = e.dataTransfer.files[0];
		setText(file ? await textOf(file) : e.dataTransfer.getData('text'));
	};
	return html`<form class="stack" onSubmit=${submit} onDragOver=${(e) => e.preventDefault()} onDrop=${drop}>
		<${Field} label=${t('accounts.paste')} hint=${t('accounts.paste.hint')}>${(a) => html`<textarea ...${a} name="accounts" rows="6" spellcheck=${false} data-autofocus value=${text} onInput=${(e) => setText(e.currentTarget.value)}></textarea>`}<//>
		<div class="form-foot"><button type="button" class="button" onClick=${() => input.current.click()}>${t('add.file')}</button>
			<input ref=${input} type="file" name="accounts-file" accept=".csv,.tsv,.txt,text/csv,text/plain" class="visually-hidden" tabindex="-1" aria-label=${t('add.file')} onChange=${async (e) => {
				const field = e.currentTarget;
				if (field.files[0]) setText(await textOf(field.files[0]));
				field.value = '';
			}} /></div>
		${text.trim() && html`<p role="status">${t('accounts.found', { n: accounts.length })}</p>`}
		${wrong.length > 0 && html`<${Notice} kind="bad"><p class="notice-head">${t('accounts.wrong', { n: wrong.length })}</p>
			<ul>${wrong.slice(0, 10).map((w) => html`<li>${t('accounts.line', { n: w.line })}: <code class="break">${w.text}</code></li>`)}</ul>${wrong.length > 10 && html`<p>${t('reason.more', { n: wrong.length - 10 })}</p>`}<//>`}
		<${ProblemBox} problem=${problem} />
		<div class="form-foot"><button class="button primary" type="submit" disabled=${busy || !accounts.length || wrong.length > 0}>${t('accounts.send', { n: accounts.length })}</button>
			<button class="button quiet" type="button" onClick=${onClose}>${t('cancel')}</button></div></form>`;
}

function AcceptAccounts({ job, chosen, onDone }) {
	const [reason, setReason] = useState('');
	const [problem, setProblem] = useState(null);
	const submit = async (e) => {
		e.preventDefault();
		try {
			await post('/jobs/' + job.id + '/accounts/accept', { accounts: chosen, reason: reason.trim() });
			toast(t('accept.done'));
			setReason('');
			setProblem(null);
			onDone();
		} catch (p) {
			setProblem(p);
		}
	};
	return html`<form class="stack" data-accept-accounts onSubmit=${submit}><${Field} label=${t('accounts.reason', { n: chosen.length })} hint=${t('accept.reason.hint')}>${(a) => html`<textarea ...${a} name="reason" rows="2" required value=${reason} onInput=${(e) => setReason(e.currentTarget.value)}></textarea>`}<//>
		<${ProblemBox} problem=${problem} /><div class="form-foot"><button class="button primary" type="submit" disabled=${reason.trim().length < 3}>${t('accept.go')}</button></div></form>`;
}

// Whether the new server can be asked (Carbonio's or Zimbra's, over ssh): a setting says it.
let asksServer = null;
const canAsk = () => (asksServer ??= get('/settings').then(({ items }) => Boolean(items.find((s) => s.name === 'MIGRATION_CARBONIO_SSH')?.value), () => {
	asksServer = null;
	return false;
}));

// The new server says itself which accounts it has: by a run of a worker, looked at until it ends.
function AskServer({ job, onDone, setProblem }) {
	const [able, setAble] = useState(false);
	const [id, setId] = useState(null);
	const alive = useRef(true);
	useEffect(() => {
		canAsk().then((yes) => alive.current && setAble(yes));
		return () => (alive.current = false);
	}, []);
	usePoll(async () => {
		const run = id && (await get('/runs/' + id));
		if (run && !isActive(run)) {
			setId(null);
			if (run.status !== 'succeeded') {
				const known = failure(run.code);
				setProblem({ code: run.code, title: known?.title, detail: run.message, remedy: known?.remedy });
			} else onDone();
		}
		return run;
	}, id, () => (id ? 1000 : 3600000));
	const ask = async () => {
		setProblem(null);
		try {
			setId((await post('/jobs/' + job.id + '/accounts/read', {}, { key: newKey() })).id);
		} catch (p) {
			setProblem(p);
		}
	};
	return able && html`<button type="button" class="button" data-do="accounts-read" disabled=${id !== null} onClick=${ask}>${t(id === null ? 'accounts.read' : 'accounts.reading')}</button>`;
}

export function Accounts({ job, reload }) {
	const { data: d, problem, reload: again } = usePoll(() => get('/jobs/' + job.id + '/accounts'), 'accounts' + job.id, 30000);
	const [listing, setListing] = useState(false);
	const [refused, setRefused] = useState(null);
	const [chosen, setChosen] = useState(() => new Set());
	const others = d?.not_in_job ?? [], list = useWindow(others.length, job.id);
	useEffect(() => setChosen(new Set()), [d?.at]);
	const done = () => {
		setListing(false);
		setChosen(new Set());
		again();
		reload();
	};
	const toggle = (name) => setChosen((was) => {
		const next = new Set(was);
		if (!next.delete(name)) next.add(name);
		return next;
	});
	const open = job.status === 'open', accept = open && may('missing.accept');
	return html`<section class="card" aria-labelledby="accounts-head" data-accounts>
		<div><h2 id="accounts-head">${t('accounts')}</h2><p class="lead">${t('accounts.lead')}</p></div>
		<${ProblemBox} problem=${refused ?? problem} />
		${d && (d.at ? html`<p>${t('accounts.last', { n: d.listed, who: d.how === 'server' ? t('accounts.server') : person(d.by), when: instant(d.at) })}</p>` : html`<p class="muted">${t('accounts.none')}</p>`)}
		${d?.at && others.length === 0 && html`<p class="good-text">${t('accounts.all')}</p>`}
		${others.length > 0 && html`<p class="warn-text strong">${t('accounts.others', { n: others.filter((a) => !a.accepted).length })}</p>
			<ul class="plain-list accounts">${others.slice(0, list.shown).map((a) => html`<li key=${a.account}><label class="check">${accept && !a.accepted && html`<input type="checkbox" checked=${chosen.has(a.account)} onChange=${() => toggle(a.account)} />`}
				<span class="break">${a.account}${a.accepted && html` <span class="pill good">${t('accounts.accepted')}</span>`}</span></label></li>`)}</ul>${list.more}`}
		${chosen.size > 0 && html`<${AcceptAccounts} job=${job} chosen=${[...chosen]} onDone=${done} />`}
		${listing ? html`<${ListForm} job=${job} onDone=${done} onClose=${() => setListing(false)} />`
		: open && html`<div class="form-foot"><button type="button" class="button" data-do="accounts" onClick=${() => setListing(true)}>${t(d?.at ? 'accounts.again' : 'accounts.first')}</button>
			<${AskServer} job=${job} onDone=${done} setProblem=${setRefused} />
			${others.some((a) => !a.accepted) && html`<a class="button" href=${'#/jobs/' + job.id + '/add'}>${t('mailboxes.add')}</a>`}</div>`}</section>`;
}
