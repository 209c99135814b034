// What changed between the gate that a person looked at and the gate as it is: for the answer to a 412.
const key = (r) => r.code + ' ' + (r.mailbox_id ?? '');

// [{what: verdict|ratio|mailboxes, before, after} | {what: appeared|gone, reason}]
export function gateDiff(before, after) {
	const changes = [];
	for (const what of ['verdict', 'ratio', 'mailboxes'])
		if (before[what] !== after[what]) changes.push({ what, before: before[what], after: after[what] });
	const was = new Set(before.reasons.map(key)), is = new Set(after.reasons.map(key));
	for (const reason of after.reasons) if (!was.has(key(reason))) changes.push({ what: 'appeared', reason });
	for (const reason of before.reasons) if (!is.has(key(reason))) changes.push({ what: 'gone', reason });
	return changes;
}
