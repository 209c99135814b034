// A modal dialog on the browser's own <dialog>: it keeps the focus inside, closes with Escape, and gives
// the focus back to what opened it.
import { html, useEffect, useId, useRef } from './html.js';
import { t } from './i18n.js';
import { Icon } from './icon.js';

export function Dialog({ title, onClose, wide = false, closable = true, children }) {
	const ref = useRef(null), id = useId();
	useEffect(() => {
		const opener = document.activeElement;
		const d = ref.current;
		if (!d.open) d.showModal();
		d.querySelector('[data-autofocus]')?.focus();
		return () => {
			d.close();
			if (opener?.isConnected) opener.focus();
		};
	}, []);
	const onCancel = (e) => {
		e.preventDefault();
		if (closable) onClose?.();
	};
	return html`<dialog ref=${ref} class=${wide ? 'wide' : ''} aria-labelledby=${id} onCancel=${onCancel}>
		<div class="dialog-head">
			<h2 id=${id}>${title}</h2>
			${closable && html`<button type="button" class="icon-button" aria-label=${t('close')} onClick=${onClose}>
				<${Icon} name="cross" /></button>`}
		</div>
		<div class="dialog-body">${children}</div>
	</dialog>`;
}
