// One domain as every name server and resolver sees it: the clock of its lowered TTL, what is wrong, what points
// where before and now, and the records to enter. All texts below come from name servers: strangers.
import { html, useEffect, useState } from './html.js';
import { has, t, word } from './i18n.js';
import { countdown, duration, instant, number } from './format.js';
import { Notice, toast } from './notice.js';
import { Icon } from './icon.js';

// The present moment, once a second while somebody waits for one.
function useNow(on) {
	const [now, setNow] = useState(Date.now);
	useEffect(() => {
		if (!on) return;
		const timer = setInterval(() => setNow(Date.now()), 1000);
		return () => clearInterval(timer);
	}, [on]);
	return now;
}

const clockTones = { safe: 'good', waiting: 'warn', high: 'warn', unknown: 'info' };

function Clock({ clock, plan, reload }) {
	const waiting = clock.state === 'waiting';
	const now = useNow(waiting), left = waiting ? Math.ceil((new Date(clock.safe_at).getTime() - now) / 1000) : 0;
	useEffect(() => {
		if (waiting && left <= 0) reload();
	}, [waiting && left <= 0]);
	const values = { ttl: duration(clock.ttl), old: duration(clock.old_ttl), low: duration(plan?.low_ttl ?? 300), when: instant(clock.safe_at), since: instant(clock.lowered_at) };
	return html`<${Notice} kind=${clockTones[clock.state] ?? 'info'} icon="clock"><div data-clock=${clock.state}><p class="notice-head">${word('clock', clock.state)}</p>
		<p>${t('clock.' + clock.state + '.more', values)}</p>
		${waiting && html`<p class="countdown" role="timer">${left > 0 ? countdown(left) : t('clock.now')}</p>`}
		${clock.assumed && clock.state !== 'unknown' && html`<p class="small">${t('clock.assumed', values)}</p>`}</div><//>`;
}

const Findings = ({ list }) => html`<ul class="findings">${list.map((f) => html`<li data-finding=${f.code}><${Icon} name="alert" />
	<div><strong>${has('finding.' + f.code) ? t('finding.' + f.code) : f.code}</strong>${f.server && html` <code class="break">${f.server}</code>`}
		${has('finding.' + f.code + '.more') ? html`<p class="muted small">${t('finding.' + f.code + '.more')}</p>` : ''}
		${f.detail && html`<details class="small"><summary>${t('finding.words')}</summary><p class="raw break">${f.detail}</p></details>`}</div></li>`)}</ul>`;

const serverKey = (s) => s.role + ' ' + s.name + ' ' + s.address;
const serverTones = { ok: 'good', stale: 'warn', lame: 'bad', timeout: 'bad', unreachable: 'bad', garbled: 'bad', failed: 'bad' };

// ANSWER of a read: values, or why there are none.
function Answer({ answer }) {
	if (!answer) return html`<span class="muted">–</span>`;
	if (answer.values?.length) return html`${[...answer.values].sort((a, b) => (parseInt(a, 10) || 0) - (parseInt(b, 10) || 0)).map((v) => html`<code class="block break">${v}</code>`)}`;
	if (answer.cname) return html`<code class="block break">CNAME ${answer.cname}</code>`;
	return html`<span class="muted">${answer.rcode && answer.rcode !== 'NOERROR' ? answer.rcode : t('dns.norecord')}</span>`;
}

// A server that answers may still be behind the others: the finding says so.
const statusOf = (s, seen) => (s.status === 'ok' && seen.findings.some((f) => f.code === 'dns.stale' && f.server === s.address) ? 'stale' : s.status);

function Servers({ domain, first, last }) {
	const before = new Map((first?.seen.servers ?? []).map((s) => [serverKey(s), s]));
	const changed = first && last && first.run_id !== last.run_id;
	return html`<div class="table-card inner"><table class="table stackable servers"><caption class="visually-hidden">${t('dns.servers', { domain })}</caption>
		<thead><tr><th scope="col">${t('dns.server')}</th><th scope="col">${t('dns.state')}</th>${changed && html`<th scope="col">${t('dns.before', { when: instant(first.at) })}</th>`}
			<th scope="col">${changed ? t('dns.now', { when: instant(last.at) }) : t('dns.mx')}</th><th scope="col" class="num">TTL</th></tr></thead>
		<tbody>${last.seen.servers.map((s) => html`<tr key=${serverKey(s)} data-role=${s.role}><td class="cell-main break">${s.name && s.name !== s.address ? s.name : word('dns.role', s.role)}<div class="muted small">${s.address}${s.role === 'resolver' ? ' · ' + word('dns.role', 'resolver') : ''}</div></td>
			<td data-label=${t('dns.state')}><span class=${'pill ' + (serverTones[statusOf(s, last.seen)] ?? '')}>${word('dns.status', statusOf(s, last.seen))}</span></td>
			${changed && html`<td data-label=${t('dns.change.before')}><${Answer} answer=${before.get(serverKey(s))?.mx} /></td>`}
			<td data-label=${changed ? t('dns.change.now') : t('dns.mx')}><${Answer} answer=${s.mx} /></td>
			<td class="num" data-label="TTL">${s.mx?.ttl >= 0 ? number(s.mx.ttl) : '–'}</td></tr>`)}</tbody></table></div>`;
}

// {name: {ANSWER's text: answer}} over the authoritative servers that answered: one entry where they agree.
function otherRecords(seen) {
	const rows = new Map();
	const put = (name, answer) => {
		if (!answer) return;
		if (!rows.has(name)) rows.set(name, new Map());
		rows.get(name).set(JSON.stringify([answer.values, answer.cname, answer.rcode]), answer);
	};
	for (const s of seen.servers.filter((x) => x.role === 'authoritative' && ['ok', 'stale'].includes(x.status))) {
		for (const [key, name] of [['spf', 'SPF'], ['dmarc', 'DMARC'], ['mta_sts', 'MTA-STS'], ['autodiscover', 'autodiscover'], ['autoconfig', 'autoconfig']]) put(name, s[key]);
		for (const [selector, answer] of Object.entries(s.dkim ?? {})) put('DKIM ' + selector, answer);
	}
	return [...rows];
}

const Others = ({ seen }) => {
	const rows = otherRecords(seen);
	return rows.length > 0 && html`<details class="more-options"><summary>${t('dns.others')}</summary><dl class="facts wide">${rows.map(([name, answers]) => html`<div><dt>${name}</dt>
		<dd class="plain">${[...answers.values()].map((a) => html`<${Answer} answer=${a} />`)}${answers.size > 1 && html`<span class="pill warn">${t('finding.dns.servers_differ')}</span>`}</dd></div>`)}</dl></details>`;
};

const Probe = ({ seen }) => seen.probe?.length > 0 && html`<div><h3>${t('dns.probe')}</h3><ul class="plain-list">${seen.probe.map((p) => html`<li data-probe=${p.status}>
	<span class=${'pill ' + (p.status === 'accepted' ? 'good' : 'bad')}>${word('dns.probe', p.status)}</span> <code class="break">${p.host}</code> <span class="muted small">${p.address}</span>
	${p.reply && html`<p class="raw break">${p.reply}</p>`}</li>`)}</ul></div>`;

const zoneLine = (r) => r.name + '. ' + r.ttl + ' IN ' + r.type + ' ' + r.preference + ' ' + r.host + '.';

function Records({ records, domain }) {
	const text = records.map(zoneLine).join('\n');
	const copy = () => navigator.clipboard.writeText(text).then(() => toast(t('dns.copied')), () => toast(t('dns.notcopied')));
	return html`<h3>${t('dns.records')}</h3><p class="muted small">${t('dns.records.more', { domain })}</p>
		<div class="table-card inner"><table class="table stackable records"><caption class="visually-hidden">${t('dns.records')}</caption>
			<thead><tr>${['name', 'type', 'ttl', 'preference', 'host'].map((c) => html`<th scope="col">${t('dns.record.' + c)}</th>`)}</tr></thead>
			<tbody>${records.map((r) => html`<tr>${['name', 'type', 'ttl', 'preference', 'host'].map((c) => html`<td data-label=${t('dns.record.' + c)}><code class="break">${r[c]}</code></td>`)}</tr>`)}</tbody></table></div>
		<div class="with-copy"><pre class="log zone" tabindex="0" aria-label=${t('dns.zone')}>${text}</pre>${navigator.clipboard && html`<button type="button" class="button small" onClick=${copy}>${t('dns.copy')}</button>`}</div>`;
}

export function DomainDns({ domain: d, plan, reload }) {
	const seen = d.last?.seen, id = 'dns-' + d.domain.replace(/[^a-z0-9-]/gi, '-');
	return html`<section class="card" aria-labelledby=${id} data-domain=${d.domain}>
		<div class="verdict"><h2 id=${id} class="break">${t('dns.of', { domain: d.domain })}</h2>
			${d.last && html`<span class=${'pill ' + (d.last.moved ? 'good' : '')}>${t(d.last.moved ? 'dns.moved' : 'dns.notmoved')}</span>`}</div>
		<${Clock} clock=${d.clock} plan=${plan} reload=${reload} />
		${seen && html`${seen.findings.length > 0 ? html`<${Findings} list=${seen.findings} />` : html`<p class="good-text">${t('dns.clean')}</p>`}
			<h3>${t('dns.where')}</h3><${Servers} domain=${d.domain} first=${d.first} last=${d.last} />
			${d.resolvers.asked > 0 && plan?.mx?.length > 0 && html`<p data-converged>${t('dns.converged', { n: d.resolvers.converged, asked: d.resolvers.asked })}</p>`}
			<${Probe} seen=${seen} /><${Others} seen=${seen} />`}
		${d.records.length > 0 ? html`<${Records} records=${d.records} domain=${d.domain} />` : html`<p class="muted">${t('dns.noplan')}</p>`}
	</section>`;
}
