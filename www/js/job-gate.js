// May the domain's MX be changed? The verdict, the facts behind it, and who said yes.
import { html, useState } from './html.js';
import { has, t, word } from './i18n.js';
import { instant, number, person, ratio } from './format.js';
import { may } from './session.js';
import { GateBadge } from './gate-badge.js';
import { ApproveDialog, OverrideDialog, RevokeDialog } from './gate-dialogs.js';
import { AcceptForm, acceptable, countOf } from './accept-form.js';
import { Accounts } from './job-accounts.js';
import { ReportPanel } from './job-report.js';
import { gateFacts } from './gate-facts.js';
import { Dialog } from './dialog.js';
import { Notice } from './notice.js';
import { Icon } from './icon.js';

// The number behind a reason of one mailbox, in the person's language; what has no words here is the API's own detail.
function detailOf(r, row) {
	const v = row?.verification;
	if (r.code === 'mailbox.below_minimum' && v) return t('verify.found', { found: v.found, expected: v.expected });
	if (acceptable[r.code] && row) {
		const what = acceptable[r.code], n = countOf(what, row);
		return has('detail.' + what) ? t('detail.' + what, { n }) : '';
	}
	return has('reason.' + r.code) ? '' : r.detail;
}

// Within the view: the address after # is the view's own.
const toAccounts = (e) => {
	e.preventDefault();
	document.getElementById('accounts-head').scrollIntoView();
	document.querySelector('[data-accounts] input, [data-accounts] button')?.focus();
};

// Reasons of one kind are one line with the mailboxes under it.
function Reason({ list, job, rows, names, onAccept }) {
	const first = list[0];
	const words = has('reason.' + first.code) ? t('reason.' + first.code) : first.text || first.detail || first.code;
	const ofMailboxes = list.filter((r) => r.mailbox_id);
	return html`<div class=${'reason' + (first.covered ? ' covered' : '')} data-reason=${first.code}><p><strong>${words}</strong>${first.covered && html` <span class="pill info">${t('reason.covered')}</span>`}</p>
		${has('reason.' + first.code + '.more') && html`<p class="remedy">${t('reason.' + first.code + '.more')}</p>`}
		${ofMailboxes.length > 0 && html`<ul class="reason-mailboxes">${ofMailboxes.slice(0, 50).map((r) => html`<li>
			<a href=${'#/jobs/' + job.id + '/mailboxes/' + r.mailbox_id}>${names.get(r.mailbox_id) ?? '#' + r.mailbox_id}</a>
			<span class="muted small">${detailOf(r, rows.get(r.mailbox_id))}</span>
			${acceptable[r.code] && may('missing.accept') && html`<button type="button" class="button small" onClick=${() => onAccept(r)}>${t('accept.open')}</button>`}
		</li>`)}</ul>`}
		${first.code === 'account.not_in_job' && html`<p><a href="#accounts-head" onClick=${toAccounts}>${t('accounts')}</a></p>`}
		${ofMailboxes.length > 50 && html`<p class="muted small">${t('reason.more', { n: ofMailboxes.length - 50 })}</p>`}
		${ofMailboxes.length === 0 && first.detail && first.code !== 'gate.not_approved' && first.code !== 'account.not_in_job' && first.detail !== words && html`<p class="muted small break">${first.detail}</p>`}</div>`;
}

const factIcons = { done: ['good', 'check'], open: ['bad', 'alert'], covered: ['info', 'shield'], unknown: ['', 'clock'] };

function Fact({ fact, ...rest }) {
	const groups = new Map();
	for (const r of fact.reasons) {
		const key = r.code + (r.covered ? '+' : '');
		groups.set(key, [...(groups.get(key) ?? []), r]);
	}
	const [tone, icon] = factIcons[fact.state];
	return html`<li data-fact=${fact.id} data-state=${fact.state}><span class=${'fact-icon ' + tone}><${Icon} name=${icon} /></span>
		<div class="grow"><p><strong>${t('fact.' + fact.id)}</strong></p>
		${[...groups.values()].map((list) => html`<${Reason} list=${list} ...${rest} />`)}</div>
		<span class=${'pill ' + tone}>${t('fact.state.' + fact.state)}</span></li>`;
}

const Facts = ({ gate, ...rest }) => html`<ol class="checklist facts-list">${gateFacts(gate).map((f) => html`<${Fact} key=${f.id} fact=${f} ...${rest} />`)}</ol>`;

function Said({ title, who, children }) {
	return html`<div class=${'said' + (who.valid ? ' valid' : ' void')}><${Icon} name=${who.valid ? 'check' : 'cross'} />
		<div><p><strong>${title}</strong>${' '}<span class=${'pill ' + (who.valid ? 'good' : 'bad')}>${t(who.valid ? 'said.valid' : 'said.void')}</span></p>
			<p>${t('said.by', { name: who.name || person(who.by), role: word('role', who.role), when: instant(who.at) })}</p>${children}</div></div>`;
}

export function GatePanel({ job, evidence, reload }) {
	const [dialog, setDialog] = useState(null);
	const [accept, setAccept] = useState(null);
	if (!evidence) return html`<p class="muted" role="status">${t('loading')}</p>`;
	const gate = evidence.gate, past = gate.ready || gate.verdict === 'dns_applied', close = () => setDialog(null);
	const names = new Map(evidence.mailboxes.map((m) => [m.mailbox_id, m.source_user]));
	const rows = new Map(evidence.mailboxes.map((m) => [m.mailbox_id, m])), row = accept && rows.get(accept.mailbox_id);
	const overridden = gate.ready && gate.override?.valid && !gate.approval?.valid;
	const approvable = gate.verdict === 'warning' && gate.reasons.every((r) => r.covered || r.code === 'gate.not_approved' || r.code === 'gate.approval_void');
	const dialogs = { approve: ApproveDialog, override: OverrideDialog, revoke: RevokeDialog };
	const DialogNow = dialogs[dialog?.kind];
	const ask = (kind) => () => setDialog({ kind });
	return html`<div class="gate-panel">
		<section class="card" aria-labelledby="verdict-head">
			<div class="verdict"><div><h2 id="verdict-head">${t('gate.of', { domain: gate.domain })}</h2><p class="lead">${t(overridden ? 'gate.overridden.more' : 'verdict.' + gate.verdict + '.more')}</p></div>
				<${GateBadge} verdict=${gate.verdict} large /></div>
			<dl class="facts">
				<div><dt>${t('ratio')}</dt><dd>${ratio(gate.ratio)}</dd></div>
				<div><dt>${t('job.mailboxes')}</dt><dd>${number(gate.mailboxes)}</dd></div>
				<div><dt>${t('gate.mx')}</dt><dd>${t('gate.mx.' + (gate.verdict === 'dns_applied' ? 'moved' : gate.ready ? 'yes' : 'no'))}</dd></div>
			</dl>
			${gate.job_ids?.length > 1 && html`<${Notice} kind="info">${t('gate.jobs', { n: gate.job_ids.length })}<//>`}
			${gate.verdict === 'ready_for_dns' && gate.reasons.length === 0 && html`<${Notice} kind="good">${t('gate.nothing')}<//>`}
			<h3>${t('gate.facts')}</h3><${Facts} gate=${gate} job=${job} rows=${rows} names=${names} onAccept=${setAccept} />
		</section>
		<section class="card" aria-labelledby="approval-head">
			<h2 id="approval-head">${t('gate.approval')}</h2>
			${gate.approval && html`<${Said} title=${t('gate.approved')} who=${gate.approval}>
				${gate.approval.reason && html`<blockquote>${gate.approval.reason}</blockquote>`}
				${gate.approval.void_because && html`<p class="bad-text">${t('said.because', { why: word('void', gate.approval.void_because) })}</p>`}<//>`}
			${gate.override && html`<${Said} title=${t('gate.overridden')} who=${gate.override}><blockquote>${gate.override.reason}</blockquote>
				<p class="muted small">${t('said.until', { when: instant(gate.override.expires_at) })}</p><//>`}
			${!gate.approval && !gate.override && html`<p>${t('gate.noapproval')}</p>`}
			${may('gate.approve') || may('gate.override') ? html`<div class="form-foot">
				${may('gate.approve') && !past && !gate.approval?.valid && html`<button type="button" class="button primary" disabled=${!approvable} aria-describedby=${approvable ? undefined : 'why-not'}
					data-do="approve" onClick=${ask('approve')}>${t('gate.approve')}</button>`}
				${may('gate.approve') && (gate.approval?.valid || gate.override?.valid) && html`<button type="button" class="button danger" data-do="revoke" onClick=${ask('revoke')}>${t('gate.revoke')}</button>`}
				${may('gate.override') && !past && html`<button type="button" class="button danger" data-do="override" onClick=${ask('override')}>${t('gate.override')}</button>`}
			</div>
			${may('gate.approve') && !approvable && !past && !gate.approval?.valid && html`<p class="muted small" id="why-not">${t('gate.notyet')}</p>`}`
			: html`<p class="muted">${t('gate.others')}</p>`}
		</section>
		<${Accounts} job=${job} reload=${reload} />
		<${ReportPanel} job=${job} />
		${DialogNow && html`<${DialogNow} job=${job} gate=${gate} etag=${evidence.etag} names=${names} onClose=${close} onDone=${() => {
			close();
			reload();
		}} reload=${reload} />`}
		${accept && html`<${Dialog} title=${t('accept.title', { name: names.get(accept.mailbox_id) ?? '' })} onClose=${() => setAccept(null)}>
			<${AcceptForm} mailboxId=${accept.mailbox_id} what=${acceptable[accept.code]} count=${countOf(acceptable[accept.code], row)} onClose=${() => setAccept(null)} onDone=${() => {
				setAccept(null);
				reload();
			}} /><//>`}
	</div>`;
}
