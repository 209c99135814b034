// What can be started or stopped on a job's mailboxes, each through the API, with words for what happened.
import { del, newKey, post } from './api.js';
import { t } from './i18n.js';
import { toast } from './notice.js';

const bodyFor = (ids, more = {}) => (ids ? { ...more, mailbox_ids: ids } : more);

// what: preflight | initial | delta | final | verify | deep
export async function startRuns(jobId, what, ids) {
	const routes = {
		preflight: ['/preflight', {}],
		initial: ['/sync', { pass: 'initial' }],
		delta: ['/sync', { pass: 'delta' }],
		final: ['/sync', { pass: 'final' }],
		verify: ['/verify', { deep: false }],
		deep: ['/verify', { deep: true }],
	};
	const [path, body] = routes[what];
	const { runs } = await post('/jobs/' + jobId + path, bodyFor(ids, body), { key: newKey() });
	toast(t('started.' + what, { n: runs.length }));
	return runs;
}

const each = async (runs, verb) => {
	let done = 0;
	for (const run of runs) {
		await post('/runs/' + run.id + '/' + verb, {});
		done++;
	}
	return done;
};

export const isActive = (run) => ['queued', 'running', 'paused', 'waiting'].includes(run?.status);

export const runsOf = (mailboxes, which) => mailboxes.map((m) => m.state?.[which]).filter(Boolean);

export async function cancelRuns(runs) {
	toast(t('cancel.asked', { n: await each(runs, 'cancel') }));
}

export async function retryRuns(runs) {
	toast(t('retry.asked', { n: await each(runs, 'retry') }));
}

export async function pauseRuns(runs) {
	toast(t('pause.asked', { n: await each(runs, 'pause') }));
}

export async function resumeRuns(runs) {
	toast(t('resume.asked', { n: await each(runs, 'resume') }));
}

export const pauseRun = (run) => each([run], 'pause');
export const resumeRun = (run) => each([run], 'resume');

export async function removeMailbox(id, reason) {
	await del('/mailboxes/' + id, { reason });
	toast(t('mailbox.removed'));
}
