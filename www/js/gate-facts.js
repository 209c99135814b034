// The facts that make the verdict, in the order in which a person meets them, each with the reasons of the gate that
// speak against it. Pure: the reasons are the API's; nothing is judged here.
const facts = [
	['mailboxes', ['job.none', 'job.empty']],
	['verified', ['mailbox.unverified', 'mailbox.verify_partial', 'verify.stale']],
	['complete', ['mailbox.below_minimum', 'mailbox.missing_unexplained', 'mailbox.weak_unaccepted', 'mailbox.refusals_unaccepted', 'mailbox.excluded_unaccepted']],
	['source', ['source.empty', 'source.shrank']],
	['everyone', ['mailbox.removed', 'account.not_in_job']],
	['still', ['run.active', 'pass.failed']],
	['final', ['pass.none_final', 'pass.not_last_final']],
	['approved', ['gate.not_approved', 'gate.approval_void']],
];
// What a verification would have to say first.
const needVerification = ['complete', 'source'];

// [{id, state: done | open | covered | unknown, reasons}]; reasons of no fact come last, as 'other'.
export function gateFacts(gate) {
	const known = new Set(facts.flatMap(([, codes]) => codes));
	const rows = facts.map(([id, codes]) => ({ id, reasons: gate.reasons.filter((r) => codes.includes(r.code)) }));
	const unproven = gate.reasons.some((r) => ['job.none', 'job.empty', 'mailbox.unverified', 'mailbox.verify_partial'].includes(r.code));
	const stateOf = ({ id, reasons }) => {
		if (id === 'other' && reasons.every((r) => r.code === 'dns.applied')) return 'done'; // what was wanted
		if (reasons.some((r) => !r.covered)) return 'open';
		if (reasons.length) return 'covered';
		return unproven && needVerification.includes(id) ? 'unknown' : 'done';
	};
	const other = gate.reasons.filter((r) => !known.has(r.code));
	if (other.length) rows.push({ id: 'other', reasons: other });
	// Nobody needs to approve what an override has opened; and what has moved is past all that.
	return rows.map((row) => {
		const state = stateOf(row);
		if (row.id === 'approved' && state === 'done' && !gate.approval?.valid) return { ...row, state: gate.override?.valid ? 'covered' : 'unknown' };
		return { ...row, state };
	});
}
