// The ordered checklist of the switch, as the API computes it, and the watch for mail that still reaches the old
// server.
import { html } from './html.js';
import { has, t, word } from './i18n.js';
import { duration, instant, number } from './format.js';
import { Icon } from './icon.js';

const looks = { done: ['good', 'check'], waiting: ['warn', 'clock'], failed: ['bad', 'cross'], unknown: ['', 'info'] };

// The API's detail is a code, a server's words, or a count; a code and a count have words of this page.
function detailOf(step, { mailboxes, watch }) {
	const d = step.detail ?? '';
	if (step.id === 'final_pass') {
		const done = mailboxes.filter((m) => m.state?.last_pass?.pass === 'final').length;
		return t('cutover.final.detail', { done, n: mailboxes.length });
	}
	if (step.id === 'stragglers') return watch ? t('straggler.arrived', { n: watch.arrived }) : '';
	if (step.id === 'gate') return word('verdict', d);
	if (step.id === 'ttl_lowered') return has('clock.' + d) ? t('clock.' + d) : d;
	return has('finding.' + d) ? t('finding.' + d) : d;
}

function Step({ step, n, facts }) {
	const [tone, icon] = looks[step.state] ?? looks.unknown;
	const detail = detailOf(step, facts);
	return html`<li data-step-id=${step.id} data-state=${step.state}><span class="step-n" aria-hidden="true">${n}</span>
		<div class="grow"><p><strong>${word('cutover', step.id)}</strong></p>
			${has('cutover.' + step.id + '.more') && step.state !== 'done' && html`<p class="muted small">${t('cutover.' + step.id + '.more')}</p>`}
			${detail && html`<p class="small break">${detail}${step.id === 'ttl_lowered' && step.state === 'waiting' && step.at && html` · ${t('clock.until', { when: instant(step.at) })}`}</p>`}</div>
		<span class=${'pill ' + tone}><${Icon} name=${icon} />${word('cutover.state', step.state)}</span></li>`;
}

export function Stragglers({ watch }) {
	return html`<dl class="facts" data-stragglers>
		<div><dt>${t('straggler.since')}</dt><dd>${instant(watch.started_at)}</dd></div>
		<div><dt>${t('straggler.late')}</dt><dd>${number(watch.arrived)}${watch.last_new_at && html`<div class="muted small">${t('straggler.last', { when: instant(watch.last_new_at) })}</div>`}</dd></div>
		<div><dt>${t('straggler.quiet')}</dt><dd>${duration(watch.quiet_seconds)}</dd></div>
		<div><dt>${t('straggler.state')}</dt><dd>${watch.ended_at ? t('straggler.ended', { when: instant(watch.ended_at) }) : t('straggler.watching')}
			${watch.ended_at && html`<div class="muted small">${word('straggler.why', watch.why)}</div>`}</dd></div></dl>`;
}

export function Cutover({ cutover, dns, mailboxes }) {
	const facts = { mailboxes, watch: dns.stragglers };
	return html`<section class="card" aria-labelledby="cutover-head"><div><h2 id="cutover-head">${t('cutover')}</h2><p class="lead">${t('cutover.lead')}</p></div>
		<ol class="checklist">${cutover.steps.map((s, i) => html`<${Step} key=${s.id} step=${s} n=${i + 1} facts=${facts} />`)}</ol>
		${dns.stragglers && html`<h3>${t('straggler')}</h3><${Stragglers} watch=${dns.stragglers} />
			<p class=${dns.stragglers.old_server_may_go ? 'good-text strong' : 'muted'}>${t(dns.stragglers.old_server_may_go ? 'straggler.go' : 'straggler.keep')}</p>`}</section>`;
}
