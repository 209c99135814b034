// One master account that opens every mailbox of a server, instead of a password each.
import { html } from './html.js';
import { t } from './i18n.js';
import { TextField } from './field.js';

export const noMaster = () => ({ source: { on: false, user: '', secret: '' }, destination: { on: false, user: '', secret: '' } });

// The account of a mailbox as the API takes it: MAILBOX*MASTER with the master's password, or its own.
export function account(user, password, master) {
	if (master.on) return { user: user + '*' + master.user.trim(), auth: 'master', secret: master.secret };
	return password ? { user, secret: password } : { user };
}

// What is missing, as {side: {field: text}}.
export function masterErrors(masters) {
	const found = {};
	for (const side of ['source', 'destination']) {
		const m = masters[side];
		if (!m.on) continue;
		if (!m.user.trim() || /[\s*]/.test(m.user.trim())) (found[side] ??= {}).user = t('master.user.missing');
		if (!m.secret) (found[side] ??= {}).secret = t('master.secret.missing');
	}
	return found;
}

function Side({ side, value, onValue, errors = {} }) {
	const set = (name) => (v) => onValue({ ...value, [name]: v });
	return html`<div class="stack"><label class="check"><input type="checkbox" name=${'master-' + side} checked=${value.on} onChange=${(e) => set('on')(e.currentTarget.checked)} />
			<span>${t('master.' + side)}</span></label>
		${value.on && html`<div class="columns"><${TextField} label=${t('master.user')} hint=${t('master.hint')} name=${'master-' + side + '-user'} value=${value.user} onValue=${set('user')} error=${errors.user}
				autocapitalize="none" spellcheck=${false} autocomplete="off" />
			<${TextField} label=${t('master.secret')} type="password" name=${'master-' + side + '-secret'} value=${value.secret} onValue=${set('secret')} error=${errors.secret} autocomplete="new-password" /></div>`}</div>`;
}

export function MasterFields({ masters, onMasters, errors }) {
	return html`<fieldset class="card"><legend>${t('master')}</legend>${['source', 'destination'].map((side) => html`
		<${Side} key=${side} side=${side} value=${masters[side]} errors=${errors[side]} onValue=${(v) => onMasters({ ...masters, [side]: v })} />`)}</fieldset>`;
}
