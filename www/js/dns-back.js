// The way back: what it does in so many words, asked for a reason and the domain's name.
import { html, useRef, useState } from './html.js';
import { t } from './i18n.js';
import { number } from './format.js';
import { newKey, post } from './api.js';
import { may } from './session.js';
import { Dialog } from './dialog.js';
import { Field, TextField } from './field.js';
import { RunFailure, RunPill, RunProgress } from './mailbox-state.js';
import { Notice, ProblemBox, toast } from './notice.js';
import { isActive } from './job-actions.js';

const steps = ['gate', 'mail', 'nothing', 'dns'];

const What = () => html`<ul>${steps.map((s) => html`<li>${t('back.' + s)}</li>`)}</ul>`;

function BackDialog({ job, onClose, onDone }) {
	const [reason, setReason] = useState('');
	const [typed, setTyped] = useState('');
	const [problem, setProblem] = useState(null);
	const [busy, setBusy] = useState(false);
	const key = useRef(newKey());
	const right = typed.trim().toLowerCase() === job.domains[0].toLowerCase() && reason.trim().length >= 3;
	const submit = async (e) => {
		e.preventDefault();
		if (!right) return;
		setBusy(true);
		setProblem(null);
		try {
			const answer = await post('/jobs/' + job.id + '/rollback', { reason: reason.trim() }, { key: key.current });
			toast(t('back.started', { n: answer.runs.length }));
			onDone(answer);
		} catch (p) {
			key.current = newKey();
			setProblem(p);
			setBusy(false);
		}
	};
	return html`<${Dialog} title=${t('back.go')} onClose=${onClose}><form class="stack" onSubmit=${submit}>
		<${Notice} kind="bad"><p class="notice-head">${t('back.head', { domain: job.domains[0] })}</p><${What} /><//>
		<${Field} label=${t('reason')} hint=${t('back.reason.hint')}>${(a) => html`<textarea ...${a} name="reason" rows="3" required data-autofocus value=${reason} onInput=${(e) => setReason(e.currentTarget.value)}></textarea>`}<//>
		<${TextField} label=${t('gate.override.type', { domain: job.domains[0] })} value=${typed} onValue=${setTyped} name="domain" autocomplete="off" autocapitalize="none" spellcheck=${false} />
		<${ProblemBox} problem=${problem} />
		<div class="form-foot"><button class="button danger" type="submit" disabled=${!right || busy}>${t('back.go')}</button>
			<button class="button quiet" type="button" onClick=${onClose}>${t('cancel')}</button></div></form><//>`;
}

export function WayBack({ job, dns, backs, mailboxes, reload }) {
	const [open, setOpen] = useState(false);
	const [answer, setAnswer] = useState(null);
	const names = new Map(mailboxes.map((m) => [m.id, m.source.user]));
	const newest = backs.slice(0, 20), working = backs.some(isActive);
	if (!may('dns.change') && backs.length === 0) return null;
	return html`<section class="card" aria-labelledby="back-head" data-back><div><h2 id="back-head">${t('back')}</h2><p class="lead">${t('back.lead')}</p></div>
		<${What} />
		${answer?.without_way_back > 0 && html`<${Notice} kind="warn">${t('back.without', { n: answer.without_way_back })}<//>`}
		${answer && !answer.dns && html`<${Notice} kind="warn"><p class="notice-head">${t('back.byhand')}</p>${answer.dns_why && html`<p class="small break">${answer.dns_why}</p>`}<//>`}
		${newest.length > 0 && html`<ul class="plain-list">${newest.map((r) => html`<li key=${r.id}><${RunPill} run=${r} /> ${names.get(r.mailbox_id) ?? '#' + number(r.mailbox_id)}
			${isActive(r) && html`<${RunProgress} run=${r} label=${t('progress.of', { name: names.get(r.mailbox_id) ?? '' })} />`}<${RunFailure} run=${r} /></li>`)}</ul>`}
		${may('dns.change') && html`<div class="form-foot"><button type="button" class="button danger" data-do="rollback" disabled=${job.status !== 'open' || working} onClick=${() => setOpen(true)}>${t('back.open')}</button></div>`}
		${open && html`<${BackDialog} job=${job} onClose=${() => setOpen(false)} onDone=${(a) => {
			setOpen(false);
			setAnswer(a);
			reload();
		}} />`}</section>`;
}
