// Accepting a fact of the evidence in words (those who may): recorded with the person's name.
import { html, useState } from './html.js';
import { t } from './i18n.js';
import { post } from './api.js';
import { Field } from './field.js';
import { Notice, ProblemBox, toast } from './notice.js';

// Which reasons a lead may accept with a written reason, and as what.
export const acceptable = {
	'mailbox.missing_unexplained': 'missing',
	'mailbox.weak_unaccepted': 'weak',
	'mailbox.refusals_unaccepted': 'refusal',
	'mailbox.excluded_unaccepted': 'excluded',
	'source.empty': 'source.empty',
	'source.shrank': 'source.shrank',
	'mailbox.removed': 'mailbox.removed',
};

// How many of what a person would accept, as far as the evidence tells.
export function countOf(what, row) {
	const v = row?.verification;
	return { missing: v?.unexplained ?? v?.missing, weak: v?.found_weak, refusal: row?.last_pass?.refused, excluded: v?.excluded,
		'source.shrank': (v?.expected ?? 0) + (v?.excluded ?? 0) }[what] ?? 0;
}

// what: one of the words of missing/accept; count: how many the person has seen.
export function AcceptForm({ mailboxId, what, count, onDone, onClose }) {
	const [reason, setReason] = useState('');
	const [problem, setProblem] = useState(null);
	const [busy, setBusy] = useState(false);
	const submit = async (e) => {
		e.preventDefault();
		setBusy(true);
		setProblem(null);
		try {
			await post('/mailboxes/' + mailboxId + '/missing/accept', { what, reason: reason.trim(), count });
			toast(t('accept.done'));
			onDone();
		} catch (p) {
			setProblem(p);
			setBusy(false);
		}
	};
	return html`<form class="stack" onSubmit=${submit}>
		<${Notice} kind="warn">${t('accept.' + what, { n: count })}<//>
		<${Field} label=${t('reason')} hint=${t('accept.reason.hint')}>${(a) => html`<textarea ...${a} name="reason" rows="3" required value=${reason} data-autofocus
			onInput=${(e) => setReason(e.currentTarget.value)}></textarea>`}<//>
		<${ProblemBox} problem=${problem} />
		<div class="form-foot"><button class="button primary" type="submit" disabled=${busy || reason.trim().length < 3}>${t('accept.go')}</button>
			${onClose && html`<button class="button quiet" type="button" onClick=${onClose}>${t('cancel')}</button>`}</div>
	</form>`;
}
