// The report and the signed certificate: made by a run of the facts as they are then, fetched here, with the hash
// that the report prints.
import { html, useEffect, useState } from './html.js';
import { t } from './i18n.js';
import { instant, person } from './format.js';
import { base, get, newKey, post, request } from './api.js';
import { usePoll } from './poll.js';
import { RunFailure, RunPill } from './mailbox-state.js';
import { ProblemBox, announce } from './notice.js';
import { isActive } from './job-actions.js';

const files = [['report.pdf', 'report.pdf'], ['certificate.json', 'report.certificate'], ['report.csv', 'report.csv']];

// The certificate's SHA-256 is its ETag: the head alone is asked for.
const hashOf = async (path) => (await request('HEAD', path + '/certificate.json', { raw: true })).headers.get('ETag')?.replace(/^(W\/)?"|"$/g, '') ?? '';

export function ReportPanel({ job }) {
	const path = '/jobs/' + job.id;
	const { data, problem, reload } = usePoll(async () => (await get(path + '/runs?kind=report&limit=20')).items, 'report' + job.id, (runs) => (isActive(runs?.[0]) ? 1500 : 20000));
	const [hash, setHash] = useState('');
	const [failed, setFailed] = useState(null);
	const made = data?.find((r) => r.status === 'succeeded'), run = data?.[0];
	useEffect(() => {
		setHash('');
		if (!made) return;
		hashOf(path).then((h) => {
			setHash(h);
			announce(t('report.ready'));
		}, setFailed);
	}, [made?.id]);
	const make = async () => {
		setFailed(null);
		try {
			await post(path + '/report', {}, { key: newKey() });
		} catch (p) {
			setFailed(p);
		}
		reload();
	};
	return html`<section class="card" aria-labelledby="report-head" data-report><div><h2 id="report-head">${t('report')}</h2><p class="lead">${t('report.lead')}</p></div>
		${made ? html`<p>${t('report.made', { who: person(made.created_by), when: instant(made.finished_at) })}</p>
			<div class="form-foot">${files.map(([name, key]) => html`<a class="button" href=${base + path + '/' + name} download=${'job-' + job.id + '-' + name}>${t(key)}</a>`)}</div>
			${hash && html`<p class="small">${t('report.hash')}<code class="block break" data-hash>${hash}</code></p><p class="muted small">${t('report.check')} <code class="break">migrationctl certificate verify job-${job.id}-certificate.json</code></p>`}`
		: data && html`<p class="muted">${t('report.none')}</p>`}
		${run && run !== made && html`<p><${RunPill} run=${run} /></p><${RunFailure} run=${run} />`}
		<${ProblemBox} problem=${failed ?? problem} />
		<div class="form-foot"><button type="button" class="button" data-do="report" disabled=${isActive(run)} onClick=${make}>${t(made ? 'report.again' : 'report.make')}</button></div></section>`;
}
