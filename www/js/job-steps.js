// What a job needs next, from what the API tells. Pure. The words are step.NAME and step.NAME.more; `ids` are the
// mailboxes concerned (all when absent).
const verified = (m) => m.state?.verification?.complete && m.state.verification.current;

const approval = (r) => r.code === 'gate.not_approved' || r.code === 'gate.approval_void';

export function failedRuns(mailboxes) {
	return mailboxes.filter((m) => !m.state?.active_run && m.state?.last_run?.status === 'failed');
}

// {name, action, ids, n}. action: add | secret | wait | retry | preflight | initial | verify | final | approve | gate | none
export function nextStep(job, mailboxes, gate, permitted = () => false) {
	if (job.status === 'closed') return { name: 'closed', action: 'none' };
	if (mailboxes.length === 0) return { name: 'add', action: 'add' };
	const active = mailboxes.filter((m) => m.state?.active_run);
	if (active.length) return { name: 'wait', action: 'wait', n: active.length };
	const step = (name, action, list) => ({ name, action, ids: list.map((m) => m.id), n: list.length });
	const some = (name, action, fn) => {
		const list = mailboxes.filter(fn);
		return list.length ? step(name, action, list) : null;
	};
	const bare = (m) => !m.source.has_secret && (m.source.kind ?? 'imap') === 'imap' || !m.destination.has_secret;
	const found = some('secret', 'secret', bare) ??
		(failedRuns(mailboxes).length ? step('failed', 'retry', failedRuns(mailboxes)) : null) ??
		some('preflight', 'preflight', (m) => !m.state?.last_run && !m.state?.last_pass) ??
		some('initial', 'initial', (m) => !m.state?.last_pass) ??
		some('verify', 'verify', (m) => !verified(m)) ??
		some('final', 'final', (m) => m.state.last_pass.pass !== 'final');
	if (found) return found;
	if (gate?.verdict === 'dns_applied') return { name: 'done', action: 'none' };
	if (gate?.verdict === 'ready_for_dns') return { name: 'ready', action: 'gate' };
	const left = (gate?.reasons ?? []).filter((r) => !r.covered);
	const onlyApproval = left.length > 0 && left.every(approval);
	if (onlyApproval) return permitted('gate.approve') ? { name: 'approve', action: 'approve' } : { name: 'ask', action: 'gate' };
	return { name: 'reasons', action: 'gate', n: left.filter((r) => !approval(r)).length };
}

// Whether a mailbox is ready, by its last run: bare (a secret is missing) | wait | new | bad | warn | good. A run that failed
// later counts more than a preflight that went well before.
export function checkVerdict(m, bare) {
	const run = m.state?.active_run ?? m.state?.last_run;
	if (bare) return 'bare';
	if (!run) return 'new';
	if (m.state.active_run) return 'wait';
	if (run.status === 'failed') return 'bad';
	if (run.kind !== 'preflight') return m.state.last_pass ? 'good' : 'new';
	if (run.status !== 'succeeded') return 'bad';
	return run.result?.warnings?.length || run.result?.advice?.length ? 'warn' : 'good';
}
