// A mail server in a form: host, port, encryption; and the errors of an answer laid on its fields.
import { html } from './html.js';
import { t } from './i18n.js';
import { SelectField, TextField } from './field.js';

const tlsOptions = () => ['tls', 'starttls', 'none'].map((v) => [v, t('tls.' + v)]);

export function ServerFields({ name, value, onValue, errors = {}, hint }) {
	const set = (key) => (v) => onValue({ ...value, [key]: v });
	return html`<div class="server-fields">
		<${TextField} label=${t('server.host')} value=${value.host} onValue=${(v) => set('host')(v.trim())} name=${name + '-host'} error=${errors.host}
			hint=${hint} autocapitalize="none" spellcheck=${false} inputmode="url" class="grow" />
		<${TextField} label=${t('server.port')} value=${value.port} onValue=${set('port')} name=${name + '-port'} error=${errors.port}
			inputmode="numeric" class="narrow" />
		<${SelectField} label=${t('server.tls')} value=${value.tls} onValue=${set('tls')} name=${name + '-tls'} options=${tlsOptions()} error=${errors.tls} />
	</div>`;
}

// {errors: {field: text}, body} of a side: the port must be a number before it is sent.
export function serverBody(side) {
	const port = Number(side.port);
	return { host: side.host.trim(), port: Number.isInteger(port) && port > 0 && port < 65536 ? port : null, tls: side.tls };
}

// The errors of a problem+json under one pointer, by the last part of their pointer.
export function errorsUnder(problem, pointer) {
	const found = {};
	for (const e of problem?.errors ?? [])
		if (e.pointer === pointer || e.pointer?.startsWith(pointer + '/'))
			found[e.pointer.slice(pointer.length + 1).split('/')[0]] = e.detail ?? e.code;
	return found;
}
