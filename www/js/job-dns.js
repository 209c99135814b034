// Around the switch: the ordered checklist, what name servers say, the records to enter or to have changed, late
// mail, and the way back. Everything here is what a worker measured; nothing is ticked by hand.
import { html, useEffect, useRef, useState } from './html.js';
import { t } from './i18n.js';
import { ago } from './format.js';
import { get, newKey, post } from './api.js';
import { usePoll } from './poll.js';
import { isActive } from './job-actions.js';
import { RunFailure, RunPill } from './mailbox-state.js';
import { ProblemBox, announce } from './notice.js';
import { Cutover } from './dns-cutover.js';
import { DomainDns } from './dns-domain.js';
import { DnsPlan } from './dns-plan.js';
import { DnsChange } from './dns-change.js';
import { WayBack } from './dns-back.js';

async function load(id) {
	const job = '/jobs/' + id;
	const [dns, cutover, reads, changes, backs] = await Promise.all([get(job + '/dns'), get(job + '/cutover'),
		...['dns_read', 'dns_apply', 'rollback'].map((kind) => get(job + '/runs?limit=20&kind=' + kind))]);
	return { dns, cutover, reads: reads.items, changes: changes.items, backs: backs.items };
}

function Look({ job, run, seen, reload }) {
	const [problem, setProblem] = useState(null);
	const [busy, setBusy] = useState(false);
	const ask = async () => {
		setBusy(true);
		setProblem(null);
		try {
			await post('/jobs/' + job.id + '/dns/read', {}, { key: newKey() });
		} catch (p) {
			setProblem(p);
		}
		setBusy(false);
		reload();
	};
	return html`<div class="toolbar"><p class="grow">${seen ? t('dns.seen', { when: ago(seen) }) : t('dns.unseen')}</p>
			${run && run.status !== 'succeeded' && html`<${RunPill} run=${run} />`}
			<button type="button" class="button" data-do="dns-read" disabled=${busy || isActive(run) || job.status !== 'open'} onClick=${ask}>${t('dns.read')}</button></div>
		${run?.status === 'failed' && html`<${RunFailure} run=${run} />`}<${ProblemBox} problem=${problem} />`;
}

export function DnsPanel({ job, evidence, mailboxes, reload }) {
	const poll = usePoll(() => load(job.id), 'dns' + job.id, (d) =>
		(d && [...d.reads, ...d.changes, ...d.backs].some(isActive) ? 1500 : 10000));
	const d = poll.data, active = d ? [d.reads[0], d.changes[0]].filter(isActive).length : 0;
	// A change of DNS moves the gate: the job's own polls look at once.
	const last = useRef(0);
	useEffect(() => {
		if (active < last.current) {
			announce(t('dns.done'));
			reload();
		}
		last.current = active;
	}, [active]);
	if (!d) return poll.problem ? html`<${ProblemBox} problem=${poll.problem} />` : html`<p class="muted" role="status">${t('loading')}</p>`;
	const again = () => Promise.all([poll.reload(), reload()]);
	const seen = d.dns.domains.map((x) => x.last?.at).filter(Boolean).sort().pop();
	return html`
		<${ProblemBox} problem=${poll.problem} />
		<${Cutover} cutover=${d.cutover} dns=${d.dns} mailboxes=${mailboxes} />
		<${Look} job=${job} run=${d.reads[0]} seen=${seen} reload=${poll.reload} />
		${d.dns.domains.map((x) => html`<${DomainDns} key=${x.domain} domain=${x} plan=${d.dns.plan} reload=${poll.reload} />`)}
		<${DnsPlan} job=${job} dns=${d.dns} reload=${again} />
		<${DnsChange} job=${job} dns=${d.dns} gate=${evidence?.gate} etag=${evidence?.etag} changes=${d.changes} reload=${again} />
		<${WayBack} job=${job} dns=${d.dns} backs=${d.backs} mailboxes=${mailboxes} reload=${again} />`;
}
