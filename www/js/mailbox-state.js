// What a mailbox is doing or has done last, in one pill, one line and, while something runs, one bar.
import { html } from './html.js';
import { t, word } from './i18n.js';
import { failure } from './failure.js';
import { ago, bytes, duration, number, percentText } from './format.js';
import { Bar, barPercent } from './progress.js';
import { Icon } from './icon.js';

const tones = { queued: '', running: 'live', paused: 'warn', waiting: 'warn', succeeded: 'good', partial: 'warn',
	failed: 'bad', cancelled: '' };
const icons = { queued: 'clock', running: 'arrow', paused: 'clock', waiting: 'clock', succeeded: 'check', partial: 'alert',
	failed: 'cross', cancelled: 'stop' };

export function runName(run) {
	return run.kind === 'sync' ? t('pass.' + (run.pass || 'initial')) : word('kind', run.kind);
}

export function RunPill({ run }) {
	return html`<span class=${'pill ' + (tones[run.status] ?? '')} data-status=${run.status}><${Icon} name=${icons[run.status] ?? 'info'} />
		${runName(run)}: ${run.held ? t('status.held') : word('status', run.status)}</span>`;
}

export function RunProgress({ run, label }) {
	const p = run.progress;
	if (!p) return run.message ? html`<p class="muted small">${run.message}</p>` : null;
	const ended = run.status === 'succeeded';
	return html`<div class="run-progress">
		<${Bar} done=${p.messages_done} total=${p.messages_total} ended=${ended} label=${label} tone=${run.status === 'running' ? 'live' : ''} />
		<div class="muted small progress-line">
			<span class="strong">${percentText(barPercent(p.messages_done, p.messages_total, ended))}</span>
			<span>${t('progress.messages', { done: number(p.messages_done), total: number(p.messages_total) })}</span>
			${p.bytes_total > 0 && html`<span>${t('progress.bytes', { done: bytes(p.bytes_done), total: bytes(p.bytes_total) })}</span>`}
			${p.rate_bytes > 0 && html`<span>${t('rate.bytes', { size: bytes(p.rate_bytes) })}</span>`}
			${p.eta_seconds !== null && p.eta_seconds !== undefined && run.status === 'running' &&
				html`<span>${t('eta', { time: duration(p.eta_seconds) })}</span>`}
			${p.refused > 0 && html`<span class="bad-text">${t('progress.refused', { n: p.refused })}</span>`}
		</div>
		${p.folder && run.status === 'running' && html`<div class="muted small clip" title=${p.folder}>${p.folder}
			${p.folders_total > 0 && html` (${number(p.folders_done)}/${number(p.folders_total)})`}</div>`}
	</div>`;
}

// Why a run ended as it did: the table's words for its code, the run's own message one click away.
export function RunFailure({ run }) {
	if (!run.code && !run.message) return null;
	if (run.status === 'succeeded') return null;
	const known = failure(run.code);
	const words = known?.title ?? (run.message || run.code);
	const remedy = known?.remedy ?? run.remedy ?? '';
	return html`<div class=${'run-failure ' + (run.status === 'failed' ? 'bad-text' : 'warn-text')}>
		<p><strong>${words}</strong>${remedy && html`${' '}<span class="remedy">${remedy}</span>`}</p>
		${run.message && run.message !== words && html`<details><summary>${t('run.words')}</summary><p class="raw">${run.message}</p>
			<p class="code">${run.code}</p></details>`}
	</div>`;
}

export function MailboxState({ mailbox }) {
	const s = mailbox.state ?? {}, name = mailbox.source.user;
	if (s.active_run)
		return html`<${RunPill} run=${s.active_run} /><${RunProgress} run=${s.active_run} label=${t('progress.of', { name })} />
			${s.active_run.code && html`<${RunFailure} run=${s.active_run} />`}`;
	if (!s.last_run)
		return html`<span class="pill"><${Icon} name="clock" />${t('mailbox.new')}</span>`;
	return html`<${RunPill} run=${s.last_run} /><span class="muted small when">${ago(s.last_run.finished_at)}</span>
		<${RunFailure} run=${s.last_run} />`;
}

export function missingSecret(mailbox) {
	const sides = [];
	if (!mailbox.source.has_secret && (mailbox.source.kind ?? 'imap') === 'imap') sides.push('source');
	if (!mailbox.destination.has_secret) sides.push('destination');
	return sides;
}
