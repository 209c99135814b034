// Before a final pass: the one moment when the old server must stand still.
import { html, useState } from './html.js';
import { t } from './i18n.js';
import { Dialog } from './dialog.js';
import { Notice, ProblemBox } from './notice.js';

export function FinalDialog({ n, onGo, onClose }) {
	const [sure, setSure] = useState(false);
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState(null);
	const go = async (e) => {
		e.preventDefault();
		setBusy(true);
		try {
			await onGo();
		} catch (p) {
			setProblem(p);
			setBusy(false);
		}
	};
	return html`<${Dialog} title=${t('final.title')} onClose=${onClose}><form class="stack" onSubmit=${go}>
		<p>${t('final.text', { n })}</p>
		<${Notice} kind="warn">${t('final.warn')}<//>
		<label class="check"><input type="checkbox" checked=${sure} onChange=${(e) => setSure(e.currentTarget.checked)} data-autofocus />
			<span>${t('final.sure')}</span></label>
		<${ProblemBox} problem=${problem} />
		<div class="form-foot"><button class="button primary" type="submit" disabled=${!sure || busy}>${t('do.final')}</button>
			<button class="button quiet" type="button" onClick=${onClose}>${t('cancel')}</button></div>
	</form><//>`;
}
