// One mailbox: what it is doing, what it did, what was verified; its servers and secrets; taking it out.
import { html, useCell, useEffect, useRef, useState } from './html.js';
import { rebase } from './rebase.js';
import { t } from './i18n.js';
import { ago, bytes } from './format.js';
import { get, patch, request } from './api.js';
import { usePoll } from './poll.js';
import { go } from './router.js';
import { route } from './router.js';
import { cancelRuns, pauseRun, removeMailbox, resumeRun, startRuns } from './job-actions.js';
import { MailboxState, missingSecret } from './mailbox-state.js';
import { Verified } from './job-mailboxes.js';
import { FolderTable, withQuarantine } from './job-verification.js';
import { Quarantine } from './mailbox-quarantine.js';
import { FinalDialog } from './final-dialog.js';
import { RunTable, useRuns } from './job-runs.js';
import { Dialog } from './dialog.js';
import { Field, TextField } from './field.js';
import { ServerFields, errorsUnder, serverBody } from './server-fields.js';
import { Notice, ProblemBox, toast } from './notice.js';
import { Icon } from './icon.js';

const sideForm = (s) => ({ host: s.host ?? '', port: String(s.port ?? 993), tls: s.tls ?? 'tls', user: s.user ?? '', secret: '' });

function SideFields({ name, title, was, value, onValue, errors }) {
	// Another server or user makes the stored secret worthless: it is asked for again.
	const moved = ['host', 'port', 'tls', 'user'].some((k) => String(was[k] ?? '') !== String(value[k]));
	const stored = was.has_secret && !moved;
	return html`<fieldset class="card"><legend>${title}</legend>
		<${ServerFields} name=${name} value=${value} onValue=${onValue} errors=${errors} />
		<div class="columns"><${TextField} label=${t('column.' + (name === 'source' ? 'source_user' : 'dest_user'))} name=${name + '-user'} value=${value.user} autocapitalize="none" spellcheck=${false} autocomplete="off"
			onValue=${(v) => onValue({ ...value, user: v })} error=${errors.user} />
		<${TextField} label=${t('column.' + (name === 'source' ? 'source_password' : 'dest_password'))} name=${name + '-secret'} type="password" value=${value.secret} autocomplete="new-password"
			placeholder=${stored ? t('secret.stored') : ''} hint=${t(stored ? 'secret.keep' : was.has_secret ? 'secret.again' : 'secret.enter')} onValue=${(v) => onValue({ ...value, secret: v })} error=${errors.secret} /></div>
	</fieldset>`;
}

function EditDialog({ mailbox, onClose, onDone }) {
	const [read, setRead] = useState(null);
	const [form, setForm] = useState(null);
	const [problem, setProblem] = useState(null);
	const [busy, setBusy] = useState(false);
	const shown = useRef(null);
	const load = () => request('GET', '/mailboxes/' + mailbox.id).then(({ body, etag }) => {
		const was = shown.current, now = { source: sideForm(body.source), destination: sideForm(body.destination) };
		shown.current = now;
		setRead({ body, etag });
		setForm((typed) => (typed ? rebase(was, typed, now) : now));
	}, setProblem);
	useEffect(() => {
		load();
	}, []);
	const submit = async (e) => {
		e.preventDefault();
		setBusy(true);
		setProblem(null);
		const body = {};
		for (const name of ['source', 'destination']) {
			const was = read.body[name], now = { ...serverBody(form[name]), user: form[name].user.trim() };
			const changed = Object.fromEntries(Object.entries(now).filter(([k, v]) => v !== was[k]));
			if (form[name].secret) changed.secret = form[name].secret;
			if (Object.keys(changed).length) body[name] = changed;
		}
		if (!Object.keys(body).length) return onClose();
		try {
			await patch('/mailboxes/' + mailbox.id, body, read.etag);
			toast(t('saved'));
			onDone();
		} catch (p) {
			setProblem(p);
			setBusy(false);
		}
	};
	return html`<${Dialog} wide title=${t('mailbox.edit')} onClose=${onClose}>
		<${ProblemBox} problem=${problem} />
		${problem?.status === 412 && html`<button type="button" class="button" onClick=${() => {
			setProblem(null);
			load();
		}}>${t('reload')}</button>`}
		${form && html`<form class="stack" onSubmit=${submit} novalidate>
			${['source', 'destination'].map((name) => html`<${SideFields} key=${name} name=${name} title=${t('new.' + name)} was=${read.body[name]} value=${form[name]}
				onValue=${(v) => setForm((f) => ({ ...f, [name]: v }))} errors=${errorsUnder(problem, '/' + name)} />`)}
			<p class="muted small">${t('secret.sealed')}</p>
			<div class="form-foot"><button class="button primary" type="submit" disabled=${busy}>${t('save')}</button>
				<button class="button quiet" type="button" onClick=${onClose}>${t('cancel')}</button></div></form>`}
	<//>`;
}

function RemoveDialog({ mailbox, onClose, onDone }) {
	const [reason, setReason] = useState('');
	const [problem, setProblem] = useState(null);
	const submit = async (e) => {
		e.preventDefault();
		try {
			await removeMailbox(mailbox.id, reason.trim());
			onDone();
		} catch (p) {
			setProblem(p);
		}
	};
	return html`<${Dialog} title=${t('mailbox.remove')} onClose=${onClose}><form class="stack" onSubmit=${submit}>
		<p>${t('mailbox.remove.text', { name: mailbox.source.user })}</p>
		<${Field} label=${t('reason')}>${(a) => html`<textarea ...${a} rows="3" required data-autofocus value=${reason} onInput=${(e) => setReason(e.currentTarget.value)}></textarea>`}<//>
		<${ProblemBox} problem=${problem} />
		<div class="form-foot"><button class="button danger" type="submit" disabled=${reason.trim().length < 3}>${t('mailbox.remove')}</button>
			<button class="button quiet" type="button" onClick=${onClose}>${t('cancel')}</button></div></form><//>`;
}

const Side = ({ title, side }) => html`<div><dt>${title}</dt><dd>${side.user || t('mailbox.file')}<div class="muted small">${side.host}${side.port ? ':' + side.port : ''} · ${t('tls.' + (side.tls ?? 'tls'))} · ${t(side.has_secret ? 'secret.stored' : 'secret.none')}</div></dd></div>`;

function MailboxActions({ mailbox, job, act, onFinal, onEdit, onRemove }) {
	const run = mailbox.state?.active_run, ids = [mailbox.id];
	const start = (what) => act(() => startRuns(job.id, what, ids));
	return html`<div class="actions">${run ? html`
			<button type="button" class="button danger" onClick=${act(() => cancelRuns([run]))}>${t('cancel.run')}</button>
			${run.status === 'paused' ? html`<button type="button" class="button" onClick=${act(() => resumeRun(run))}>${t('resume')}</button>`
			: html`<button type="button" class="button" onClick=${act(() => pauseRun(run))}>${t('pause')}</button>`}`
		: ['preflight', 'initial', 'delta', 'final', 'verify'].map((what) => html`<button type="button" class="button" data-do=${what} onClick=${what === 'final' ? onFinal : start(what)}>${t('short.' + what)}</button>`)}
		<button type="button" class="button" onClick=${onEdit}><${Icon} name="edit" />${t('mailbox.edit')}</button>
		<button type="button" class="button quiet" onClick=${onRemove}>${t('mailbox.remove')}</button></div>`;
}

export function MailboxView({ job, mailboxes, evidence, reload, id }) {
	const { parts } = useCell(route);
	const [dialog, setDialog] = useState(parts[4] === 'edit' ? 'edit' : null);
	const [problem, setProblem] = useState(null);
	const listed = mailboxes.find((m) => m.id === id);
	// A removed mailbox is not in the list, but its page still tells what happened.
	const alone = usePoll(async () => (listed ? null : get('/mailboxes/' + id)), id + ' ' + Boolean(listed), 10000);
	const m = listed ?? alone.data;
	const runs = useRuns('/jobs/' + job.id + '/runs?mailbox_id=' + id);
	if (!m) return alone.problem ? html`<${ProblemBox} problem=${alone.problem} />` : html`<p class="muted" role="status">${t('loading')}</p>`;
	const refresh = () => {
		runs.reload();
		return reload();
	};
	const act = (fn) => async () => {
		setProblem(null);
		try {
			await fn();
		} catch (p) {
			setProblem(p);
		}
		refresh();
	};
	const row = evidence?.mailboxes.find((x) => x.mailbox_id === id), v = withQuarantine(row);
	const close = () => {
		setDialog(null);
		if (parts[4] === 'edit') go('/jobs/' + job.id + '/mailboxes/' + id, { replace: true });
	};
	const done = () => {
		close();
		refresh();
	};
	const pass = m.state?.last_pass, bare = missingSecret(m);
	return html`
		<div class="page-head"><div><p class="crumbs"><a href="#/">${t('nav.jobs')}</a><a href=${'#/jobs/' + job.id}>${job.domains[0]}</a></p>
			<h1 class="break">${m.source.user || t('mailbox.file')}</h1></div></div>
		${m.removed && html`<${Notice} kind="warn">${t('mailbox.isremoved')}<//>`}
		${bare.length > 0 && !m.removed && html`<${Notice} kind="warn"><p class="notice-head">${t('secret.missing.' + (bare.length > 1 ? 'both' : bare[0]))}</p>
			<p><button type="button" class="button" onClick=${() => setDialog('edit')}>${t('mailbox.edit')}</button></p><//>`}
		<${ProblemBox} problem=${problem} />
		<section class="card" aria-label=${t('mailbox.state')}>
			<div class="mailbox-now"><${MailboxState} mailbox=${m} /></div>
			<dl class="facts wide"><${Side} title=${t('new.source')} side=${m.source} /><${Side} title=${t('new.destination')} side=${m.destination} />
				<div><dt>${t('mailbox.lastpass')}</dt><dd>${pass ? html`${t('pass.' + pass.pass)}<div class="muted small">${t('pass.copied', { n: pass.copied })} · ${t('pass.present', { n: pass.present })}${pass.refused > 0 && html` · <span class="bad-text">${t('progress.refused', { n: pass.refused })}</span>`} · ${bytes(pass.bytes)} · ${ago(pass.at)}</div>` : t('pass.none')}</dd></div>
				<div><dt>${t('mailbox.verified')}</dt><dd><${Verified} verification=${m.state?.verification} /></dd></div></dl>
			${!m.removed && job.status === 'open' && html`<${MailboxActions} mailbox=${m} job=${job} act=${act} onFinal=${() => setDialog('final')} onEdit=${() => setDialog('edit')} onRemove=${() => setDialog('remove')} />`}
		</section>
		${v?.folders?.length > 0 && html`<h2>${t('folders.verified')}</h2>
			${v.missing + v.found_weak + v.excluded > 0 && html`<p><a class="button" href=${'#/jobs/' + job.id + '/verification/' + id}>${t('missing.show')}</a></p>`}
			<div class="card table-card"><${FolderTable} folders=${v.folders} caption=${t('folders.of', { name: m.source.user })} /></div>`}
		<${Quarantine} mailbox=${m} job=${job} onChange=${refresh} />
		<h2>${t('tab.runs')}</h2>
		<${ProblemBox} problem=${runs.problem} />
		${runs.data?.items.length === 0 && html`<p class="empty card">${t('runs.none')}</p>`}
		${runs.data?.items.length > 0 && html`<${RunTable} runs=${runs.data.items} reload=${refresh} />${runs.more}`}
		${dialog === 'edit' && html`<${EditDialog} mailbox=${m} onClose=${close} onDone=${done} />`}
		${dialog === 'remove' && html`<${RemoveDialog} mailbox=${m} onClose=${close} onDone=${() => {
			reload();
			go('/jobs/' + job.id, { replace: true });
		}} />`}
		${dialog === 'final' && html`<${FinalDialog} n=${1} onClose=${close} onGo=${async () => {
			await startRuns(job.id, 'final', [m.id]);
			done();
		}} />`}`;
}
