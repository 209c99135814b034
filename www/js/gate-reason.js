// One reason of the gate in words, with the mailbox it is about.
import { html } from './html.js';
import { has, t } from './i18n.js';

export function ReasonText({ reason, names }) {
	const name = reason.mailbox_id ? names.get(reason.mailbox_id) ?? '#' + reason.mailbox_id : '';
	const words = has('reason.' + reason.code) ? t('reason.' + reason.code) : reason.detail || reason.code;
	return html`<strong>${words}</strong>${name && html`<span>${' · '}${name}</span>`}`;
}
