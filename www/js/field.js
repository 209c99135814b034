// A labelled control with its hint and its error tied to it, so that a screen reader says all three.
import { html, useId } from './html.js';
import { t } from './i18n.js';

export function Field({ label, hint, error, children, optional = false, class: extra = '' }) {
	const id = useId();
	const described = [hint && id + 'h', error && id + 'e'].filter(Boolean).join(' ') || undefined;
	return html`<div class=${'field ' + extra}>
		<label for=${id}>${label}${optional && html`<span class="optional">${' '}${t('optional')}</span>`}</label>
		${children({ id, 'aria-describedby': described, 'aria-invalid': error ? 'true' : undefined })}
		${hint && html`<p class="hint" id=${id + 'h'}>${hint}</p>`}
		${error && html`<p class="field-error" id=${id + 'e'}>${error}</p>`}
	</div>`;
}

export function TextField({ label, hint, error, optional, value, onValue, class: extra, ...rest }) {
	return html`<${Field} label=${label} hint=${hint} error=${error} optional=${optional} class=${extra}>${(a) => html`
		<input type="text" ...${a} ...${rest} value=${value} onInput=${(e) => onValue(e.currentTarget.value)} />`}<//>`;
}

export function SelectField({ label, hint, error, optional, value, onValue, options, class: extra, ...rest }) {
	return html`<${Field} label=${label} hint=${hint} error=${error} optional=${optional} class=${extra}>${(a) => html`
		<select ...${a} ...${rest} value=${value} onChange=${(e) => onValue(e.currentTarget.value)}>
			${options.map(([v, text]) => html`<option value=${v} selected=${v === value}>${text}</option>`)}
		</select>`}<//>`;
}
