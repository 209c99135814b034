// The plan: which MX records the domain shall have, and who can enter them. A provider's token is sealed on arrival
// and never shown again.
import { html, useEffect, useRef, useState } from './html.js';
import { t } from './i18n.js';
import { request } from './api.js';
import { guardLeaving } from './router.js';
import { SelectField, TextField } from './field.js';
import { bodyOf, formOf, moved, providers } from './dns-plan-form.js';
import { ProblemBox, toast } from './notice.js';
import { Icon } from './icon.js';

function MxRows({ rows, onRows, errors }) {
	const set = (i, name) => (e) => onRows(rows.map((r, n) => (n === i ? { ...r, [name]: e.currentTarget.value } : r)));
	return html`<div class="mx-rows" role="group" aria-label=${t('plan.mx')}>${rows.map((r, i) => html`<div class="mx-row" key=${i}>
		<input class="preference" inputmode="numeric" name="mx-preference" aria-label=${t('plan.preference.n', { n: i + 1 })} value=${r.preference} onInput=${set(i, 'preference')} />
		<input name="mx-host" aria-label=${t('plan.host.n', { n: i + 1 })} placeholder="mx.example.net" autocapitalize="none" autocomplete="off" spellcheck=${false} value=${r.host} onInput=${set(i, 'host')} aria-invalid=${errors[i] ? 'true' : undefined} />
		<button type="button" class="icon-button" disabled=${rows.length === 1} aria-label=${t('row.remove', { n: i + 1 })} onClick=${() => onRows(rows.filter((_, n) => n !== i))}><${Icon} name="cross" /></button>
		${errors[i] && html`<p class="field-error">${errors[i]}</p>`}</div>`)}
		<button type="button" class="button small" onClick=${() => onRows([...rows, { preference: String(10 * (rows.length + 1)), host: '' }])}><${Icon} name="plus" />${t('plan.another')}</button></div>`;
}

function ProviderFields({ f, set, error, stored }) {
	const has = (name) => providers[f.kind].fields.includes(name);
	const text = (name, more = {}) => has(name) && html`<${TextField} key=${name} label=${t('plan.' + name)} hint=${t('plan.' + name + '.hint')} name=${'provider-' + name} value=${f[name]} onValue=${set(name)} autocapitalize="none" spellcheck=${false} autocomplete="off" error=${error('provider/' + name)} ...${more} />`;
	return html`<p class="muted small">${t('dns.provider.' + f.kind + '.more')}</p><div class="columns">
		${text('host')}${text('port', { inputmode: 'numeric', placeholder: String(providers[f.kind].port) })}${text('zone')}${text('key')}
		${has('algorithm') && html`<${SelectField} label=${t('plan.algorithm')} name="provider-algorithm" value=${f.algorithm} onValue=${set('algorithm')} options=${[['hmac-sha256', 'HMAC-SHA256'], ['hmac-sha1', 'HMAC-SHA1']]} />`}
		${text('name')}${text('ip')}
		<${TextField} label=${t('plan.secret.' + f.kind)} type="password" name="provider-secret" autocomplete="new-password" value=${f.secret} onValue=${set('secret')} placeholder=${stored ? t('plan.stored') : ''}
			hint=${t(stored ? 'plan.secret.keep' : 'plan.secret.enter')} error=${error('provider/secret')} /></div>
		${has('tls') && html`<label class="check"><input type="checkbox" checked=${f.tls} onChange=${(e) => set('tls')(e.currentTarget.checked)} /><span>${t('plan.tls')}</span></label>`}`;
}

export function DnsPlan({ job, dns, reload }) {
	const [form, setForm] = useState(() => formOf(dns.plan));
	const [base, setBase] = useState(() => JSON.stringify(dns.plan));
	const [problem, setProblem] = useState(null);
	const [busy, setBusy] = useState(false);
	const now = JSON.stringify(dns.plan), dirty = JSON.stringify(form) !== JSON.stringify(formOf(JSON.parse(base)));
	const unsaved = useRef(false);
	unsaved.current = dirty && !busy;
	useEffect(() => {
		const ask = () => !unsaved.current || confirm(t('leave.confirm'));
		ask.unload = () => unsaved.current;
		return guardLeaving(ask);
	}, []);
	const take = (plan) => {
		setForm(formOf(plan));
		setBase(JSON.stringify(plan));
	};
	// Somebody else saved a plan: it is shown at once when nothing was typed here, and asked for otherwise.
	if (now !== base && !dirty && !busy) take(dns.plan);
	const set = (name) => (v) => setForm((f) => ({ ...f, [name]: v }));
	const error = (at) => problem?.errors?.find((e) => (e.pointer ?? '').replace(/^\//, '').startsWith(at))?.detail;
	const save = async (e) => {
		e.preventDefault();
		setBusy(true);
		setProblem(null);
		try {
			const { body } = await request('PUT', '/jobs/' + job.id + '/dns', { body: bodyOf(form) });
			take(body.plan);
			toast(t('saved'));
			await reload();
		} catch (p) {
			setProblem(p);
		}
		setBusy(false);
	};
	const stored = dns.token && !moved(form, dns.plan), closed = job.status !== 'open';
	return html`<section class="card" aria-labelledby="plan-head" data-plan><div><h2 id="plan-head">${t('plan')}</h2><p class="lead">${t('plan.lead')}</p></div>
		<form class="stack" onSubmit=${save} novalidate><fieldset class="bare" disabled=${closed || busy}>
			<p class="strong">${t('plan.mx')}</p><${MxRows} rows=${form.mx} onRows=${set('mx')} errors=${form.mx.map((_, i) => error('mx/' + i))} />
			<div class="columns"><${TextField} label=${t('plan.ttl')} hint=${t('plan.ttl.hint')} name="ttl" inputmode="numeric" value=${form.ttl} onValue=${set('ttl')} error=${error('ttl')} />
				<${TextField} label=${t('plan.low_ttl')} hint=${t('plan.low_ttl.hint')} name="low_ttl" inputmode="numeric" value=${form.low_ttl} onValue=${set('low_ttl')} error=${error('low_ttl')} />
				<${TextField} label=${t('plan.previous_ttl')} hint=${t('plan.previous_ttl.hint')} name="previous_ttl" optional inputmode="numeric" value=${form.previous_ttl} onValue=${set('previous_ttl')} error=${error('previous_ttl')} /></div>
			<${TextField} label=${t('plan.selectors')} hint=${t('plan.selectors.hint')} name="selectors" optional autocapitalize="none" spellcheck=${false} value=${form.selectors} onValue=${set('selectors')} error=${error('selectors')} />
			<${SelectField} label=${t('plan.provider')} hint=${t('plan.provider.hint')} name="provider" value=${form.kind} onValue=${set('kind')}
				options=${[['', t('dns.provider.none')], ...Object.keys(providers).map((k) => [k, t('dns.provider.' + k)])]} />
			${form.kind && html`<${ProviderFields} f=${form} set=${set} error=${error} stored=${stored} />`}
		</fieldset>
		${now !== base && dirty && html`<div class="notice warn" role="alert"><${Icon} name="alert" /><div><p class="notice-head">${t('plan.other')}</p><p>${t('plan.other.more')}</p>
			<p><button type="button" class="button" onClick=${() => take(dns.plan)}>${t('plan.theirs')}</button></p></div></div>`}
		<${ProblemBox} problem=${problem} />
		${!closed && html`<div class="form-foot"><button class="button primary" type="submit" data-do="plan" disabled=${busy}>${t('plan.save')}</button></div>`}</form></section>`;
}
