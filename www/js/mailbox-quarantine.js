// Messages that the destination refused: its words, the message itself, and another try.
import { html, useState } from './html.js';
import { t, word } from './i18n.js';
import { bytes } from './format.js';
import { all, base, post } from './api.js';
import { usePoll } from './poll.js';
import { ProblemBox, toast } from './notice.js';

// A header's date is the sender's own writing: shown as it is.
function Message({ item }) {
	return html`${item.subject || t('nosubject')}<div class="muted small break">${[item.from, item.date].filter(Boolean).join(' · ')}</div>`;
}

export function Quarantine({ mailbox, job, onChange }) {
	const { data, problem, reload } = usePoll(() => all('/mailboxes/' + mailbox.id + '/quarantine'), 'q' + mailbox.id,
		(items) => (items?.some((i) => i.state === 'retrying') ? 2000 : 15000));
	const [failed, setFailed] = useState(null);
	const again = (item) => async () => {
		setFailed(null);
		try {
			await post('/mailboxes/' + mailbox.id + '/quarantine/' + item.n + '/retry', {});
			toast(t('quarantine.started'));
		} catch (p) {
			setFailed(p);
		}
		reload();
		onChange();
	};
	if (!data?.length) return problem ? html`<${ProblemBox} problem=${problem} />` : null;
	const open = data.filter((i) => i.state !== 'moved').length;
	return html`<h2 id="quarantine">${t('quarantine')}</h2>
		${open > 0 && html`<p class="muted">${t('quarantine.lead', { n: open })}</p>`}
		<${ProblemBox} problem=${failed ?? problem} />
		<div class="card table-card"><table class="table stackable quarantine"><caption class="visually-hidden">${t('quarantine')}</caption>
		<thead><tr><th scope="col">${t('folder')}</th><th scope="col">${t('message')}</th><th scope="col" class="num">${t('size')}</th>
			<th scope="col">${t('quarantine.why')}</th><th scope="col"><span class="visually-hidden">${t('actions')}</span></th></tr></thead>
		<tbody>${data.map((i) => html`<tr key=${i.n}><td data-label=${t('folder')} class="break">${i.folder}</td><td class="cell-main"><${Message} item=${i} /></td>
			<td class="num" data-label=${t('size')}>${bytes(i.size)}</td>
			<td data-label=${t('quarantine.why')}>${i.title || i.code}${i.remedy && html`<div class="remedy small">${i.remedy}</div>`}
				${i.server && html`<details class="small"><summary>${t('quarantine.server')}</summary><p class="raw break">${i.server}</p></details>`}</td>
			<td class="cell-act">${i.kept && html`<a class="button small" href=${base + '/mailboxes/' + mailbox.id + '/quarantine/' + i.n} download=${'quarantine-' + i.n + '.eml'}>${t('quarantine.download')}</a>`}
				${i.state === 'open' && !mailbox.removed && job.status === 'open' ? html`<button type="button" class="button small" onClick=${again(i)}>${t('quarantine.retry')}</button>`
				: html`<span class="pill ${i.state === 'moved' ? 'good' : 'info'}">${word('quarantine.state', i.state)}</span>`}</td></tr>`)}</tbody></table></div>`;
}
