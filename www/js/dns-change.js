// Changing the records at a provider, from a gate that is ready, and putting the saved ones back. What was there
// before and after stands beside each change; whoever changed DNS elsewhere is in the history too.
import { html, useState } from './html.js';
import { t, word } from './i18n.js';
import { instant, person } from './format.js';
import { post } from './api.js';
import { may } from './session.js';
import { Dialog } from './dialog.js';
import { TextField } from './field.js';
import { RunFailure, RunPill } from './mailbox-state.js';
import { Notice, ProblemBox, toast } from './notice.js';
import { isActive } from './job-actions.js';

const recordsOf = (set) => (Array.isArray(set) ? set : set?.records ?? []).map((r) => (typeof r === 'string' ? r : JSON.stringify(r)));

const byPreference = (a, b) => (parseInt(a, 10) || 0) - (parseInt(b, 10) || 0) || (a < b ? -1 : 1);

const RecordSet = ({ set }) => {
	const list = recordsOf(set).sort(byPreference);
	return list.length ? list.map((r) => html`<code class="block break">${r}</code>`) : html`<span class="muted">${t('dns.norecord')}</span>`;
};

// What the plan wants, in the form in which the provider has it.
const wantedOf = (plan) => (plan.provider?.kind === 'pfsense' ? plan.provider.ip ?? [] : (plan.mx ?? []).map((m) => m.preference + ' ' + m.host));

// Asked in the person's own hand: the domain's name.
function ChangeDialog({ job, back, plan, now, etag, onClose, onDone }) {
	const [typed, setTyped] = useState('');
	const [problem, setProblem] = useState(null);
	const [busy, setBusy] = useState(false);
	const right = typed.trim().toLowerCase() === job.domains[0].toLowerCase();
	const submit = async (e) => {
		e.preventDefault();
		if (!right) return;
		setBusy(true);
		setProblem(null);
		try {
			await post('/jobs/' + job.id + (back ? '/dns/rollback' : '/dns/apply'), {}, back ? {} : { ifMatch: etag });
			toast(t('dns.change.started'));
			onDone();
		} catch (p) {
			setProblem(p);
			setBusy(false);
		}
	};
	return html`<${Dialog} title=${t(back ? 'dns.restore.title' : 'dns.apply.title', { domain: job.domains[0] })} onClose=${onClose}><form class="stack" onSubmit=${submit}>
		<${Notice} kind="warn"><p>${t(back ? 'dns.restore.text' : 'dns.apply.text', { provider: word('dns.provider', plan.provider.kind) })}</p><//>
		${!back && html`<dl class="facts"><div><dt>${t('dns.change.now')}</dt><dd class="plain">${now ? html`<${RecordSet} set=${now} />` : t('dns.change.unseen')}</dd></div>
			<div><dt>${t('dns.change.then')}</dt><dd class="plain"><${RecordSet} set=${wantedOf(plan)} /></dd></div></dl>`}
		<${TextField} label=${t('gate.override.type', { domain: job.domains[0] })} value=${typed} onValue=${setTyped} name="domain" autocomplete="off" autocapitalize="none" spellcheck=${false} data-autofocus />
		<${ProblemBox} problem=${problem} />${problem?.status === 412 && html`<p>${t('dns.change.moved')}</p>`}
		<div class="form-foot"><button class="button danger" type="submit" disabled=${!right || busy}>${t(back ? 'dns.restore.go' : 'dns.apply.go')}</button>
			<button class="button quiet" type="button" onClick=${onClose}>${t('cancel')}</button></div></form><//>`;
}

function Change({ run }) {
	const d = run.result?.dns, back = run.options?.action === 'restore';
	return html`<li data-set=${d?.set ?? ''}><p><strong>${t(back ? 'dns.restore.go' : 'dns.apply.go')}</strong>${' '}<${RunPill} run=${run} /></p>
		<p class="muted small">${person(run.created_by)} · ${instant(run.finished_at ?? run.created_at)}</p>
		<${RunFailure} run=${run} />
		${d?.set && html`<p class=${d.set === 'mixed' || d.set === 'unknown' ? 'bad-text strong' : 'small'}>${word('dns.set', d.set)}</p>`}
		${(d?.domains ?? (d?.before ? [d] : [])).map((x) => html`<p class="strong break">${x.domain}${x.set && x.set !== d.set && html` <span class="pill warn">${word('dns.set', x.set)}</span>`}</p>
			<dl class="facts">${x.before && html`<div><dt>${t('dns.change.before')}</dt><dd class="plain"><${RecordSet} set=${x.before} /></dd></div>`}
			${x.after && html`<div><dt>${t('dns.change.after')}</dt><dd class="plain"><${RecordSet} set=${x.after} /></dd></div>`}</dl>`)}</li>`;
}

const seenMx = (dns) => dns.domains[0]?.last?.seen.servers.find((s) => s.role === 'authoritative' && s.mx)?.mx.values;

// Why the button is not offered for pressing yet; null when it is.
export function obstacle({ job, dns, gate, changes }) {
	if (job.status !== 'open') return 'closed';
	if (!dns.plan?.provider) return 'noprovider';
	if (!dns.token) return 'notoken';
	if (wantedOf(dns.plan).length === 0) return 'norecords';
	if (changes.some(isActive)) return 'active';
	if (gate?.verdict === 'dns_applied') return 'moved';
	if (!gate?.ready) return 'gate';
	return null;
}

export function DnsChange({ job, dns, gate, etag, changes, reload }) {
	const [dialog, setDialog] = useState(null);
	const why = obstacle({ job, dns, gate, changes });
	const restorable = dns.plan?.provider && dns.token && changes.some((r) => r.options?.action === 'apply' && r.result?.dns?.before) && !changes.some(isActive);
	return html`<section class="card" aria-labelledby="change-head" data-change><h2 id="change-head">${t('dns.change')}</h2>
		${!dns.plan?.provider ? html`<p>${t('dns.change.byhand')}</p>` : !may('dns.change') ? html`<p class="muted">${t('dns.change.others')}</p>`
		: html`<div class="form-foot"><button type="button" class="button primary" data-do="dns-apply" disabled=${why !== null} aria-describedby=${why ? 'change-why' : undefined} onClick=${() => setDialog('apply')}>${t('dns.apply.go')}</button>
			${restorable && html`<button type="button" class="button danger" data-do="dns-rollback" onClick=${() => setDialog('back')}>${t('dns.restore.go')}</button>`}</div>
			${why && html`<p class="muted small" id="change-why" data-why=${why}>${t('dns.why.' + why)}</p>`}`}
		${changes.length > 0 && html`<h3>${t('dns.changes')}</h3><ul class="plain-list changes">${changes.map((r) => html`<${Change} key=${r.id} run=${r} />`)}</ul>`}
		${dns.events.length > 0 && html`<h3>${t('dns.events')}</h3><ul class="plain-list">${dns.events.map((e) => html`<li data-event=${e.what}><strong>${word('dns.event', e.what)}</strong> · ${word('dns.how', e.how)} · ${instant(e.at)}
			${e.what === 'applied' && !e.was_ready && html` <span class="pill bad">${t('dns.event.unready')}</span>`}
			${(e.by || e.reason) && html`<div class="muted small break">${[e.by && person(e.by), e.reason].filter(Boolean).join(': ')}</div>`}</li>`)}</ul>`}
		${dialog && html`<${ChangeDialog} job=${job} back=${dialog === 'back'} plan=${dns.plan} now=${seenMx(dns)} etag=${etag} onClose=${() => setDialog(null)} onDone=${() => {
			setDialog(null);
			reload();
		}} />`}</section>`;
}
